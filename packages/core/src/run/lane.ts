/** What is known of one lane; see lanes.ts. */

export interface Lane {
  readonly id: string
  high: number
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

export const newLane = (id: string, high: number, isSaved: boolean): Lane => ({
  id,
  high,
  readHigh: high,
  isSaved,
  caughtUp: false,
  ended: false,
  idle: false,
  hadEnded: false,
  quietMs: 0,
  caughtUpCount: 0,
})
