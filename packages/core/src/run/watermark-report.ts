/**
 * What is known of watermarks at a moment, as plain data: in events, in the file that a running pipeline writes, and in
 * what `pipe watermark` prints. Times are ms UTC; null: none yet.
 */
import type { Waiting } from '../connector/index.ts'
import type { HoldCode, Reason } from './hold.ts'

/** What holds the watermark of a step. */
export interface Hold extends Omit<Reason, 'sinceMs'> {
  /** The lane; absent if no lane holds it. The lane of a source that has none yet is empty. */
  readonly source?: string
  readonly lane?: string
  /** How many other lanes hold it at the same point. */
  readonly others?: number
  /** Since when this lane holds it for this reason, ms UTC; null: unknown, since no process runs. */
  readonly sinceMs: number | null
}

/** A step that uses event time. */
export interface StepWatermark {
  readonly step: string
  readonly watermarkMs: number | null
  readonly hold: Hold
  /** What waits for the watermark; absent: the step does not say. */
  readonly waiting?: Waiting
}

/** A lane. `state`: `idle`, `ended`, or why it is not further. */
export interface LaneReport {
  readonly source: string
  readonly lane: string
  readonly highMs: number | null
  readonly watermarkMs: number | null
  readonly state: LaneState
  readonly sinceMs: number | null
}

/** A lane that holds nothing back is `idle` or has `ended`; for others it is the reason. */
export type LaneState = HoldCode | 'idle' | 'ended'

/** All steps that use event time, and the lanes, the slowest active ones first. */
export interface WatermarkReport {
  /** When it was so, ms UTC; null: at the last save. */
  readonly atMs: number | null
  readonly steps: readonly StepWatermark[]
  readonly lanes: readonly LaneReport[]
  /** How many lanes are left out, since there are too many. */
  readonly otherLanes: number
}

/** More lanes than this are not listed. */
const maxLanes = 500

export const finite = (ms: number): number | null => (Number.isFinite(ms) ? ms : null)

const isActive = ({ state }: LaneReport): boolean => state !== 'idle' && state !== 'ended'

/** The lanes that matter most, in that order, and how many are left out. */
export function listed(lanes: readonly LaneReport[]): Pick<WatermarkReport, 'lanes' | 'otherLanes'> {
  const low = ({ watermarkMs }: LaneReport) => watermarkMs ?? Number.NEGATIVE_INFINITY
  const order = lanes.toSorted(
    (a, b) =>
      Number(isActive(b)) - Number(isActive(a)) ||
      (low(a) === low(b) ? 0 : low(a) - low(b)) ||
      a.source.localeCompare(b.source) ||
      a.lane.localeCompare(b.lane, 'en', { numeric: true }),
  )
  return { lanes: order.slice(0, maxLanes), otherLanes: Math.max(0, lanes.length - maxLanes) }
}
