/**
 * A pipeline in a process of its own: rows from memory into a collection, gathered attributes and a table. Dies where
 * MILLRACE_CRASH_AT says.
 */
import { type Sink, run, type SinkContext } from '@millrace/core'
import { memorySource, testPipeline } from '@millrace/core/testing'
import definitions from '../src/index.ts'
import type { Options } from '../src/options.ts'
import { type ChildJob, jobRows, jobSchema } from './job.ts'

const { root, name, rows } = JSON.parse(process.argv[2]!) as ChildJob
const [definition] = definitions

const sink = (id: string, options: Partial<Options>) => (): Sink => {
  const ctx: SinkContext = {
    root,
    home: root,
    profile: 'local',
    pipeline: name,
    id,
    resolve: (path) => path,
    schema: jobSchema,
  }
  return definition!.create({ nulls: 'write', existing: 'stop', ...options } as Options, ctx)
}
const { plan, registry } = testPipeline({
  name,
  sources: { in: () => memorySource(jobRows(rows), { size: 250 }) },
  sinks: {
    documents: { from: ['in'], create: sink('documents', { collection: 'documents' }) },
    gathered: {
      from: ['in'],
      create: sink('gathered', {
        collection: 'gathered',
        key: 'group',
        write: 'set',
        attribute: { name: 'n', value: ['text'] },
      }),
    },
    table: { from: ['in'], create: sink('table', { table: 'rows' }) },
  },
})
const summary = await run(plan, registry, {
  root,
  home: root,
  secrets: () => undefined,
  bounds: { minRecords: 500, minMs: 1_000_000 },
})
process.stdout.write(JSON.stringify({ ended: summary.ended, imbalances: summary.imbalances }))
