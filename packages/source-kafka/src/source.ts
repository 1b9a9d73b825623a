/**
 * Reads a Kafka topic without a consumer group: partitions are assigned by this process, positions are in the pipeline's state. A group would move partitions
 * while their records are on the way and keep positions apart from the state they belong to.
 *
 * One fetch a broker is on its way at any time, and the next is sent when one has come, before its records are used. Whatever fails (a broker gone, a leader
 * moved) is asked again with fresh metadata; what cannot pass by itself stops the run: an offset that the topic no longer has, a topic that was made anew.
 */
import { setTimeout as wait } from 'node:timers/promises'
import {
  type Batch,
  DataError,
  defineSource,
  type ReadContext,
  type Source,
  type SourceContext,
  type SplitsFound,
} from '@millrace/core'
import { decodeAgain, type StreamDecoder, streamDecoder } from '@millrace/formats'
import { batchOf, type Position } from './batch.ts'
import { type Client, openClient } from './client.ts'
import { committedBatches, endOf, type RecordBatch } from './committed.ts'
import { fetchSize } from './fetch-size.ts'
import { afterError, type Lane, recreated, startLanes } from './lanes.ts'
import { type Options, options } from './options.ts'

const maxPauseMs = 5000
/** Record batches of a partition are put together up to this many records. */
const batchRecords = 1000

const decoderOf = (o: Options, ctx: SourceContext): StreamDecoder =>
  streamDecoder({
    ...ctx,
    format: o.format,
    valueField: o.value_field,
    keyField: o.key_field,
    timestampField: o.timestamp_field,
    headersField: o.headers_field,
  })

export const sourceKafka = defineSource({
  kind: 'source',
  type: 'kafka',
  serves: ['stream'],
  summary: 'Reads a Kafka topic, with positions in the pipeline’s own state.',
  options,
  capabilities: (o) => ({
    bounded: o.stop === 'end',
    replayable: true,
    lanes: 'split',
    shares: true,
    pushdown: o.format === 'json' && !o.key_field && !o.timestamp_field && !o.headers_field,
    commit: 'report',
  }),
  reads: (o) => [`kafka:${o.stream}`],
  decoder(o, ctx) {
    const decoder = decoderOf(o, ctx)
    return (bytes, context) =>
      decodeAgain(decoder, bytes, context, (f) => new DataError(f.code, f.message ?? f.code, f.field))
  },
  create: (o, ctx) => createReader(o, ctx),
  async probe(o, env) {
    const client = openClient(o, env)
    try {
      const topic = await client.topic()
      return `topic ${o.stream} has ${topic.leaders.length} partitions`
    } finally {
      await client.close()
    }
  },
})

/** A reader of one topic. `refreshMs`: how often the number of partitions is looked at. */
export function createReader(o: Options, ctx: SourceContext, refreshMs = 30_000): Source {
  let client: Client | undefined
  let reportedMs = 0
  return {
    async *read(read) {
      client ??= openClient(o, ctx)
      if (o.create) await client.create(o.create)
      if (o.report_group) await client.checkGroup(o.report_group)
      yield* readTopic(client, o, ctx, read, refreshMs)
    },
    async commit(done) {
      if (!o.report_group || Date.now() - reportedMs < 1000) return
      reportedMs = Date.now()
      const offsets = new Map(
        done.flatMap(({ split, position }) =>
          position === undefined ? [] : [[Number(split), (position as unknown as Position).next]],
        ),
      )
      await client!.report(o.report_group, offsets)
    },
    locate: (split, position) => Promise.resolve(`topic ${o.stream}, partition ${split}, offset ${position}`),
    async close() {
      await client?.close()
    },
  }
}

interface Answer {
  readonly node: number
  /** Where each partition was asked from. */
  readonly asked: ReadonlyMap<number, bigint>
  readonly round: number
  readonly response?: Awaited<ReturnType<Client['fetch']>>
  readonly error?: unknown
}

async function* readTopic(
  client: Client,
  o: Options,
  ctx: SourceContext,
  read: ReadContext,
  refreshMs: number,
): AsyncGenerator<Batch | SplitsFound> {
  const decoder = decoderOf(o, ctx)
  const needs = {
    headers: o.headers_field !== undefined,
    beside: [o.key_field, o.timestamp_field, o.headers_field].some((field) => field !== undefined),
  }
  const size = fetchSize(o.max_bytes)
  const lanes = new Map<number, Lane>()
  let topic = await client.topic()
  const found = await startLanes(client, topic, o, read, lanes, true)
  yield { splits: found.map((p) => ({ id: String(p) })), complete: o.stop === 'end' }
  // Where a partition was begun is saved before anything of it: after a crash `start` must not be asked again.
  const emptyOf = (p: number, { next }: Lane) => batchOf(p, [], next, next, topic.id, decoder, needs)
  const begun = (partitions: readonly number[]) => partitions.map((p) => emptyOf(p, lanes.get(p)!))
  yield* begun(found)
  // Answers queue up here; a race with a promise as old as the run would keep every answer alive.
  const onTheWay = new Set<number>()
  const arrived: Answer[] = []
  let wake = () => {}
  // `caughtUp` is said of all partitions at once, and ends a round: each of them was asked after the end of the round before.
  let round = 1
  read.signal.addEventListener('abort', () => wake(), { once: true })
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
    const inRound = round
    client.fetch(node, topic.id, asked, size.bytes()).then(
      (response) => take({ node, asked, round: inRound, response }),
      (error: unknown) => take({ node, asked, round: inRound, error }),
    )
  }
  let pauseMs = 100
  let refreshedMs = Date.now()
  let stale = false
  while (!read.signal.aborted) {
    // A partition without a leader has one soon.
    if (stale || Date.now() - refreshedMs > (topic.leaders.some((l) => l < 0) ? Math.min(500, refreshMs) : refreshMs)) {
      const now = await client.topic()
      if (now.id !== topic.id) throw recreated(o)
      topic = now
      refreshedMs = Date.now()
      stale = false
      const more = await startLanes(client, topic, o, read, lanes, false)
      if (more.length) {
        yield { splits: more.map((p) => ({ id: String(p) })) }
        yield* begun(more)
      }
    }
    for (const [p, lane] of lanes) {
      if (lane.ended || lane.end === undefined || lane.next < lane.end) continue
      lane.ended = true
      yield { ...emptyOf(p, lane), end: true }
    }
    if ((lanes.size > 0 || o.stop === 'end') && [...lanes.values()].every((l) => l.ended)) return
    // More instances than partitions: one may be added.
    if (lanes.size === 0) {
      yield { ...withoutPosition('0'), caughtUp: true }
      await wait(Math.min(1000, refreshMs), undefined, { signal: read.signal }).catch(() => {})
      continue
    }
    for (const node of new Set(topic.leaders)) if (node >= 0 && !onTheWay.has(node)) ask(node)
    if (onTheWay.size === 0) {
      await wait(20, undefined, { signal: read.signal }).catch(() => {})
      if (topic.leaders.some((l) => l < 0)) stale = true
      continue
    }
    if (arrived.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve
        if (read.signal.aborted) resolve()
      })
    }
    const answer = arrived.shift()
    if (!answer || read.signal.aborted) return
    const { node, asked, response, error } = answer
    onTheWay.delete(node)
    if (!response) {
      await afterError(error, asked, client, o, read, lanes)
      await wait(pauseMs, undefined, { signal: read.signal }).catch(() => {})
      pauseMs = Math.min(pauseMs * 2, maxPauseMs)
      stale = true
      continue
    }
    pauseMs = 100
    // In a session of fetches the broker leaves out a partition of which there is nothing new.
    for (const p of asked.keys()) lanes.get(p)!.heard = answer.round
    const parts: { partition: number; batches: readonly RecordBatch[]; from: bigint; next: bigint }[] = []
    for (const { partitions } of response.responses) {
      for (const part of partitions) {
        const from = asked.get(part.partitionIndex)
        const lane = lanes.get(part.partitionIndex)
        // Fetch sessions linger: a partition may come that was not asked for.
        if (from === undefined || !lane || lane.next !== from) continue
        lane.stable = part.lastStableOffset
        const { batches, next } = committedBatches(part, from)
        for (const together of gathered(batches))
          parts.push({ partition: part.partitionIndex, batches: together, from, next: endOf(together.at(-1)!) })
        // What was aborted or is control moves the position as well.
        if (next > (batches.length > 0 ? endOf(batches.at(-1)!) : from))
          parts.push({ partition: part.partitionIndex, batches: [], from, next })
        lane.next = next
      }
    }
    const caughtUp = [...lanes.values()].every((l) => l.ended || (l.heard === round && l.next >= l.stable))
    if (caughtUp) round++
    ask(node)
    if (caughtUp && parts.length === 0) yield { ...withoutPosition(String([...lanes.keys()][0] ?? 0)), caughtUp: true }
    for (const [i, { partition, batches, from, next }] of parts.entries()) {
      const batch = batchOf(partition, batches, from, next, topic.id, decoder, needs)
      size.count(batch.bytes, batches)
      const { stable } = lanes.get(partition)!
      batch.behind = stable > next ? Number(stable - next) : 0
      if (caughtUp && i === parts.length - 1) batch.caughtUp = true
      yield batch
    }
  }
}

/** Record batches put together up to some records. */
function* gathered(batches: readonly RecordBatch[]): Generator<readonly RecordBatch[]> {
  for (let k = 0; k < batches.length; ) {
    let n = 0
    const first = k
    while (k < batches.length && (n === 0 || n + batches[k]!.records.length <= batchRecords))
      n += batches[k++]!.records.length
    yield batches.slice(first, k)
  }
}

const withoutPosition = (split: string): Batch => ({ split, rows: [], bytes: 0, positionAt: () => 0 })
