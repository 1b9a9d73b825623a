/** Reads standard input as the engine does and prints what it saw as JSON. */
import { freshRead, type SourceDefinition } from '@millrace/core'
import definitions from '../src/index.ts'

const [definition] = definitions as SourceDefinition[]
const options = {
  path: '-',
  after_read: 'keep',
  delimiter: ',',
  quote: '"',
  header: true,
  encoding: 'utf-8',
  nulls: [''],
  ragged: 'error',
  max_record_size: 1 << 20,
}
const schema = { fields: { a: { type: { kind: 'integer' as const }, optional: false } } }
const env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 's', resolve: (path: string) => path }
const stop = new AbortController()
if (process.argv[2] === 'abort') setTimeout(() => stop.abort(), 50)

const seen = {
  rows: [] as unknown[],
  splits: [] as unknown[],
  positions: 0,
  capabilities: definition!.capabilities(options),
  error: '',
}
try {
  const source = definition!.create(options, { ...env, schema, unknownFields: 'drop' })
  for await (const batch of source.read(freshRead(stop.signal))) {
    if ('splits' in batch) seen.splits.push(...batch.splits)
    else if ('rows' in batch) {
      seen.rows.push(...batch.rows)
      if (batch.position !== undefined) seen.positions++
    }
  }
} catch (error) {
  seen.error = (error as Error).name
}
process.stdout.write(JSON.stringify(seen))
