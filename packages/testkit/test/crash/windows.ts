/**
 * `npm run crash:windows -- --kills 200 [--kafka]`: kills the command that writes a stream and the one that reads it
 * into windows, half of the times each, over the embedded log or over Kafka. That needs MILLRACE_TEST_KAFKA_URL
 * (`npm run services -- run -- npm run crash:windows -- --kafka`). Exit code 1: windows or late records were wrong.
 */
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mulberry32 } from '../../src/retail.ts'
import { windowsJob } from './windows-job.ts'
import { kafkaStream, logStream } from './windows-streams.ts'

const { values: flags } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    kafka: { type: 'boolean', default: false },
  },
})
const broker = process.env['MILLRACE_TEST_KAFKA_URL']
if (flags.kafka && !broker) throw new Error('MILLRACE_TEST_KAFKA_URL is not set: npm run services -- run -- ...')
const wanted = Number(flags.kills)
const random = mulberry32(Number(flags.seed))
const folder = join(tmpdir(), `millrace-crash-windows-${process.pid}`)
const all = { writerKills: 0, readerKills: 0, records: 0, windows: 0, late: 0, shutOut: 0 }
let failures = 0
for (let run = 1; Math.min(all.writerKills, all.readerKills) < wanted / 2; run++) {
  const stream = flags.kafka ? await kafkaStream(broker!, `windows-${process.pid}-${run}`) : undefined
  try {
    const found = await windowsJob(folder, stream ?? logStream, random).run(25_000)
    for (const key of Object.keys(all) as (keyof typeof all)[]) all[key] += found[key]
    console.log(`run ${run}: ${JSON.stringify(found)}`)
  } catch (error) {
    console.log(`WRONG in run ${run}: ${(error as Error).message.slice(0, 2000)}`)
    if (++failures > 3) break
  } finally {
    await stream?.close()
  }
}
if (failures === 0) rmSync(folder, { recursive: true, force: true })
console.log(
  `${failures ? `${failures} FAILURES` : 'windows and late records are right'} after ${all.writerKills} kills of the writer and ${all.readerKills} of the reader: ${all.records} records in ${all.windows} windows, ${all.late} late, of which ${all.shutOut} were shut out by a window that was closed while their lane was idle`,
)
process.exitCode = failures ? 1 : 0
