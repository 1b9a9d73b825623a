/** The partitions being read: where each begins, and what to do when a fetch fails. */
import { MillraceError, type ReadContext, SystemError } from '@millrace/core'
import { type TopicReader, kafkaCodes, kafkaError, type TopicLeaders } from '@millrace/client-kafka'
import type { Position } from './batch.ts'
import type { Options } from './options.ts'

/** How far a partition was read. */
export interface Lane {
  next: bigint
  /** Where reading ends. */
  readonly end: bigint | undefined
  /** The last known end of committed records. */
  stable: bigint
  ended: boolean
}

/**
 * Adds the lanes of partitions that are not read yet, and returns them. `start` applies only if nothing of the topic
 * was read before: a partition found later, while reading or between two runs, is read from its beginning.
 */
export async function startLanes(
  client: TopicReader,
  topic: TopicLeaders,
  o: Options,
  read: ReadContext,
  lanes: Map<number, Lane>,
  atStart: boolean,
): Promise<number[]> {
  const own = topic.leaders.map((_, p) => p).filter((p) => !lanes.has(p) && read.owns(String(p)))
  if (own.length === 0) return []
  const [first, end] = await Promise.all([client.offsets(-2), client.offsets(-1)])
  const positions = topic.leaders.map((_, p) => read.resume(String(p)) as unknown as Position | undefined)
  if (positions.some((saved) => saved && saved.topic !== topic.id)) throw recreated(o)
  const fresh = atStart && positions.every((saved) => saved === undefined)
  for (const p of own) {
    const saved = positions[p]
    const start = fresh && o.start === 'latest' ? end[p]! : first[p]!
    lanes.set(p, {
      next: saved ? BigInt(saved.next) : start,
      end: o.stop === 'end' ? end[p]! : undefined,
      stable: end[p]!,
      ended: false,
    })
  }
  return own
}

/** The topic is not the one its positions belong to. */
export const recreated = (o: Options): MillraceError =>
  new MillraceError(
    'source_replaced',
    `topic ${o.stream} is not the one that was read before, so its saved offsets are meaningless`,
    {
      place: `topic ${o.stream}`,
      hint: 'if this is intended, discard its positions: pipe state reset PIPELINE; or give the source a new id',
    },
  )

/** Handles a failed fetch. Returns the error to retry after, if any; throws errors that a retry cannot fix. */
export async function afterError(
  error: unknown,
  asked: ReadonlyMap<number, bigint>,
  client: TopicReader,
  o: Options,
  read: ReadContext,
  lanes: Map<number, Lane>,
): Promise<SystemError | undefined> {
  const codes = kafkaCodes(error)
  if (codes.has('OFFSET_OUT_OF_RANGE')) {
    const [first, end] = await Promise.all([client.offsets(-2), client.offsets(-1)])
    let moved = false
    for (const [p, from] of asked) {
      if (from >= first[p]! && from <= end[p]!) continue
      moved = true
      if (o.on_gap === 'fail') {
        throw new MillraceError(
          'offset_out_of_range',
          `partition ${p} of ${o.stream} has offsets ${first[p]} to ${end[p]}, but reading should continue at ${from}`,
          {
            place: `topic ${o.stream}, partition ${p}, offset ${from}`,
            hint: 'records were removed before they were read: they are lost to this pipeline; `on_gap: earliest` continues with what is left',
          },
        )
      }
      const to = o.on_gap === 'earliest' ? first[p]! : end[p]!
      read.warn(`offsets ${from} to ${to - 1n} of ${o.stream}, partition ${p}, are gone; reading continues at ${to}`)
      lanes.get(p)!.next = to
    }
    if (moved) return undefined
  }
  const failure = kafkaError(error, 'fetching', o, true)
  if (failure instanceof SystemError && failure.retry) return failure
  throw failure
}
