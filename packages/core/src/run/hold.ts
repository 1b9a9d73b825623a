/** Why a lane holds a watermark back. */
import type { LaneNow, LaneOf } from './lane.ts'

/**
 * Why a lane holds its watermark back, as a stable code:
 *
 * - `no_data`: it was announced and has had no record yet
 * - `not_idle_yet`: it is caught up and quiet, but `idle_after` has not passed
 * - `never_idle`: it is caught up and quiet, and its source has no `idle_after`
 * - `reading`: it is being read; its records are just older than those of the others
 * - `held_back`: `max_skew` keeps it from being read further ahead of another lane
 * - `backpressure`: its source is not asked, because a sink is slow
 * - `retrying`: its source does not answer
 * - `follows_clock`: it is caught up, and its event time is the clock's
 * - `until_end`: `max_out_of_order` is `unbounded`, so windows fire at the end of the input
 * - `all_idle`: no lane holds it back, since all are idle or have ended: it stays where it is
 * - `starting`: a process runs the pipeline, and has not begun to read
 * - `not_running`: no process runs the pipeline
 */
export type HoldCode =
  | 'no_data'
  | 'not_idle_yet'
  | 'never_idle'
  | 'reading'
  | 'held_back'
  | 'backpressure'
  | 'retrying'
  | 'follows_clock'
  | 'until_end'
  | 'all_idle'
  | 'starting'
  | 'not_running'

/** Why a lane holds a watermark back. */
export interface Reason {
  /** Not `code`, which is that of an error. */
  readonly why: HoldCode
  /** Of a lane that may become idle: how long it must still be quiet while it is polled, ms. */
  readonly idleInMs?: number
  /** For `held_back`: the lane that it waits for. */
  readonly behind?: LaneOf
  /** For `backpressure`: the sinks that are slow. */
  readonly sinks?: readonly string[]
  /** For `retrying`: since when its source has not answered, ms UTC. */
  readonly sinceMs?: number
}

export interface HoldContext {
  /** Sources that were asked and have not answered yet. */
  readonly polled: ReadonlySet<string>
  /** Sources and sinks whose system does not answer: since when, ms UTC. */
  readonly failing: ReadonlyMap<string, number>
  /** The sinks that are too far behind. */
  slowSinks(): readonly string[]
  /** The lane for which this one may not be read further. */
  waitsFor(source: string, lane: string): LaneOf | undefined
}

/** Why this lane, which is active, is not further. What stops its whole source comes first. */
export function reasonOf({ node, lane }: LaneNow, ctx: HoldContext): Reason {
  const { maxOutOfOrderMs, idleAfterMs, arrival } = node.eventTime!
  const sinceMs = ctx.failing.get(node.id)
  if (sinceMs !== undefined) return { why: 'retrying', sinceMs }
  if (maxOutOfOrderMs === null) return { why: 'until_end' }
  const behind = ctx.waitsFor(node.id, lane.id)
  if (behind) return { why: 'held_back', behind }
  const sinks = ctx.polled.has(node.id) ? [] : ctx.slowSinks()
  if (sinks.length > 0) return { why: 'backpressure', sinks }
  if (arrival && lane.caughtUp) return { why: 'follows_clock' }
  const idle = idleAfterMs === undefined ? {} : { idleInMs: Math.max(0, idleAfterMs - lane.quietMs) }
  if (lane.high === Number.NEGATIVE_INFINITY) return { why: 'no_data', ...idle }
  if (!lane.caughtUp) return { why: 'reading' }
  return idleAfterMs === undefined ? { why: 'never_idle' } : { why: 'not_idle_yet', ...idle }
}
