/**
 * The writer of one sink: takes records from its queue in order, writes them, and waits at each barrier until the epoch
 * is saved. A write that failed completely is repeated. After a partial failure, records that can never be written are
 * reported and the rest is written again on its own; nothing later is written in between, so the order of each key
 * survives retries (invariant 13).
 */
import { crashPoint } from '../crash.ts'
import { type PartialWriteError, SystemError } from '../errors/index.ts'
import type { Records } from '../record/index.ts'
import type { OnFail } from './bad-records.ts'
import type { Barrier } from './barrier.ts'
import { countCode } from './counters.ts'
import type { SinkNode } from './nodes.ts'
import type { QueuedRecords } from './queue.ts'
import { type Calls, isPartial } from './retry.ts'

export interface WriterContext {
  readonly signal: AbortSignal
  readonly calls: Calls
  /** The epoch that is being written. */
  epoch(): number
  onFail: OnFail
  /** The sink has written these records. */
  delivered(records: Records): void
  /** Rows left the queue: there may be room again. */
  released(): void
}

/** Runs until the queue is closed. Rejects with what stops the run. */
export async function runWriter(node: SinkNode, ctx: WriterContext): Promise<void> {
  for (;;) {
    const item = await node.queue.take()
    if (!item || ctx.signal.aborted) return
    if ('barrier' in item) await waitAtBarrier(item.barrier)
    else await write(node, item, ctx)
  }
}

async function waitAtBarrier(barrier: Barrier): Promise<void> {
  barrier.arrive()
  await barrier.passed
}

async function write(node: SinkNode, { records, bytes, ready }: QueuedRecords, ctx: WriterContext): Promise<void> {
  const durable = ready?.()
  if (durable) await durable
  if (ctx.signal.aborted) return
  crashPoint('before_write')
  let left: Records | undefined = records
  await ctx.calls.call(node, 'writing', async () => {
    left = await writeOnce(node, left!, ctx)
    if (left) throw notTaken(left)
  })
  crashPoint('after_write')
  node.queue.release(records.length, bytes)
  ctx.released()
}

/** Writes records and reports those that can never be written. Returns the ones to retry. */
async function writeOnce(node: SinkNode, records: Records, ctx: WriterContext): Promise<Records | undefined> {
  const { signal } = ctx
  try {
    const superseded = (n: number) => void (node.count.superseded = (node.count.superseded ?? 0) + n)
    const written = node.sink.write(records, { signal, epoch: ctx.epoch(), superseded })
    if (written) await written
    node.count.delivered += records.length
    ctx.delivered(records)
    return undefined
  } catch (error) {
    if (!isPartial(error)) throw error
    const { failures } = error as PartialWriteError
    const failed = new Set(failures.map((f) => f.index))
    const retry: number[] = []
    for (const f of failures) {
      if (f.kind === 'system') retry.push(f.index)
      else {
        node.count.failed++
        countCode(node.count, f.code)
        const more = { message: f.message, field: f.field }
        if (ctx.onFail(node.id, node.policy, records, f.index, f.code, more)) node.count.refused++
      }
    }
    node.count.delivered += records.length - failed.size
    if (failed.size < records.length)
      ctx.delivered(records.pick([...records.rows.keys()].filter((i) => !failed.has(i))))
    if (retry.length === 0) return undefined
    const left = records.pick(retry.sort((a, b) => a - b))
    const held = failures.filter((f) => f.kind === 'system')
    reasons.set(left, held.find((f) => f.waitMs !== undefined) ?? held[0]!)
    return left
  }
}

const reasons = new WeakMap<Records, PartialWriteError['failures'][number]>()

function notTaken(records: Records): SystemError {
  const { code, message, waitMs } = reasons.get(records)!
  return new SystemError(code, `${records.length} records were not accepted: ${message}`, { retry: true, waitMs })
}
