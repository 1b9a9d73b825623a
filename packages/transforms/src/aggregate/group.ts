/** A group of an aggregation, and how it is counted and saved. */
import type { AggregateState } from '@millrace/core'
import type { Tracked } from './changes.ts'
import type { Same } from './same.ts'

/** Groups that are held together: of a window, or of a part of one. */
export interface GroupSet {
  /** The start of the window; 0 without windows. */
  readonly start: number
  /** Names the set in saved memory. */
  readonly name: string
  /** The count of a split. */
  countOf(split: string | undefined): Count
}

/** How many groups a set has, and records in them; of one split only, if memory is kept separately for each. */
export interface Count {
  readonly of: GroupSet
  readonly split: string | undefined
  groups: number
  records: number
  /** It is among the changes since the last save. */
  changed: boolean
}

export interface Group extends Tracked, Pick<Same, 'values' | 'parts' | 'saved'> {
  /** With sets that are merged: what it has in common with groups of others. */
  readonly same: Same | undefined
  state: AggregateState
  /** How many records were added to it. */
  records: number
  /** Where it is counted. */
  count: Count
  /** It has changed since its result was emitted. */
  isNew: boolean
  /** The result that was emitted last, if it may be emitted again. */
  shown: string | undefined
  /** When it had its last record, by the clock, if it is forgotten some time after it; 0: not known yet. */
  lastMs: number
}

/** A group as it was saved. */
export interface SavedGroup {
  readonly saved: string
  readonly state: AggregateState
  readonly split: string | undefined
  readonly records: number
  readonly isNew: boolean
}

/** Saved groups of one set, which are read when they are needed. Each is returned once. */
export interface Unread {
  /** The group saved under this key; undefined: there is none, or it was returned before. */
  find(saved: string): SavedGroup | undefined
  /** More of them; none: all were returned. */
  next(): readonly SavedGroup[]
}
