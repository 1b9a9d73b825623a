/**
 * The memory of idempotency keys: for each accepted request the hash of its body and its answer, so that a resend gets the first answer and is not forwarded, and
 * another body under the same key is refused. Kept as the source's memory, in the transaction of the epoch that took the request. A ring of slots tells which key
 * is the oldest: slot n holds the n-th key accepted.
 */
import { createHash } from 'node:crypto'
import type { Json, ReadContext } from '@millrace/core'

export interface Remembered {
  readonly hash: string
  readonly status: number
  readonly body: Json
  /** When it was accepted, ms UTC. */
  readonly at: number
}

export interface Keys {
  /** The answer a key got; undefined: it is not remembered. */
  find(key: string): Remembered | undefined
  /** The entries that remember a key, and forget those that are too old or too many. */
  accept(key: string, entry: Remembered): (readonly [key: string, value: Json | null])[]
}

export const hashOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('base64')

/** Keys that may be removed for one that is added: enough to shrink a full memory, little enough to cost nothing. */
const removals = 4

export function createKeys(recall: ReadContext['recall'], limits: { readonly keep: number; readonly max: number }): Keys {
  const ring = (recall('ring') as { head: number; tail: number } | undefined) ?? { head: 0, tail: 0 }
  let { head, tail } = ring
  // What was accepted in this save is not in `recall` yet.
  const fresh = new Map<number, { key: string; at: number }>()
  return {
    find(key) {
      const entry = recall(`key ${key}`) as unknown as Remembered | undefined
      return entry && entry.at + limits.keep > Date.now() ? entry : undefined
    },
    accept(key, entry) {
      const changes: (readonly [string, Json | null])[] = []
      for (let n = 0; n < removals && tail < head; n++) {
        const oldest = fresh.get(tail) ?? (recall(`slot ${tail}`) as { key: string; at: number } | undefined)
        if (oldest && head - tail < limits.max && oldest.at + limits.keep > Date.now()) break
        changes.push([`slot ${tail}`, null])
        // The same key may have been accepted again since, and stand in a later slot.
        if (oldest && (recall(`key ${oldest.key}`) as unknown as Remembered | undefined)?.at === oldest.at) changes.push([`key ${oldest.key}`, null])
        fresh.delete(tail++)
      }
      fresh.set(head, { key, at: entry.at })
      if (fresh.size > 10_000) fresh.delete(fresh.keys().next().value!)
      changes.push([`key ${key}`, entry as unknown as Json], [`slot ${head}`, { key, at: entry.at }])
      head++
      changes.push(['ring', { head, tail }])
      return changes
    },
  }
}
