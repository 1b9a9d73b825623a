/** A table that a job of Glue loads. What is in it is not known here. */
import type { SinkContext } from '@millrace/core'
import { openJob } from '@millrace/client-glue/driver'
import { newColumns } from './columns.ts'
import { loadByJob } from './job.ts'
import type { Options } from './options.ts'
import { manifestOf } from './stage.ts'
import type { Target } from './target.ts'

/** Opens nothing yet. `start`: of this process. */
export function jobTarget(o: Options, ctx: SinkContext, start: string): Target {
  const { job: name, endpoint } = o.glue!
  const job = openJob({ region: o.region, endpoint, credentials: o.credentials }, name, ctx)
  const attempted = new Set<string>()
  return {
    published: undefined,
    open: () => Promise.resolve(newColumns(ctx.schema, o.max_text_bytes)),
    async load(stage, signal) {
      const manifest = manifestOf(stage)
      const isFirst = stage.start === start && !attempted.has(manifest)
      attempted.add(manifest)
      await loadByJob(job, o, stage, isFirst, signal)
      attempted.delete(manifest)
    },
    close: async () => job.close(),
  }
}
