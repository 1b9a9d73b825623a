/**
 * The groups of an aggregation: nested Maps, a level per field of `by`, with the last group kept at hand, since neighbours are often of one group. What changed
 * since the last save is remembered by group, not by record.
 */
import { type AggregateState, fromJson, type Json, type RecordType, type Row, toJson } from '@millrace/core'
import { flat } from '../flat.ts'

export interface Group {
  /** The values of `by`, in order. */
  readonly values: readonly unknown[]
  /** Canonical JSON of the values: what the group is saved under. */
  readonly saved: string
  state: AggregateState
  changed: boolean
}

export interface Groups {
  /** The group of a row, made where it is new. */
  of(row: Row): Group
  /** In the order in which they were first seen. */
  all(): Iterable<Group>
  readonly size: number
  restore(saved: string, state: AggregateState): void
  forget(group: Group): void
}

type Level = Map<unknown, Level | Group>

/** Groups by the values of these fields; null is a value like any other. `start` gives the state of a new one. */
export function createGroups(input: RecordType, by: readonly string[], start: () => AggregateState): Groups {
  const parts = by.map((name) => ({ name, ...jsonOf(input, name) }))
  const depth = parts.length
  let top: Level = new Map()
  const order = new Set<Group>()
  let last: Group | undefined
  const find = (values: readonly unknown[]): Group => {
    let level = top
    for (let d = 0; d < depth - 1; d++) {
      let next = level.get(values[d]) as Level | undefined
      if (!next) level.set(keep(values[d]), (next = new Map()))
      level = next
    }
    const key = depth === 0 ? null : values[depth - 1]
    let group = level.get(key) as Group | undefined
    if (!group) {
      const kept = values.map(keep)
      group = {
        values: kept,
        saved: JSON.stringify(kept.map((value, d) => parts[d]!.write(value))),
        state: start(),
        changed: false,
      }
      level.set(depth === 0 ? null : kept[depth - 1], group)
      order.add(group)
    }
    return group
  }
  return {
    of(row) {
      if (last) {
        let same = true
        for (let d = 0; same && d < depth; d++) same = (row[parts[d]!.name] ?? null) === last.values[d]
        if (same) return last
      }
      return (last = find(parts.map(({ name }) => row[name] ?? null)))
    },
    all: () => order,
    get size() {
      return order.size
    },
    restore(saved, state) {
      const values = (JSON.parse(saved) as Json[]).map((value, d) => (value === null ? null : parts[d]!.read(value)))
      find(values).state = state
    },
    forget(group) {
      order.delete(group)
      if (order.size > 0) return
      top = new Map()
      last = undefined
    },
  }
}

const keep = (value: unknown): unknown => (typeof value === 'string' ? flat(value) : value)

function jsonOf(input: RecordType, name: string) {
  const { type } = input.fields[name]!
  return { write: toJson(type), read: fromJson(type) }
}
