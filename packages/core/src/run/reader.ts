/**
 * Reads one source: batches are handed over as they come, small ones gathered up to 1,000 rows or 1 MiB, or until
 * nothing more is at hand. A source that throws a system error which can pass is read again from where the graph has
 * come to.
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
  onCaughtUp(said: CaughtUp['caughtUp']): void
  /** A batch has come; it may wait for others before it is taken. */
  received(batch: Batch): void
  /** Takes batches, in order. Resolves when more may come; undefined: at once. */
  take(batches: readonly Batch[]): Promise<void> | undefined
  /** The source is asked and has not answered yet, or it has. */
  asking(isAsked: boolean): void
}

/** Resolves when the source has ended, or the signal was aborted. */
export async function runReader(node: SourceNode, ctx: ReaderContext): Promise<void> {
  const tries = ctx.calls.attempts(node, 'reading')
  while (!ctx.signal.aborted) {
    try {
      await readOnce(node, ctx, tries.worked)
      return
    } catch (error) {
      if (ctx.signal.aborted && (error as Error)?.name === 'AbortError') return
      await tries.again(error)
    }
  }
}

async function readOnce(node: SourceNode, ctx: ReaderContext, worked: () => void): Promise<void> {
  const iterator = node.source.read({ ...ctx.read, signal: ctx.signal })[Symbol.asyncIterator]()
  let gathered: Batch[] = []
  let rows = 0
  let bytes = 0
  const hand = (): Promise<void> | undefined => {
    if (gathered.length === 0) return undefined
    const batches = gathered
    gathered = []
    rows = bytes = 0
    crashPoint('after_read')
    const more = ctx.take(batches)
    return more && unlessStopped(more, ctx.signal)
  }
  try {
    const ask = () => {
      ctx.asking(true)
      return iterator.next()
    }
    let next = ask()
    for (;;) {
      if (gathered.length > 0 && (await isPending(next, ctx.clock))) await hand()
      const { value, done } = await next
      ctx.asking(false)
      if (done) break
      if (!('splits' in value)) worked()
      let wait: Promise<void> | undefined
      if (isBatch(value)) {
        ctx.received(value)
        gathered.push(value)
        rows += value.rows.length
        bytes += value.bytes
        if (rows >= gatherRows || bytes >= gatherBytes || value.caughtUp) wait = hand()
      } else {
        wait = hand()
        if ('splits' in value) ctx.onSplits(value)
        else ctx.onCaughtUp(value.caughtUp)
      }
      if (wait) await wait
      if (ctx.signal.aborted) break
      next = ask()
    }
    await hand()
  } catch (error) {
    ctx.asking(false)
    // What came before the failure may not be readable twice.
    if (isRetryable(error)) await hand()
    throw error
  } finally {
    await iterator.return?.()
  }
}

/** Settles like the promise, or at the stop: what was handed over is taken, and no room for more is needed. */
function unlessStopped(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve()
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/**
 * Whether a promise has not settled when the event loop has gone round once. A source that has more available settles
 * within a few microtasks: that is told at once.
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
