/**
 * Looking at what a stream holds, for people: `pipe console` lists its messages, newest first, and follows them.
 * Reading is that of the source, from positions that are found here; nothing is saved, committed or created. Positions
 * of records are whole numbers, which grow within their split.
 *
 * Decision: docs/decisions/20261203-looking-at-streams.md
 */
import type { Batch, CaughtUp, Json, SplitsFound } from '../record/index.ts'
import type { ReadContext } from './source.ts'

/** A place in a split: a record's position as text (empty: no record is known), and a time in ms UTC. */
export interface Point {
  readonly position: string
  readonly atMs?: number
}

/**
 * Where to begin: about `back` records before these points, or before the end of a split that has none; or with the
 * first record that arrived at a time, ms UTC. A system that does not count its records goes back by a guess, since
 * whoever finds too little asks again, from there.
 */
export type Whence =
  | { readonly back: number; readonly before?: Readonly<Record<string, Point>> }
  | { readonly fromMs: number }

/** A split as it is now, and where in it to begin. */
export interface LookedSplit {
  readonly split: string
  /** The positions of the first record that is there and of the next to come, if the system numbers its records. */
  readonly range?: { readonly first: number; readonly next: number }
  /** Where to begin, for `ReadContext.resume`. */
  readonly from: Json
  /** The same place, from which to look further back. */
  readonly start: Point
  /** Nothing is before it. */
  readonly isFirst: boolean
}

/** A stream that is looked at. */
export interface Look {
  /** All splits that are there now. Empty: there is no such stream yet. */
  splits(whence: Whence, signal: AbortSignal): Promise<readonly LookedSplit[]>
  /**
   * Reads the splits from where `resume` says. Rows are `{ value }`, the bytes of a message, or null; its key, headers
   * and arrival are beside it. `end`: what is there now.
   */
  read(stop: 'end' | 'never', ctx: ReadContext): AsyncIterable<Batch | SplitsFound | CaughtUp>
  close(): Promise<void>
}
