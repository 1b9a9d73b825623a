/**
 * Reads the objects of a bucket, one after the other in the order of their keys, each a split.
 *
 * A split's id is the key and the ETag, so an object that is written again under its key is another split. The
 * source's memory has the ETag of each object that was read to its end, by its key: keys may arrive in any order. It
 * also records which object is being read: if that one was replaced or removed, a part of it would be missing.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch, CaughtUp, Json, ReadContext, SplitsFound } from '@millrace/core'
import type { Bucket, ListedObject } from '@millrace/client-s3/driver'
import type { InputFormat } from '@millrace/formats'
import { ObjectInput, objectChanged } from './input.ts'

/** The properties of a source. */
export interface Reading {
  readonly keeps: boolean
  readonly watchMs: number | undefined
  readonly handled: Handled
  list(signal: AbortSignal): Promise<ListedObject[]>
  formatOf(key: string): InputFormat
  nameOf(key: string): string
}

/** The key in the source's memory of the split that is being read. */
const readingKey = 'reading'
/** The key in the source's memory of the ETag of an object that was read to its end. */
const objectKey = (key: string): string => `object ${key}`

const splitOf = ({ key, etag }: Pick<ListedObject, 'key' | 'etag'>): string => `${key}#${etag}`
export const keyIn = (split: string): string => split.slice(0, split.lastIndexOf('#'))
export const etagIn = (split: string): string => split.slice(split.lastIndexOf('#') + 1)

/** A saved position: that of the format's reader, and whether the end was reached. */
export type Position = { readonly done?: true } & { readonly [name: string]: Json }
export const positionOf = (json: Json | undefined): Position | undefined => json as unknown as Position | undefined

/** Objects that this process has read to their end, by key, until a look that began after they were taken away. */
export class Handled {
  private readonly known = new Map<string, { readonly etag: string; goneAt?: number }>()
  private look = 0

  begin(): void {
    this.look++
  }

  has({ key, etag }: ListedObject): boolean {
    const one = this.known.get(key)
    return one?.etag === etag && (one.goneAt === undefined || one.goneAt >= this.look)
  }

  add({ key, etag }: ListedObject): void {
    this.known.set(key, { etag })
  }

  takenAway(key: string): void {
    const one = this.known.get(key)
    if (one) one.goneAt = this.look
  }
}

/** Reads once, or again and again. */
export async function* readObjects(
  bucket: Bucket,
  reading: Reading,
  ctx: ReadContext,
): AsyncGenerator<Batch | SplitsFound | CaughtUp> {
  const { signal } = ctx
  const { watchMs, handled } = reading
  /** Positions that were yielded, in case another split is read in between. */
  const progress = new Map<string, Json>()
  let memory: NonNullable<Batch['remember']> = []
  for (let look = 0; !signal.aborted; look++) {
    handled.begin()
    const found = await reading.list(signal)
    if (look === 0) {
      refuseChanged(found, reading, ctx)
      memory = forgotten(found, ctx)
    }
    const left = found.filter((object) => !handled.has(object) && !isDone(object, ctx))
    const splits = left.map((object) => ({ id: splitOf(object), bytes: object.bytes }))
    yield watchMs === undefined ? { splits, complete: true } : { splits, current: true }
    while (left.length > 0 && !signal.aborted) {
      const object = left.find((each) => ctx.wants(splitOf(each)))
      if (object) {
        const isOtherWanted = () => left.some((each) => each !== object && ctx.wants(splitOf(each)))
        const pieces = readObject(bucket, reading, object, progress, ctx, isOtherWanted)
        let next = await pieces.next()
        for (; !next.done; next = await pieces.next()) {
          yield memory.length > 0
            ? { ...next.value, remember: [...memory, ...(next.value.remember ?? [])] }
            : next.value
          memory = []
        }
        if (next.value) left.splice(left.indexOf(object), 1)
      } else if (watchMs === undefined) await ctx.whenWanted()
      else {
        // The one that is wanted may have come since.
        await Promise.race([ctx.whenWanted(), sleep(watchMs, undefined, { signal }).catch(() => {})])
        break
      }
    }
    if (watchMs === undefined || signal.aborted) return
    if (left.length > 0) continue
    yield { caughtUp: [] }
    // Only a second report proves that it has looked since the start, so it follows at once.
    if (look > 0) await sleep(watchMs, undefined, { signal }).catch(() => {})
  }
}

/** Whether an object was read to its end before. */
const isDone = (object: ListedObject, ctx: ReadContext): boolean =>
  ctx.recall(objectKey(object.key)) === object.etag || positionOf(ctx.resume(splitOf(object)))?.done === true

/** Throws `input_changed` if the object that was being read was replaced or removed. */
function refuseChanged(found: readonly ListedObject[], { nameOf }: Reading, { recall }: ReadContext): void {
  const split = recall(readingKey)
  if (typeof split !== 'string' || found.some((object) => splitOf(object) === split)) return
  const isThere = found.some(({ key }) => key === keyIn(split))
  throw objectChanged(nameOf(keyIn(split)), isThere ? 'has been replaced' : 'has been removed')
}

/** The memory of objects that are no longer there. */
function forgotten(found: readonly ListedObject[], { recallAll }: ReadContext): NonNullable<Batch['remember']> {
  const keys = new Set(found.map(({ key }) => objectKey(key)))
  return [...recallAll(objectKey(''))].filter(([key]) => !keys.has(key)).map(([key]) => [key, null])
}

/**
 * Reads the rest of an object. Returns whether it reached the end; it is left if it is not wanted and another one is.
 */
async function* readObject(
  bucket: Bucket,
  reading: Reading,
  object: ListedObject,
  progress: Map<string, Json>,
  ctx: ReadContext,
  isOtherWanted: () => boolean,
): AsyncGenerator<Batch, boolean> {
  const { signal } = ctx
  const { key, etag } = object
  const split = splitOf(object)
  const input = new ObjectInput(bucket, object, reading.nameOf(key), signal)
  const saved = progress.get(split) ?? ctx.resume(split)
  let last = positionOf(saved)
  for await (const piece of reading.formatOf(key).reader.read(input, saved, signal)) {
    while (!ctx.wants(split) && !signal.aborted) {
      if (isOtherWanted()) return false
      await ctx.whenWanted()
    }
    if (signal.aborted) return false
    const isFirst = last === positionOf(saved)
    last = positionOf(piece.position)!
    progress.set(split, last as unknown as Json)
    yield {
      ...piece,
      split,
      position: last as unknown as Json,
      ...(isFirst ? { remember: [[readingKey, split]] } : {}),
    }
  }
  if (signal.aborted) return false
  progress.delete(split)
  reading.handled.add(object)
  yield {
    split,
    rows: [],
    position: { ...last, done: true } as unknown as Json,
    positionAt: () => 0,
    bytes: 0,
    end: true,
    remember: [
      [readingKey, null],
      [objectKey(key), reading.keeps ? etag : null],
    ],
  }
  return true
}
