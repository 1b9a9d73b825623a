/**
 * The groups of an aggregation: nested Maps, one level per field of `by`, with the last group cached, since adjacent
 * records are often in the same group.
 */
import {
  type AggregateState,
  comparableOf,
  cutLoose,
  fieldReader,
  fromJson,
  type Json,
  type RecordType,
  type Row,
  toJson,
} from '@millrace/core'

export interface Group {
  /** The values of `by`, in order. */
  readonly values: readonly unknown[]
  /** The same, as compared by Maps. */
  readonly parts: readonly unknown[]
  /** Canonical JSON of the values: the key under which the group is saved, and the key of its result. */
  readonly saved: string
  state: AggregateState
  /** If memory is kept separately for each split: the split of its records. */
  split: string | undefined
  /** How many records were added to it. */
  records: number
  /** The start of its window; 0 without windows. */
  readonly start: number
  /** It is among the changes since the last save. */
  changed: boolean
  /** It has changed since its result was emitted. */
  isNew: boolean
  /** The result that was emitted last, if it may be emitted again. */
  shown: string | undefined
  /** It has emitted its result. */
  gone: boolean
}

export interface Groups {
  /** The group of a row; undefined: there is none yet. */
  of(row: Row): Group | undefined
  /** Creates the group of a row that has none. */
  add(row: Row, state: AggregateState): Group
  /** A record was added to a group. */
  added(group: Group): void
  /** How many records were added to the groups that are left. */
  readonly records: number
  /** In the order in which they were first seen. */
  all(): Iterable<Group>
  readonly size: number
  restore(saved: string, state: AggregateState, split: string | undefined, records?: number): Group
  /** Takes a group out of `all`; once none is left, all are gone. */
  forget(group: Group): void
  /** Removes a group. */
  remove(group: Group): void
}

type Level = Map<unknown, Level | Group>

/** Groups by the values of these fields; null is an ordinary value. */
export function createGroups(input: RecordType, by: readonly string[], start = 0): Groups {
  const fields = by.map((name) => {
    const { type } = input.fields[name]!
    return { value: fieldReader(name), comparable: comparableOf(type), write: toJson(type), read: fromJson(type) }
  })
  const depth = fields.length
  let top: Level = new Map()
  const order = new Set<Group>()
  let last: Group | undefined
  let records = 0
  const find = (parts: readonly unknown[]): Group | undefined => {
    let level: Level | undefined = top
    for (let d = 0; level && d < depth - 1; d++) level = level.get(parts[d]) as Level | undefined
    return level?.get(depth === 0 ? null : parts[depth - 1]) as Group | undefined
  }
  const add = (values: readonly unknown[], parts: readonly unknown[], state: AggregateState): Group => {
    const saved = JSON.stringify(values.map((value, d) => fields[d]!.write(value)))
    const group: Group = {
      values,
      parts,
      saved,
      state,
      start,
      split: undefined,
      records: 0,
      changed: false,
      isNew: false,
      shown: undefined,
      gone: false,
    }
    let level = top
    for (let d = 0; d < depth - 1; d++) {
      let next = level.get(parts[d]) as Level | undefined
      if (!next) level.set(parts[d], (next = new Map()))
      level = next
    }
    level.set(depth === 0 ? null : parts[depth - 1], group)
    order.add(group)
    return group
  }
  const partsOf = (values: readonly unknown[]) => values.map((value, d) => fields[d]!.comparable?.(value) ?? value)
  const parts = new Array<unknown>(depth)
  return {
    of(row) {
      let isLast = last !== undefined
      for (let d = 0; d < depth; d++) {
        const { value, comparable } = fields[d]!
        const part = comparable ? comparable(value(row)) : value(row)
        if (isLast && part !== last!.parts[d]) isLast = false
        parts[d] = part
      }
      if (isLast) return last
      const found = find(parts)
      if (found) last = found
      return found
    },
    add(row, state) {
      const values = fields.map(({ value }) => kept(value(row)))
      return (last = add(values, partsOf(values), state))
    },
    added(group) {
      group.records++
      records++
    },
    get records() {
      return records
    },
    all: () => order,
    get size() {
      return order.size
    },
    restore(saved, state, split, restored = 0) {
      const values = (JSON.parse(saved) as Json[]).map((value, d) => (value === null ? null : fields[d]!.read(value)))
      const group = add(values, partsOf(values), state)
      group.split = split
      group.records = restored
      records += restored
      return group
    },
    remove(group) {
      order.delete(group)
      records -= group.records
      if (last === group) last = undefined
      const levels: Level[] = [top]
      for (let d = 0; d < depth - 1; d++) levels.push(levels[d]!.get(group.parts[d]) as Level)
      for (let d = levels.length - 1; d >= 0; d--) {
        levels[d]!.delete(depth === 0 ? null : group.parts[d])
        if (levels[d]!.size > 0) break
      }
    },
    forget(group) {
      order.delete(group)
      records -= group.records
      if (order.size > 0) return
      top = new Map()
      last = undefined
    },
  }
}

/** A value to keep. 0 and -0 are one group, whose value is 0 whichever came first. */
const kept = (value: unknown): unknown => (typeof value === 'number' ? value + 0 : cutLoose(value))
