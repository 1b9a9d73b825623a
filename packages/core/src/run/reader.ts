/**
 * Reads one source. Batches are handed over as they arrive; small ones are gathered up to 1,000 rows or 1 MiB, or until
 * no more are available. After a transient system error the source is read again from where the graph is.
 */
import type { Clock } from '../clock.ts'
import { isBatch, type ReadContext } from '../connector/index.ts'
import { crashPoint } from '../crash.ts'
import type { Batch, CaughtUp, SplitsFound } from '../record/index.ts'
import type { SourceNode } from './nodes.ts'
import { type Calls, isRetryable } from './retry.ts'

const gatherRows = 1000
const gatherBytes = 1 << 20

export interface ReaderContext {
  /** Aborted to end the reading; the run then drains. */
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly calls: Calls
  readonly read: Omit<ReadContext, 'signal'>
  onSplits(found: SplitsFound): void
  onCaughtUp(splits: CaughtUp['caughtUp']): void
  /** A batch has arrived; it may be gathered with others before it is taken. */
  received(batch: Batch): void
  /** Takes batches, in order. Resolves when more may come; undefined: immediately. */
  take(batches: readonly Batch[]): Promise<void> | undefined
  /** The source was polled and has not answered yet (true), or has answered (false). */
  onPoll(isPolling: boolean): void
}

/** Resolves when the source has ended or the signal was aborted. */
export async function runReader(node: SourceNode, ctx: ReaderContext): Promise<void> {
  const attempts = ctx.calls.attempts(node, 'reading')
  while (!ctx.signal.aborted) {
    try {
      await readOnce(node, ctx, attempts.succeeded)
      return
    } catch (error) {
      if (ctx.signal.aborted && ((error as Error)?.name === 'AbortError' || isRetryable(error))) return
      await attempts.waitToRetry(error)
    }
  }
}

async function readOnce(node: SourceNode, ctx: ReaderContext, worked: () => void): Promise<void> {
  const iterator = node.source.read({ ...ctx.read, signal: ctx.signal })[Symbol.asyncIterator]()
  let gathered: Batch[] = []
  let rows = 0
  let bytes = 0
  const handOver = (): Promise<void> | undefined => {
    if (gathered.length === 0) return undefined
    const batches = gathered
    gathered = []
    rows = bytes = 0
    crashPoint('after_read')
    const more = ctx.take(batches)
    return more && unlessStopped(more, ctx.signal)
  }
  try {
    const poll = () => {
      ctx.onPoll(true)
      return iterator.next()
    }
    let next = poll()
    for (;;) {
      if (gathered.length > 0 && (await isPending(next, ctx.clock))) await handOver()
      const { value, done } = await next
      ctx.onPoll(false)
      if (done) break
      if (!('splits' in value)) worked()
      let wait: Promise<void> | undefined
      if (isBatch(value)) {
        const batch = node.time ? node.time.timed(value, ctx.clock) : value
        ctx.received(batch)
        gathered.push(batch)
        rows += batch.rows.length
        bytes += batch.bytes
        if (rows >= gatherRows || bytes >= gatherBytes || batch.caughtUp) wait = handOver()
      } else {
        wait = handOver()
        if ('splits' in value) ctx.onSplits(value)
        else ctx.onCaughtUp(value.caughtUp)
      }
      if (wait) await wait
      if (ctx.signal.aborted) break
      next = poll()
    }
    await handOver()
  } catch (error) {
    ctx.onPoll(false)
    // What was read before the failure may not be readable again.
    if (isRetryable(error)) await handOver()
    throw error
  } finally {
    await iterator.return?.()
  }
}

/** Settles like the promise, or at the stop: everything handed over was taken, and no room for more is needed. */
function unlessStopped(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve()
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/**
 * Whether a promise is still pending after one turn of the event loop. A source that has more available settles within
 * a few microtasks, which is noticed without waiting for the turn.
 */
async function isPending(promise: Promise<unknown>, clock: Clock): Promise<boolean> {
  let settled = false
  const markSettled = () => {
    settled = true
  }
  promise.then(markSettled, markSettled)
  for (let k = 0; k < 4 && !settled; k++) await Promise.resolve()
  if (!settled) await clock.turn()
  return !settled
}
