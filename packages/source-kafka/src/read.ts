/**
 * Reads the partitions of a topic. There is one fetch in flight per broker at any time, and the next is sent when an
 * answer has arrived, before its records are processed. A broker that fails (it is gone, a leader moved) is retried
 * with fresh metadata by the engine's rules, alongside the others; permanent failures stop the run: an offset that the
 * topic no longer has, a topic that was recreated.
 */
import { setTimeout as wait } from 'node:timers/promises'
import {
  type Attempts,
  type Batch,
  type CaughtUp,
  type ReadContext,
  type SplitsFound,
  unlessAborted,
} from '@millrace/core'
import { type StreamDecoder } from '@millrace/kinds'
import { batchesOf, emptyBatch, type Part } from './batch.ts'
import type { TopicReader, TopicLeaders } from '@millrace/client-kafka'
import { committedBatches, endOf, type RecordBatch } from './committed.ts'
import { fetchSize } from './fetch-size.ts'
import { afterError, type Lane, recreated, startLanes } from './lanes.ts'
import type { Options } from './options.ts'

/** Record batches of a partition are combined up to this many records. */
const batchRecords = 1000

interface Answer {
  readonly node: number
  /** The offset from which each partition was fetched. */
  readonly asked: ReadonlyMap<number, bigint>
  readonly response?: Awaited<ReturnType<TopicReader['fetch']>>
  readonly error?: unknown
}

/** `refreshMs`: how often the number of partitions is checked. */
export async function* readTopic(
  client: TopicReader,
  o: Options,
  decoder: StreamDecoder,
  read: ReadContext,
  refreshMs: number,
): AsyncGenerator<Batch | SplitsFound | CaughtUp> {
  const { signal } = read
  const soon = <T>(work: Promise<T>): Promise<T> => unlessAborted(work, signal, `reading ${o.stream}`)
  const pause = (ms: number) => wait(ms, undefined, { signal }).catch(() => {})
  const size = fetchSize(o.max_bytes)
  const lanes = new Map<number, Lane>()
  let topic = await soon(client.topic())
  const found = await soon(startLanes(client, topic, o, read, lanes, true))
  yield { splits: found.map((p) => ({ id: String(p) })), complete: o.stop === 'end' }
  // The starting offset of a partition is saved before anything else of it: after a crash `start` must not be evaluated
  // again.
  const begun = (partitions: readonly number[]) => partitions.map((p) => emptyBatch(p, topic.id, lanes.get(p)!.next))
  yield* begun(found)
  // Answers queue up here; racing against a promise that lives as long as the run would leak every answer.
  const onTheWay = new Set<number>()
  const arrived: Answer[] = []
  let wake = () => {}
  signal.addEventListener('abort', () => wake(), { once: true })
  const ask = (node: number) => {
    const asked = new Map<number, bigint>()
    for (const [p, lane] of lanes)
      if (topic.leaders[p] === node && !lane.ended && read.wants(String(p))) asked.set(p, lane.next)
    if (asked.size === 0) return
    onTheWay.add(node)
    const take = (answer: Answer) => {
      arrived.push(answer)
      wake()
    }
    client.fetch(node, topic.id, asked, size.bytes()).then(
      (response) => take({ node, asked, response }),
      (error: unknown) => take({ node, asked, error }),
    )
  }
  const isHeldBack = () => [...lanes].some(([p, lane]) => !lane.ended && !read.wants(String(p)))
  let isWatching = false
  const wakeWhenWanted = () => {
    if (isWatching) return
    isWatching = true
    void read.whenWanted().then(() => {
      isWatching = false
      wake()
    })
  }
  const attempts = new Map<number, Attempts>()
  const attemptsAt = (node: number) => {
    const known = attempts.get(node) ?? read.attempts(`fetching from broker ${node}`)
    attempts.set(node, known)
    return known
  }
  let refreshedMs = Date.now()
  let isStale = false
  while (!signal.aborted) {
    // A partition without a leader gets one soon.
    const leaderless = topic.leaders.some((leader) => leader < 0)
    if (isStale || Date.now() - refreshedMs > (leaderless ? Math.min(500, refreshMs) : refreshMs)) {
      const now = await soon(client.topic())
      if (now.id !== topic.id) throw recreated(o)
      topic = now
      refreshedMs = Date.now()
      isStale = false
      const more = await soon(startLanes(client, topic, o, read, lanes, false))
      if (more.length > 0) {
        yield { splits: more.map((p) => ({ id: String(p) })) }
        yield* begun(more)
      }
    }
    for (const [p, lane] of lanes) {
      if (lane.ended || lane.end === undefined || lane.next < lane.end) continue
      lane.ended = true
      yield { ...emptyBatch(p, topic.id, lane.next), end: true }
    }
    if ((lanes.size > 0 || o.stop === 'end') && [...lanes.values()].every((lane) => lane.ended)) return
    // More instances than partitions: one may be added.
    if (lanes.size === 0) {
      yield { caughtUp: [] }
      await pause(Math.min(1000, refreshMs))
      continue
    }
    for (const node of new Set(topic.leaders)) if (node >= 0 && !onTheWay.has(node)) ask(node)
    if (onTheWay.size === 0) {
      if (topic.leaders.some((leader) => leader < 0)) isStale = true
      else if (isHeldBack()) await read.whenWanted()
      if (isStale) await pause(20)
      continue
    }
    if (arrived.length === 0) {
      if (isHeldBack()) wakeWhenWanted()
      await new Promise<void>((resolve) => {
        wake = resolve
        if (signal.aborted) resolve()
      })
    }
    if (signal.aborted) return
    const answer = arrived.shift()
    if (!answer) continue
    const { node, asked, response, error } = answer
    onTheWay.delete(node)
    if (!response) {
      const failure = await soon(afterError(error, asked, client, o, read, lanes))
      if (failure) await attemptsAt(node).waitToRetry(failure)
      isStale = true
      continue
    }
    attempts.get(node)?.succeeded()
    const parts = partsOf(response, asked, lanes)
    ask(node)
    // In a fetch session the broker omits partitions with nothing new.
    const isAtEnd = (p: number) => lanes.get(p)!.next >= lanes.get(p)!.stable && read.wants(String(p))
    const nothing = [...asked.keys()].filter((p) => !parts.some(({ partition }) => partition === p) && isAtEnd(p))
    if (nothing.length > 0) yield { caughtUp: nothing.map(String) }
    for (const [i, part] of parts.entries()) {
      const { partition } = part
      const isLast = !parts.slice(i + 1).some((other) => other.partition === partition)
      yield* filled(part, topic, decoder, lanes.get(partition)!, isLast && isAtEnd(partition), size)
    }
  }
}

/** The batches of a part, with their lag. `isAtEnd`: nothing comes after it. */
function* filled(
  part: Part,
  topic: TopicLeaders,
  decoder: StreamDecoder,
  { stable }: Lane,
  isAtEnd: boolean,
  size: ReturnType<typeof fetchSize>,
): Generator<Batch> {
  const end = Number(part.next)
  let bytes = 0
  for (const batch of batchesOf(part, topic.id, decoder)) {
    const { next } = batch.position as { readonly next: number }
    batch.behind = Math.max(0, Number(stable) - next)
    if (isAtEnd && next === end) batch.caughtUp = true
    bytes += batch.bytes
    yield batch
  }
  size.count(bytes, part.batches)
}

/** The records of an answer, in parts of about 1,000; advances the lanes. */
function partsOf(
  { responses }: NonNullable<Answer['response']>,
  asked: Answer['asked'],
  lanes: ReadonlyMap<number, Lane>,
): Part[] {
  const parts: Part[] = []
  for (const { partitions } of responses) {
    for (const fetched of partitions) {
      const partition = fetched.partitionIndex
      const from = asked.get(partition)
      const lane = lanes.get(partition)
      // Fetch sessions persist: a partition may arrive that was not requested.
      if (from === undefined || !lane || lane.next !== from) continue
      lane.stable = fetched.lastStableOffset
      const { batches, next } = committedBatches(fetched, from)
      for (const together of gathered(batches))
        parts.push({ partition, batches: together, from, next: endOf(together.at(-1)!) })
      // Aborted and control records also advance the position.
      if (next > (batches.length > 0 ? endOf(batches.at(-1)!) : from))
        parts.push({ partition, batches: [], from, next })
      lane.next = next
    }
  }
  return parts
}

/** Record batches combined up to a number of records. */
function* gathered(batches: readonly RecordBatch[]): Generator<readonly RecordBatch[]> {
  for (let k = 0; k < batches.length; ) {
    let n = 0
    const first = k
    while (k < batches.length && (n === 0 || n + batches[k]!.records.length <= batchRecords))
      n += batches[k++]!.records.length
    yield batches.slice(first, k)
  }
}
