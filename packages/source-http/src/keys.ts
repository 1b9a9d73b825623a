/**
 * The memory of idempotency keys: for each accepted request the hash of its body and its answer. A repeated request
 * gets the first answer and is not forwarded, and another body under the same key is refused. It is kept as the
 * source's memory, saved in the transaction of the epoch with the requests. The keys of one epoch share a slot, slots
 * are numbered, and the lowest number has the oldest keys.
 */
import { hash } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'
import type { Json, ReadContext } from '@millrace/core'
import { quickZstd } from '@millrace/formats'

export interface Remembered {
  readonly hash: string
  readonly status: number
  /** Absent: the answer is the body itself. */
  readonly body?: string | Buffer
  /** When it was accepted, ms UTC. */
  readonly at: number
}

export type Entry = readonly [key: string, value: Json | null]

export interface Keys {
  /** The answer to a key; undefined: the key is not remembered. */
  find(key: string): Remembered | undefined
  /** How many are remembered. */
  readonly size: number
  /** The entries that add these keys, all accepted at `at`, and remove those that are too old or too many. */
  accept(accepted: readonly (readonly [key: string, answer: Omit<Remembered, 'at'>])[], at: number): Entry[]
}

export const hashOf = (body: Uint8Array): string => hash('sha256', body, 'base64')

/** A saved answer: its text, or the compressed text in base64. */
interface Kept extends Omit<Remembered, 'body'> {
  readonly text?: string
  readonly zstd?: string
}

/**
 * Answers from this length on are saved compressed: those of many records take a tenth of the space, and of the time to
 * save them.
 */
const compressFrom = 1024

function packed({ body, ...answer }: Omit<Remembered, 'at'>, at: number): Json {
  if (body === undefined) return { ...answer, at }
  return {
    ...answer,
    at,
    ...(body.length < compressFrom ? { text: String(body) } : { zstd: quickZstd(body).toString('base64') }),
  }
}

function remembered({ text, zstd, ...answer }: Kept): Remembered {
  const body = text ?? (zstd === undefined ? undefined : zstdDecompressSync(Buffer.from(zstd, 'base64')))
  return { ...answer, ...(body === undefined ? {} : { body }) }
}

interface Slot {
  readonly keys: readonly string[]
  readonly at: number
}

/** How many keys are removed at a time if those of a long time have expired: the save must stay short. */
const mostForgotten = 10_000

export function createKeys(
  recall: ReadContext['recall'],
  limits: { readonly keep: number; readonly max: number },
): Keys {
  // Slots from `tail` to before `head` have `count` keys.
  let { head, tail, count } = (recall('slots') as { head: number; tail: number; count: number } | undefined) ?? {
    head: 0,
    tail: 0,
    count: 0,
  }
  /** The oldest slot, once it was read. */
  let oldest: Slot | undefined
  const answerOf = (key: string) => recall(`key ${key}`) as unknown as Kept | undefined

  /** Removes the oldest keys, until there is room for `more` and no key is too old. */
  const makeRoom = (more: number, at: number, changes: Entry[]) => {
    for (let forgotten = 0; tail < head && forgotten < mostForgotten; ) {
      const slot: Slot = (oldest ??= recall(`slot ${tail}`) as unknown as Slot | undefined) ?? { keys: [], at: 0 }
      const expired = slot.at + limits.keep <= at
      const surplus = count + more - limits.max
      if (!expired && surplus <= 0) return
      const going = expired ? slot.keys : slot.keys.slice(0, surplus)
      // A key may have been accepted again after it expired, and be in a later slot.
      for (const key of going) if (answerOf(key)?.at === slot.at) changes.push([`key ${key}`, null])
      count -= going.length
      forgotten += going.length
      if (going.length < slot.keys.length) {
        oldest = { keys: slot.keys.slice(going.length), at: slot.at }
        changes.push([`slot ${tail}`, oldest as unknown as Json])
        return
      }
      changes.push([`slot ${tail++}`, null])
      oldest = undefined
    }
  }

  return {
    get size() {
      return count
    },
    find(key) {
      const entry = answerOf(key)
      return entry && entry.at + limits.keep > Date.now() ? remembered(entry) : undefined
    },
    accept(accepted, at) {
      const kept = accepted.slice(-limits.max)
      const changes: Entry[] = []
      if (kept.length === 0) return changes
      makeRoom(kept.length, at, changes)
      for (const [key, answer] of kept) changes.push([`key ${key}`, packed(answer, at)])
      changes.push([`slot ${head++}`, { keys: kept.map(([key]) => key), at }])
      count += kept.length
      changes.push(['slots', { head, tail, count }])
      return changes
    },
  }
}
