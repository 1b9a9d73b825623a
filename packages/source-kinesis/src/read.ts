/**
 * Reads the shards of a stream side by side, each as often as the service allows (five reads and 2 MB a second), and
 * less often while nothing comes. A shard that cannot be read is retried by the engine's rules.
 */
import {
  type Attempts,
  type Batch,
  type CaughtUp,
  type ReadContext,
  type SplitsFound,
  SystemError,
} from '@millrace/core'
import type { OpenStream, ShardAnswer } from '@millrace/client-kinesis/driver'
import type { StreamDecoder } from '@millrace/kinds'
import { batchesOf, emptyBatch, type OpenBatch, type Position } from './batch.ts'
import type { Options } from './options.ts'
import { doneKey, isReady, type Lane, newLanes, recreated, startOf } from './shards.ts'

/** Limits of GetRecords for a shard: API reference, GetRecords. */
const readMs = 200
const bytesPerMs = 2097
/** A shard without new records is asked this often. */
const idleMs = 1000
/** An answer has up to 10 MB, so only a few may wait for the engine. */
const mostAnswers = 8
/** How often the position of a shard without new records is saved, so that it does not look older than retention. */
const saveMs = 600_000

interface Answer {
  readonly lane: Lane
  readonly askedMs: number
  readonly found?: ShardAnswer | undefined
  readonly error?: unknown
}

export async function* readStream(
  stream: OpenStream,
  o: Options,
  decoder: StreamDecoder,
  read: ReadContext,
  givenStartMs: number | undefined,
  refreshMs: number,
): AsyncGenerator<Batch | SplitsFound | CaughtUp> {
  const { signal } = read
  const facts = await stream.facts()
  const beganMs = Date.now()
  const lanes = new Map<string, Lane>()
  const isBounded = o.stop === 'end'
  let shards = await stream.shards()
  const done = [...read.recallAll('done:')]
  if (done.some(([, identity]) => identity !== facts.identity)) throw recreated(o)
  const isNew = done.length === 0 && shards.every(({ ShardId }) => read.resume(ShardId!) === undefined)
  const startMs = isNew ? (givenStartMs ?? (o.start === 'latest' ? beganMs : undefined)) : undefined

  const add = function* (found: readonly Lane[]): Generator<Batch | SplitsFound> {
    for (const lane of found) lanes.set(lane.id, lane)
    yield { splits: found.map(({ id, parents }) => ({ id, parents })), complete: isBounded }
    // Where reading begins is saved before anything else: after a crash `start` must not be evaluated again.
    for (const { id, position } of found) yield emptyBatch(id, position)
  }
  yield* add(newLanes(shards, lanes, facts, o, read, startMs))
  yield* forget(done, shards)

  const onTheWay = new Set<Lane>()
  const arrived: Answer[] = []
  let wake = () => {}
  signal.addEventListener('abort', () => wake(), { once: true })
  const take = (answer: Answer) => {
    arrived.push(answer)
    wake()
  }
  const ask = (lane: Lane) => {
    const askedMs = Date.now()
    onTheWay.add(lane)
    fetchFrom(lane, stream, o.max_records).then(
      (found) => take({ lane, askedMs, found }),
      (error: unknown) => take({ lane, askedMs, error }),
    )
  }
  const attempts = new Map<Lane, Attempts>()
  const attemptsAt = (lane: Lane) => {
    const known = attempts.get(lane) ?? read.attempts(`reading ${lane.id}`)
    attempts.set(lane, known)
    return known
  }
  let refreshedMs = beganMs
  let isStale = false
  while (!signal.aborted) {
    if (!isBounded && (isStale || Date.now() - refreshedMs > refreshMs)) {
      if ((await stream.facts()).identity !== facts.identity) throw recreated(o)
      shards = await stream.shards()
      refreshedMs = Date.now()
      isStale = false
      const found = newLanes(shards, lanes, facts, o, read, undefined)
      if (found.length > 0) yield* add(found)
    }
    const open = [...lanes.values()].filter((lane) => !lane.ended)
    if (open.length === 0 && isBounded) return
    const ready = open.filter((lane) => !onTheWay.has(lane) && isReady(lane, lanes) && read.wants(lane.id))
    ready.sort((a, b) => a.dueMs - b.dueMs)
    for (const lane of ready) if (lane.dueMs <= Date.now() && onTheWay.size < mostAnswers) ask(lane)
    const answer = arrived.shift()
    if (!answer) {
      const nextMs = ready.find((lane) => !onTheWay.has(lane))?.dueMs ?? Number.POSITIVE_INFINITY
      await new Promise<void>((resolve) => {
        wake = resolve
        if (signal.aborted || arrived.length > 0) return resolve()
        // Held-back shards and the list of shards are looked at again soon.
        const timer = setTimeout(resolve, Math.max(1, Math.min(nextMs - Date.now(), readMs)))
        const settle = wake
        wake = () => {
          clearTimeout(timer)
          settle()
        }
      })
      continue
    }
    const { lane, askedMs, found, error } = answer
    onTheWay.delete(lane)
    if (error !== undefined) {
      if (!(error instanceof SystemError && error.retry)) throw error
      await attemptsAt(lane).waitToRetry(error)
      continue
    }
    attempts.get(lane)?.succeeded()
    if (!found) continue
    yield* filled(lane, found, askedMs)
    if (lane.ended) isStale = true
  }

  /** The batches of an answer; advances the lane. */
  function* filled(lane: Lane, found: ShardAnswer, askedMs: number): Generator<Batch | CaughtUp> {
    const { records, next, behindMs } = found
    const isAtEnd = behindMs === 0 && next !== undefined
    const last = records.at(-1)
    const isPast = last !== undefined && last.ApproximateArrivalTimestamp!.getTime() > beganMs
    lane.iterator = next
    lane.ended = next === undefined || (isBounded && (isAtEnd || isPast))
    let bytes = 0
    let batch: OpenBatch | undefined
    for (const each of batchesOf(lane.id, facts.identity, records, decoder)) {
      if (batch) yield batch
      batch = each
      bytes += each.bytes
    }
    const from = (batch?.position as unknown as Position | undefined) ?? lane.position
    // All that had arrived by then was read.
    lane.position = { ...from, ms: Math.max(from.ms, askedMs - behindMs) }
    lane.idleMs = records.length > 0 || behindMs > 0 ? readMs : Math.min(idleMs, Math.max(readMs, lane.idleMs * 1.5))
    lane.dueMs = askedMs + Math.max(lane.idleMs, bytes / bytesPerMs)
    if (!batch && (lane.ended || Date.now() - lane.savedMs > saveMs)) batch = emptyBatch(lane.id, lane.position)
    if (!batch) {
      if (isAtEnd) yield { caughtUp: [lane.id] }
      return
    }
    lane.savedMs = Date.now()
    batch.position = { ...lane.position }
    if (isAtEnd) batch.caughtUp = true
    if (lane.ended) batch.end = true
    // Its children, and a later start, have to know.
    if (next === undefined) batch.remember = [[doneKey(lane.id), facts.identity]]
    yield batch
  }

  /** Closed shards that the stream no longer has need not be remembered. */
  function* forget(memory: typeof done, listed: typeof shards): Generator<Batch> {
    const gone = memory.filter(([key]) => !listed.some(({ ShardId }) => doneKey(ShardId!) === key))
    const lane = [...lanes.values()][0]
    if (gone.length === 0 || !lane) return
    yield { ...emptyBatch(lane.id, lane.position), remember: gone.map(([key]) => [key, null] as const) }
  }
}

async function fetchFrom(lane: Lane, stream: OpenStream, limit: number): Promise<ShardAnswer | undefined> {
  const iterator = (lane.iterator ??= await stream.iterator(lane.id, startOf(lane)))
  const found = await stream.records(lane.id, iterator, limit)
  if (!found) lane.iterator = undefined
  return found
}
