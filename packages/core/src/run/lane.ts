/** What is known of one lane; see lanes.ts. */
import type { SourceNode } from './nodes.ts'

export interface Lane {
  readonly id: string
  high: number
  /** See `SavedLane`. */
  floor: number | undefined
  /** The same, including what was read but not taken by the graph yet. */
  readHigh: number
  /** What is saved of it is so, or will be by the epoch under way. */
  isSaved: boolean
  caughtUp: boolean
  ended: boolean
  idle: boolean
  /** It had ended when it was saved: it holds nothing back while what came after that save is repeated. */
  hadEnded: boolean
  /** How long it has delivered nothing while it was polled, ms. */
  quietMs: number
  /** How often it has reported `caughtUp` since `startCatchUp`. */
  caughtUpCount: number
}

/** A lane by its name; that of a source without lanes is empty. */
export interface LaneOf {
  readonly source: string
  readonly lane: string
}

/** A lane as it is now. Inactive ones, which are idle or have ended, hold no watermark back. */
export interface LaneNow {
  readonly node: SourceNode
  readonly lane: Readonly<Lane>
  readonly isActive: boolean
  /** Its watermark, ms UTC. */
  readonly watermark: number
}

/** Whether its input has ended, now or before a restart. */
export const hasEnded = (lane: Readonly<Lane>): boolean => lane.ended || lane.hadEnded

/** Whether it holds its watermark back. */
export const isActive = (lane: Readonly<Lane>): boolean => !lane.idle && !hasEnded(lane)

/** The watermark over lanes with theirs; -Infinity: they say nothing of it. */
export function watermarkOver(lanes: readonly Pick<LaneNow, 'lane' | 'watermark'>[]): number {
  const active = lanes.filter(({ lane }) => isActive(lane))
  if (active.length > 0) return Math.min(...active.map(({ watermark }) => watermark))
  const ended = lanes.filter(({ lane }) => hasEnded(lane))
  return Math.max(...ended.map(({ watermark }) => watermark))
}

export const newLane = (id: string, high: number, isSaved: boolean): Lane => ({
  id,
  high,
  floor: undefined,
  readHigh: high,
  isSaved,
  caughtUp: false,
  ended: false,
  idle: false,
  hadEnded: false,
  quietMs: 0,
  caughtUpCount: 0,
})
