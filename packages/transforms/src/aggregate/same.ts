/**
 * What groups of several sets have in common that have the same values. It is kept once, and groups that have it are
 * merged without looking anything up.
 */
import type { Aggregation, AggregateState } from '@millrace/core'
import { ByParts } from './by-parts.ts'

/** The values of a group, in however many sets it is. */
export interface Same {
  /** The values of `by`, in order. */
  readonly values: readonly unknown[]
  /** The same, as compared by Maps. */
  readonly parts: readonly unknown[]
  /** Canonical JSON of the values. */
  readonly saved: string
  /** In how many sets there is such a group. */
  sets: number
  /** The number of the merge that such a group was in last, and what it became there. */
  mergeNumber: number
  merged: Merged | undefined
}

/** A group of a set, or of sets that were merged. */
export interface Merged {
  readonly same: Same | undefined
  readonly state: AggregateState
}

export class SameGroups {
  private readonly known = new ByParts<Same>()

  /** What a group that is being created has in common with others; `make` is called if there is no other one. */
  add(parts: readonly unknown[], make: () => Pick<Same, 'values' | 'parts' | 'saved'>): Same {
    let same = this.known.get(parts)
    if (!same) {
      same = { ...make(), sets: 0, mergeNumber: 0, merged: undefined }
      this.known.set(same.parts, same)
    }
    same.sets++
    return same
  }

  /** A group is gone. */
  remove(same: Same): void {
    if (--same.sets === 0) this.known.delete(same.parts)
  }
}

/** Merges sets whose groups are of one `SameGroups`. One merge is done before the next begins. */
export function merger(compiled: Aggregation): (sets: readonly Iterable<Merged>[]) => readonly Merged[] {
  let number = 0
  return (sets) => {
    number++
    const all: Merged[] = []
    for (const set of sets)
      for (const { same, state } of set) {
        if (same!.mergeNumber !== number) {
          same!.mergeNumber = number
          all.push((same!.merged = { same, state: compiled.start() }))
        }
        compiled.merge(same!.merged!.state, state)
      }
    return all
  }
}
