/** A table that a job of Glue loads. What is in it is not known here. */
import type { SinkContext } from '@millrace/core'
import { openJob } from '@millrace/client-glue/driver'
import { newColumns } from './columns.ts'
import { loadByJob } from './job.ts'
import type { Options } from './options.ts'
import type { Target } from './target.ts'

/** Opens nothing yet. `start`: of this process. */
export function jobTarget(o: Options, ctx: SinkContext, start: string): Target {
  const { job: name, endpoint } = o.glue!
  const job = openJob({ region: o.region, endpoint, credentials: o.credentials }, name, ctx)
  /** The last epoch of this start for which a run may have been started. An epoch has one stage. */
  let attempted = Number.NEGATIVE_INFINITY
  return {
    published: undefined,
    open: () => Promise.resolve(newColumns(ctx.schema, o.max_text_bytes)),
    async load(stage, signal) {
      const isFirst = stage.start === start && stage.epoch > attempted
      if (stage.start === start) attempted = Math.max(attempted, stage.epoch)
      await loadByJob(job, o, stage, isFirst, signal)
    },
    close: async () => job.close(),
  }
}
