/**
 * Reads a stream of the embedded log, even while others write to it. A split is a partition; a position is the next
 * sequence number and the log's own id, so that a recreated log is detected. A partition that has nothing more reports
 * `caughtUp` each time it was looked at.
 */
import { join } from 'node:path'
import {
  type Batch,
  type CaughtUp,
  defineSource,
  type Env,
  type Json,
  MillraceError,
  option,
  type ReadContext,
  type Source,
  type SourceContext,
  type SplitsFound,
  type Static,
} from '@millrace/core'
import {
  asBytes,
  bytesContext,
  decodeAgain,
  type StreamDecoder,
  streamCapabilities,
  streamDecoderOf,
  streamSourceOptions,
} from '@millrace/kinds'
import { describeLog, type Log, logPath, openLog } from '@millrace/client-log'
import { batchOf, type Position } from './batch.ts'
import { lookAt } from './look.ts'
import { waitFor } from './waiting.ts'

const options = option.object({
  ...streamSourceOptions,
  path: option.optional(option.path('The folder of the log. Default: `log` in the data folder of the profile.')),
  on_gap: option.oneOf(
    ['fail', 'earliest', 'latest'],
    'What to do if retention has removed records that were not read yet.',
    { default: 'fail' },
  ),
  poll: option.duration(
    'How often to look for new records at the end of the stream. A quiet stream is watched instead.',
    {
      tuning: true,
      default: '20ms',
    },
  ),
})
type Options = Static<typeof options>

/** Chunks are read up to about this size at a time. */
const readBytes = 1 << 20
/** How often a reader at the end checks that the log still exists. */
const lookEveryMs = 1000

const folderOf = (o: Pick<Options, 'path'>, env: Env): string => (o.path ? env.resolve(o.path) : join(env.home, 'log'))
const pathOf = (o: Options, env: Env): string => logPath(folderOf(o, env), o.stream)

export const sourceLog = defineSource({
  kind: 'source',
  type: 'log',
  serves: ['stream'],
  summary: 'Reads a stream of the embedded log, from its beginning or its saved position, forever or to its end.',
  options,
  capabilities: streamCapabilities,
  reads: (o, env) => [`log:${pathOf(o, env)}`],
  decoder(o, ctx) {
    const decoder = streamDecoderOf(o, ctx)
    return (bytes, context, beside) => decodeAgain(decoder, bytes, context, beside)
  },
  async probe(o, env) {
    return `stream ${o.stream} ${describeLog(pathOf(o, env)) ?? 'does not exist yet: reading waits until it is written'}`
  },
  create: (o, ctx) => createReader(o, ctx),
  look: (o, env) =>
    lookAt(pathOf(o, env), (stop) =>
      createReader({ ...o, ...asBytes, stop, on_gap: 'earliest', poll: lookedPollMs }, bytesContext(env)),
    ),
})

/** People look this often. */
const lookedPollMs = 100

function createReader(o: Options, ctx: SourceContext): Source {
  const decoder = streamDecoderOf(o, ctx)
  return {
    read: (read) => readStream(pathOf(o, ctx), o, decoder, read),
    locate: (split, position) => Promise.resolve(`stream ${o.stream}, partition ${split}, sequence number ${position}`),
  }
}

async function* readStream(
  path: string,
  o: Options,
  decoder: StreamDecoder,
  read: ReadContext,
): AsyncGenerator<Batch | SplitsFound | CaughtUp> {
  const { signal } = read
  let opened = openLog(path)
  if (!opened && read.resume('0') !== undefined) throw replaced(o, 'was read before, but no longer exists')
  const isWaitedFor = opened === undefined && o.stop !== 'end'
  // A stream that was never written: at its end, or to be waited for. Its first writer creates partition 0.
  const first = isWaitedFor && read.owns('0') ? ['0'] : []
  if (isWaitedFor) yield { splits: first.map((id) => ({ id })) }
  const waiting = waitFor(path, o.poll, signal)
  try {
    for (; !opened; opened = openLog(path)) {
      if (!isWaitedFor || signal.aborted) return
      yield { caughtUp: first }
      await waiting.next()
    }
    waiting.found()
    const log = opened
    const splits = Array.from({ length: log.partitions }, (_, p) => String(p)).filter((split) => read.owns(split))
    yield { splits: splits.filter((id) => !first.includes(id)).map((id) => ({ id })), complete: true }
    const isNew = splits.every((split) => read.resume(split) === undefined)
    // In a stream that was waited for, everything comes after the start.
    const start = isNew && !isWaitedFor ? o.start : 'earliest'
    const lanes = splits.map((split) => ({
      split,
      partition: Number(split),
      next: startOf(log, Number(split), start, o, read),
      end: o.stop === 'end' ? log.range(Number(split)).next : Number.POSITIVE_INFINITY,
      ended: false,
    }))
    // The starting position is saved before anything else: after a crash `start` must not be evaluated again.
    if (isNew) for (const { split, next } of lanes) yield emptyBatch(split, { log: log.id, next })
    let lookedMs = performance.now()
    while (!signal.aborted && lanes.some((lane) => !lane.ended)) {
      let asked = 0
      const caughtUp: string[] = []
      for (const lane of lanes) {
        const { split, partition } = lane
        if (lane.ended || !read.wants(split)) continue
        asked++
        const chunks = log.read(partition, lane.next, readBytes).filter((chunk) => chunk.base < lane.end)
        const end = chunks.length > 0 ? log.range(partition).next : 0
        if (chunks.length > 0) waiting.found()
        for (const chunk of chunks) {
          if (chunk.base > lane.next) lane.next = gap(log, partition, lane.next, o, read)
          const next = chunk.base + chunk.count
          yield { ...batchOf(chunk, lane.next, log.id, decoder), behind: end - next }
          lane.next = next
          if (signal.aborted) return
        }
        if (lane.next >= lane.end) {
          lane.ended = true
          yield { ...emptyBatch(split, { log: log.id, next: lane.next }), end: true }
        } else if (chunks.length === 0) caughtUp.push(split)
      }
      if (asked === 0) await read.whenWanted()
      if (caughtUp.length > 0) yield { caughtUp }
      if (asked === 0 || caughtUp.length < asked) continue
      if (performance.now() - lookedMs > lookEveryMs) {
        if (!log.isInPlace()) throw replaced(o, 'was removed or replaced while it was read')
        lookedMs = performance.now()
      }
      await waiting.next()
    }
  } finally {
    waiting.close()
    opened?.close()
  }
}

const emptyBatch = (split: string, position: Position): Batch => ({
  split,
  rows: [],
  bytes: 0,
  positionAt: () => 0,
  position: position as unknown as Json,
})

const replaced = (o: Options, what: string, partition?: number): MillraceError =>
  new MillraceError('source_replaced', `stream ${o.stream} ${what}`, {
    place: `stream ${o.stream}${partition === undefined ? '' : `, partition ${partition}`}`,
    hint: 'if this is intended, discard its positions: pipe state reset PIPELINE; or give the source a new id',
  })

/** Where reading of a partition starts. Throws if the log is a different one, or no longer has the next records. */
function startOf(log: Log, partition: number, start: Options['start'], o: Options, read: ReadContext): number {
  const saved = read.resume(String(partition)) as Position | undefined
  const { first, next } = log.range(partition)
  if (!saved) return start === 'latest' ? next : first
  if (saved.log !== log.id)
    throw replaced(o, 'is not the log that was read before, so its saved positions are meaningless', partition)
  if (saved.next > next)
    throw new MillraceError(
      'offset_out_of_range',
      `the state is at ${saved.next}, but partition ${partition} of ${o.stream} ends at ${next}`,
      {
        hint: 'was an older copy of the log restored? `pipe state reset PIPELINE` starts over',
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
        hint: 'they are lost to this pipeline; `on_gap: earliest` continues with what is left',
      },
    )
  }
  const to = o.on_gap === 'earliest' ? first : next
  read.warn(
    `records ${from} to ${to - 1} of stream ${o.stream}, partition ${partition}, are gone; reading continues at ${to}`,
  )
  return to
}
