/** JSON lines to JSON lines: readline, JSON.parse, JSON.stringify, backpressure by waiting for `drain`. */
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { fromJson } from './invoice.ts'

const [input, output] = process.argv.slice(2) as [string, string]
const out = createWriteStream(output)
for await (const line of createInterface({ input: createReadStream(input), crlfDelay: Number.POSITIVE_INFINITY })) {
  if (!out.write(`${JSON.stringify(fromJson(JSON.parse(line)))}\n`)) await once(out, 'drain')
}
out.end()
await finished(out)
