/** Groups that had no record for some time, by the clock. */
import type { Group } from './group.ts'

/** How many groups are forgotten at a time, so that it blocks nothing else. */
const most = 5000

export interface Forgetter {
  /** A group has a record. */
  touch(group: Group): void
  /** The clock is now here. Returns groups to forget; there may be more. */
  due(clockMs: number): readonly Group[]
  /** The clock time at which the next one is due. */
  next(): number | undefined
  restore(groups: readonly Group[]): void
}

export function forgetter(afterMs: number): Forgetter {
  /** With the group first whose last record is the oldest. */
  const byAge = new Set<Group>()
  /** Groups that had a record since the clock was read. */
  const touched = new Set<Group>()
  return {
    touch: (group) => void touched.add(group),
    due(clockMs) {
      // After a restart, the clock is known from the first record that is taken again.
      if (clockMs === Number.NEGATIVE_INFINITY) return []
      for (const group of touched) {
        group.lastMs = clockMs
        byAge.delete(group)
        byAge.add(group)
      }
      touched.clear()
      const due: Group[] = []
      for (const group of byAge) {
        if (group.lastMs + afterMs > clockMs || due.length === most) break
        byAge.delete(group)
        due.push(group)
      }
      return due
    },
    next() {
      if (touched.size > 0) return Number.NEGATIVE_INFINITY
      for (const group of byAge) return group.lastMs + afterMs
      return undefined
    },
    restore(groups) {
      for (const group of groups.toSorted((a, b) => a.lastMs - b.lastMs)) {
        if (group.lastMs > 0) byAge.add(group)
        // Saved before there was a `forget_after`: counts from now on.
        else touched.add(group)
      }
    },
  }
}
