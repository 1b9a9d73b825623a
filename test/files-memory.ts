/**
 * Reads files and writes files, and prints how many rows there were and by how many MiB it grew. Arguments: folder,
 * formats.
 */
import { resolve } from 'node:path'
import {
  batch,
  type Batch,
  type Env,
  freshRead,
  isBatch,
  Records,
  type SinkDefinition,
  type SourceDefinition,
} from '@millrace/core'
import { sinkFiles } from '@millrace/sink-files'
import { sourceFiles } from '@millrace/source-files'

const [root, from, to] = process.argv.slice(2) as [string, string, string]
const { signal } = new AbortController()
const env: Env = {
  root,
  home: root,
  profile: 'local',
  pipeline: 'memory',
  id: 'memory',
  resolve: (path) => resolve(root, path),
}
const field = (kind: 'integer' | 'string') => ({ type: { kind }, optional: false }) as const
const schema = { fields: { id: field('integer'), text: field('string') } }

async function* batches(): AsyncGenerator<Batch> {
  if (from === 'memory') {
    const text = 'a text of 20 letters'.repeat(50_000)
    yield batch({ split: 's', rows: Array.from({ length: 500 }, (_, id) => ({ id, text })), position: 500 })
    return
  }
  const options = { path: `in.${from}`, after_read: 'keep' }
  const source = (sourceFiles as SourceDefinition).create(options, { ...env, schema, unknownFields: 'drop' })
  for await (const given of source.read(freshRead(signal))) if (isBatch(given) && given.rows.length > 0) yield given
}

const options = { path: 'out/', format: to, existing: 'stop', max_open_files: 10 }
const sink = (sinkFiles as SinkDefinition).create(options, { ...env, schema })
await sink.open!({ signal, incarnation: 1, start: 's', instance: { i: 0, n: 1 }, whole: true, warn: () => {} })
const before = process.memoryUsage.rss()
let rows = 0
for await (const one of batches()) {
  rows += one.rows.length
  const from = [{ source: 'source', batch: one }]
  await sink.write(new Records({ rows: one.rows, from, pipeline: 'memory' }), { signal, epoch: 1 })
}
const { stages } = await sink.flush!({ signal, epoch: 1, roll: true, end: true })
for (const stage of stages ?? []) await sink.publish!(stage, { signal })
await sink.close?.()
const mebibytes = Math.round(process.resourceUsage().maxRSS / 1024 - before / 2 ** 20)
process.stdout.write(JSON.stringify({ rows, mebibytes }))
