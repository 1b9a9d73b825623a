/**
 * Reads a stream of the embedded log, also while others write it. A split is a partition; a position is the next sequence number and the log's own id, so that a
 * log that was made anew is noticed. At the end it looks for more every `poll`, and says `caughtUp` each time there is none.
 */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import {
  type BadRecord,
  type Batch,
  DataError,
  defineSource,
  type Env,
  type Json,
  MillraceError,
  option,
  type ReadContext,
  type Row,
  type Source,
  type SourceContext,
  type Static,
  unknownOf,
} from '@millrace/core'
import {
  type Chunk,
  decodeAgain,
  asBuffer,
  Block,
  describeLog,
  type Log,
  logPath,
  openLog,
  type StreamDecoder,
  streamDecoder,
  streamSourceOptions,
} from '@millrace/formats'

const options = option.object({
  ...streamSourceOptions,
  path: option.optional(option.path('The folder of the log. Default: `log` in the data folder of the profile.')),
  on_gap: option.oneOf(
    ['fail', 'earliest', 'latest'],
    'What to do when retention has removed records that were not read yet.',
    { default: 'fail' },
  ),
  poll: option.duration('How often to look for new records at the end of the stream.', { default: '20ms' }),
})
type Options = Static<typeof options>
interface Position {
  readonly log: string
  readonly next: number
}

const folderOf = (o: Pick<Options, 'path'>, env: Env): string => (o.path ? env.resolve(o.path) : join(env.home, 'log'))
const decoderOf = (o: Options, ctx: SourceContext): StreamDecoder =>
  streamDecoder({
    ...ctx,
    format: o.format,
    valueField: o.value_field,
    keyField: o.key_field,
    timestampField: o.timestamp_field,
    headersField: o.headers_field,
  })

export const sourceLog = defineSource({
  kind: 'source',
  type: 'log',
  serves: ['stream'],
  summary: 'Reads a stream of the embedded log, from its beginning or from where it was left, for ever or to its end.',
  options,
  capabilities: (o) => ({
    bounded: o.stop === 'end',
    replayable: true,
    lanes: 'split',
    shares: true,
    pushdown: o.format === 'json' && !o.key_field && !o.timestamp_field && !o.headers_field,
  }),
  reads: (o, env) => [`log:${logPath(folderOf(o, env), o.stream)}`],
  decoder(o, ctx) {
    const decoder = decoderOf(o, ctx)
    return (bytes, context) =>
      decodeAgain(decoder, bytes, context, (f) => new DataError(f.code, f.message ?? f.code, f.field))
  },
  async probe(o, env) {
    return `stream ${o.stream} ${describeLog(logPath(folderOf(o, env), o.stream)) ?? 'is not there yet: reading waits until somebody writes it'}`
  },
  create: (o, ctx): Source => ({
    read: (read) => readStream(o, ctx, read),
    locate: (split, position) => Promise.resolve(`stream ${o.stream}, partition ${split}, sequence number ${position}`),
  }),
})

async function* readStream(
  o: Options,
  ctx: SourceContext,
  read: ReadContext,
): AsyncGenerator<Batch | { splits: { id: string }[]; complete: boolean }> {
  const path = logPath(folderOf(o, ctx), o.stream)
  let log = openLog(path)
  // A stream that nobody has written yet: at its end, or to be waited for.
  for (; !log; log = openLog(path)) {
    if (o.stop === 'end' || read.signal.aborted) return
    yield { ...empty('0'), caughtUp: true }
    await wait(Math.max(o.poll, 20), undefined, { signal: read.signal }).catch(() => {})
  }
  try {
    const decoder = decoderOf(o, ctx)
    const own = Array.from({ length: log.partitions }, (_, p) => p).filter(
      (p) => p % read.instance.n === read.instance.i,
    )
    yield { splits: own.map((p) => ({ id: String(p) })), complete: true }
    const lanes = own.map((p) => ({
      partition: p,
      next: startOf(log, p, o, read),
      end: o.stop === 'end' ? log.range(p).next : Number.POSITIVE_INFINITY,
      ended: false,
    }))
    while (!read.signal.aborted) {
      let found = false
      for (const lane of lanes) {
        if (lane.ended || !read.wants(String(lane.partition))) continue
        const chunks = log.read(lane.partition, lane.next, 1 << 20)
        const end = chunks.length > 0 ? log.range(lane.partition).next : 0
        for (const chunk of chunks) {
          found = true
          if (chunk.base > lane.next) lane.next = gap(log, lane.partition, lane.next, o, read)
          const next = chunk.base + chunk.count
          yield { ...batchOf(chunk, lane.next, log, decoder), behind: end - next }
          lane.next = next
          if (read.signal.aborted) return
        }
        if (lane.next >= lane.end) {
          lane.ended = true
          yield { ...empty(String(lane.partition), { log: log.id, next: lane.next }), end: true }
        }
      }
      if (lanes.every((l) => l.ended)) return
      if (found) continue
      yield { ...empty(String(own[0] ?? 0)), caughtUp: true }
      await wait(o.poll, undefined, { signal: read.signal }).catch(() => {})
    }
  } finally {
    log.close()
  }
}

const empty = (split: string, position?: Position): Batch => ({
  split,
  rows: [],
  bytes: 0,
  positionAt: () => 0,
  ...(position ? { position: position as unknown as Json } : {}),
})

/** Where a partition is read from. Throws when the log is another one, or has lost what comes next. */
function startOf(log: Log, partition: number, o: Options, read: ReadContext): number {
  const saved = read.resume(String(partition)) as Position | undefined
  const { first, next } = log.range(partition)
  if (!saved) return o.start === 'latest' ? next : first
  if (saved.log !== log.id) {
    throw new MillraceError(
      'source_replaced',
      `stream ${o.stream} was made anew since the last run: its positions mean nothing any more`,
      {
        place: `stream ${o.stream}, partition ${partition}`,
        hint: 'if that was meant, forget the positions with `pipe state reset`',
      },
    )
  }
  if (saved.next > next)
    throw new MillraceError(
      'offset_out_of_range',
      `the state is at ${saved.next}, but partition ${partition} of ${o.stream} ends at ${next}`,
      {
        hint: 'has an older copy of the log been put back? `pipe state reset` begins anew',
      },
    )
  return saved.next < first ? gap(log, partition, saved.next, o, read) : saved.next
}

function gap(log: Log, partition: number, from: number, o: Options, read: ReadContext): number {
  const { first, next } = log.range(partition)
  if (o.on_gap === 'fail') {
    throw new MillraceError(
      'offset_out_of_range',
      `records ${from} to ${first - 1} of stream ${o.stream}, partition ${partition}, were removed by its retention before they were read`,
      {
        hint: 'they are lost to this pipeline; `on_gap: earliest` goes on with what is left',
      },
    )
  }
  const to = o.on_gap === 'earliest' ? first : next
  read.warn(
    `records ${from} to ${to - 1} of stream ${o.stream}, partition ${partition}, are gone; reading goes on at ${to}`,
  )
  return to
}

/** The records of a chunk from sequence number `from` on. */
function batchOf(chunk: Chunk, from: number, log: Log, decoder: StreamDecoder): Batch {
  const rows: Row[] = []
  const indexes: number[] = []
  const bad: BadRecord[] = []
  const starts = new Int32Array(chunk.count + 1)
  const { body } = chunk
  const block = new Block(asBuffer(body))
  for (let i = 0, at = 0; i < chunk.count; i++) {
    starts[i] = at
    const end = chunk.ends ? chunk.ends[i]! : body.indexOf(10, at)
    at = chunk.ends ? end : end + 1
    starts[i + 1] = at
    if (chunk.base + i < from) continue
    const value = body.subarray(starts[i]!, end)
    const row = decoder.decode(value, besideOf(chunk, i), block)
    if (row) {
      rows.push(row)
      indexes.push(i)
    } else bad.push({ ...decoder.failure, position: chunk.base + i, bytes: value, id: chunk.ids[i]! })
  }
  const { ids, keys } = chunk
  const tail = chunk.ends ? 0 : 1
  return {
    split: String(chunk.partition),
    rows,
    bytes: body.length,
    position: { log: log.id, next: chunk.base + chunk.count },
    positionAt: (k) => chunk.base + indexes[k]!,
    rawAt: (k) => body.subarray(starts[indexes[k]!]!, starts[indexes[k]! + 1]! - tail),
    idAt: (k) => ids[indexes[k]!],
    ...(keys ? { keys: indexes.map((i) => keys[i] ?? undefined) } : {}),
    arrivals: new Float64Array(rows.length).fill(chunk.time),
    ...unknownOf(decoder.tally),
    ...(bad.length ? { bad } : {}),
  }
}

const besideOf = (chunk: Chunk, i: number) => ({
  key: chunk.keys?.[i] ?? undefined,
  timestamp: chunk.time,
  headers: chunk.headers?.[i] ?? undefined,
})
