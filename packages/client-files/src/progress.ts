/**
 * What was read counts as read when the same file is looked at again, though the engine may not have taken it yet: it
 * may be waiting for another source, and a preview takes nothing at all.
 */
import type { Batch, CaughtUp, Json, ReadContext, SplitsFound } from '@millrace/core'
import { isBatch } from '@millrace/core'

type Given = Batch | SplitsFound | CaughtUp

/**
 * Reads with a context that knows what was read with it. `isRepeated`: files that were read to their end will be looked
 * at again.
 */
export async function* withProgress<G extends Given>(
  ctx: ReadContext,
  isRepeated: boolean,
  read: (ctx: ReadContext) => AsyncIterable<G>,
): AsyncGenerator<G> {
  const positions = new Map<string, Json>()
  const memory = new Map<string, Json | null>()
  const note = ({ split, position, end, remember }: Batch) => {
    if (position === undefined || (end && !isRepeated)) positions.delete(split)
    else positions.set(split, position)
    if (isRepeated) for (const [key, value] of remember ?? []) memory.set(key, value)
  }
  /** What the context knows as well need not be kept. */
  const latest = <V>(own: Map<string, V>, key: string, taken: Json | undefined): V | Json | undefined => {
    const value = own.get(key)
    if (value === undefined) return taken
    if (JSON.stringify(value) === JSON.stringify(taken ?? null)) own.delete(key)
    return value
  }
  const own: ReadContext = {
    ...ctx,
    resume: (split) => latest(positions, split, ctx.resume(split)),
    recall: (key) => latest(memory, key, ctx.recall(key)) ?? undefined,
  }
  for await (const given of read(own)) {
    if (isBatch(given)) note(given)
    yield given
  }
}
