/**
 * Reads one source: batches go to the transforms as they come, small ones gathered up to 1,000 rows or until nothing more is at hand. A source that throws
 * a system error which can pass is read again from where the transforms have come to.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { ReadContext } from '../connector.ts'
import { crashPoint } from '../crash.ts'
import type { Batch, SplitsFound } from '../record.ts'
import type { SourceNode } from './graph.ts'
import { asRunError, backoffMs, defaultRetry, isRetryable, pause, type RetryPolicy } from './retry.ts'

const gatherRows = 1000

export interface ReaderContext {
  /** Aborted to end the reading; the run then drains. */
  readonly signal: AbortSignal
  readonly retry?: RetryPolicy
  readonly read: Omit<ReadContext, 'signal'>
  onSplits(found: SplitsFound): void
  /** A batch has come; it may wait for others before it is taken. */
  received(batch: Batch): void
  /** Takes batches, in order. */
  take(batches: readonly Batch[]): void
  /** Resolves when the writers have room for more. */
  room(): Promise<void> | undefined
  onRetry(node: string, error: Error, attempt: number, waitMs: number): void
}

/** Resolves when the source has ended, or the signal was aborted. */
export async function runReader(node: SourceNode, ctx: ReaderContext): Promise<void> {
  const policy = ctx.retry ?? defaultRetry
  for (let attempt = 1; !ctx.signal.aborted; attempt++) {
    try {
      await readOnce(node, ctx, () => {
        attempt = 1
      })
      return
    } catch (error) {
      if (ctx.signal.aborted && (error as Error)?.name === 'AbortError') return
      if (!isRetryable(error) || attempt >= policy.attempts)
        throw asRunError(error, node.id, 'reading', node.count.read === 0 ? 3 : 1)
      const waitMs = backoffMs(policy, attempt)
      ctx.onRetry(node.id, error as Error, attempt, waitMs)
      await pause(waitMs, ctx.signal)
    }
  }
}

async function readOnce(node: SourceNode, ctx: ReaderContext, progressed: () => void): Promise<void> {
  const iterator = node.source.read({ ...ctx.read, signal: ctx.signal })[Symbol.asyncIterator]()
  let gathered: Batch[] = []
  let rows = 0
  const hand = () => {
    if (gathered.length === 0) return
    const batches = gathered
    gathered = []
    rows = 0
    crashPoint('after_read')
    ctx.take(batches)
    progressed()
  }
  try {
    let next = iterator.next()
    for (;;) {
      if (gathered.length > 0 && (await isPending(next))) hand()
      const { value, done } = await next
      if (done) break
      if ('splits' in value) {
        hand()
        ctx.onSplits(value)
      } else if (!('rows' in value)) {
        hand()
        ctx.take([{ split: value.caughtUp[0] ?? '', rows: [], bytes: 0, positionAt: () => 0, caughtUp: true }])
      } else {
        ctx.received(value)
        gathered.push(value)
        rows += value.rows.length
        if (rows >= gatherRows || value.caughtUp) hand()
      }
      for (let wait = ctx.room(); wait; wait = ctx.room()) await wait
      if (ctx.signal.aborted) break
      next = iterator.next()
    }
    hand()
  } catch (error) {
    // What came before the failure may not be readable twice.
    if (isRetryable(error)) hand()
    throw error
  } finally {
    await iterator.return?.()
  }
}

/** Whether a promise has not settled when the event loop has gone round once. A source that has more at hand settles within a few microtasks: that is told at once. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  for (let k = 0; k < 4 && !settled; k++) await Promise.resolve()
  if (!settled) await turn()
  return !settled
}
