/**
 * The writer of one sink: takes records from its queue in order, writes them, and stands still at each cut until the epoch is saved.
 * A write that failed as a whole is repeated. Of one that failed in part, what can never pass is reported, the rest is written again, alone;
 * nothing later is written meanwhile, so the order of a key holds through retries (invariant 13).
 */
import { crashPoint } from '../crash.ts'
import type { PartialWriteError } from '../errors.ts'
import type { Records } from '../record.ts'
import type { OnFail, SinkNode } from './graph.ts'
import { asRunError, backoffMs, defaultRetry, isPartial, isRetryable, pause, type RetryPolicy } from './retry.ts'
import type { Cut } from './epoch.ts'

export interface WriterContext {
  readonly signal: AbortSignal
  readonly retry?: RetryPolicy
  /** The epoch that is being written. */
  epoch(): number
  onFail: OnFail
  onRetry(node: string, error: Error, attempt: number, waitMs: number): void
  /** The writer has come to a cut. */
  arrived(cut: Cut): void
  /** Rows were let go: there may be room again. */
  released(): void
}

/** Runs until the queue is closed. Rejects with what stops the run. */
export async function runWriter(node: SinkNode, ctx: WriterContext): Promise<void> {
  for (;;) {
    const item = await node.queue.take()
    if (!item || ctx.signal.aborted) return
    if ('cut' in item) {
      ctx.arrived(item.cut)
      await item.cut.done
      continue
    }
    crashPoint('before_write')
    await write(node, item.records, ctx)
    crashPoint('after_write')
    node.queue.release(item.records.length, item.bytes)
    ctx.released()
  }
}

async function write(node: SinkNode, all: Records, ctx: WriterContext): Promise<void> {
  const policy = ctx.retry ?? defaultRetry
  let records = all
  for (let attempt = 1; ; attempt++) {
    let failure: Error
    try {
      const written = node.sink.write(records, { signal: ctx.signal, epoch: ctx.epoch() })
      if (written) await written
      node.count.delivered += records.length
      return
    } catch (error) {
      if (isPartial(error)) {
        const { failures } = error as PartialWriteError
        const again: number[] = []
        let first = ''
        for (const f of failures) {
          if (f.kind === 'data') {
            node.count.failed++
            ctx.onFail(node.id, node.policy, records, f.index, f.code, {
              message: f.message,
              ...(f.field === undefined ? {} : { field: f.field }),
            })
          } else {
            first ||= `${f.code}: ${f.message}`
            again.push(f.index)
          }
        }
        node.count.delivered += records.length - failures.length
        if (again.length === 0) return
        records = records.pick(again.sort((a, b) => a - b))
        failure = new Error(`${again.length} records were not taken (${first})`)
      } else if (isRetryable(error)) {
        failure = error as Error
      } else {
        throw asRunError(error, node.id, 'writing')
      }
      if (attempt >= policy.attempts || ctx.signal.aborted)
        throw asRunError(failure, node.id, `writing, after ${attempt} tries`)
    }
    const waitMs = backoffMs(policy, attempt)
    ctx.onRetry(node.id, failure, attempt, waitMs)
    await pause(waitMs, ctx.signal)
  }
}
