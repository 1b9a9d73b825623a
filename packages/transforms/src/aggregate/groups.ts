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
import type { Tracked } from './changes.ts'

export interface Group extends Tracked {
  /** The values of `by`, in order. */
  readonly values: readonly unknown[]
  /** The same, as compared by Maps. */
  readonly parts: readonly unknown[]
  /** Canonical JSON of the values: the key under which the group is saved, and the key of its result. */
  readonly saved: string
  state: AggregateState
  /** How many records were added to it. */
  records: number
  /** The start of its window; 0 without windows. */
  readonly start: number
  /** It has changed since its result was emitted. */
  isNew: boolean
  /** The result that was emitted last, if it may be emitted again. */
  shown: string | undefined
  /** When it had its last record, by the clock, if it is forgotten some time after it; 0: not known yet. */
  lastMs: number
}

type Level = Map<unknown, Level | Group>

/** A field of `by`. */
interface Field {
  readonly value: (row: Row) => unknown
  /** The value as compared by Maps. */
  readonly part: (row: Row) => unknown
  readonly comparable: ((value: unknown) => unknown) | undefined
  readonly write: (value: unknown) => Json
  readonly read: (json: Json) => unknown
}

/** Makes sets of groups by these fields; null is an ordinary value. `start`: the start of their window. */
export function groupsBy(input: RecordType, by: readonly string[]): (start?: number) => Groups {
  const fields = by.map((name): Field => {
    const { type } = input.fields[name]!
    const [value, comparable] = [fieldReader(name), comparableOf(type)]
    const part = comparable ? (row: Row) => comparable(value(row)) : value
    return { value, part, comparable, write: toJson(type), read: fromJson(type) }
  })
  return (start = 0) => new Groups(fields, start)
}

export class Groups {
  /** How many records were added to the groups that are left. */
  records = 0
  size = 0
  private readonly fields: readonly Field[]
  private readonly start: number
  private top: Level = new Map()
  /** In the order in which they were first seen, with some that were removed. */
  private list: Group[] = []
  private last: Group | undefined
  private readonly parts: unknown[]

  constructor(fields: readonly Field[], start: number) {
    this.fields = fields
    this.start = start
    this.parts = new Array<unknown>(fields.length)
  }

  /** The group of a row; undefined: there is none yet. */
  of(row: Row): Group | undefined {
    const { fields, parts, last } = this
    const depth = fields.length
    let isLast = last !== undefined
    for (let d = 0; d < depth; d++) {
      const part = fields[d]!.part(row)
      if (isLast && part !== last!.parts[d]) isLast = false
      parts[d] = part
    }
    if (isLast) return last
    let level: Level | undefined = this.top
    for (let d = 0; level && d < depth - 1; d++) level = level.get(parts[d]) as Level | undefined
    const found = level?.get(depth === 0 ? null : parts[depth - 1]) as Group | undefined
    if (found) this.last = found
    return found
  }

  /** Creates the group of a row that has none. */
  add(row: Row, state: AggregateState): Group {
    return (this.last = this.put(
      this.fields.map(({ value }) => kept(value(row))),
      undefined,
      state,
    ))
  }

  restore(saved: string, state: AggregateState, split: string | undefined, records = 0): Group {
    const values = (JSON.parse(saved) as Json[]).map((each, d) => (each === null ? null : this.fields[d]!.read(each)))
    const group = this.put(values, saved, state)
    group.split = split
    group.records = records
    this.records += records
    return group
  }

  /** A record was added to a group. */
  added(group: Group): void {
    group.records++
    this.records++
  }

  /** Those that were not removed, in the order in which they were first seen. */
  all(): Iterable<Group> {
    return this.list.length === this.size ? this.list : this.list.filter(({ gone }) => !gone)
  }

  /** Takes a group out of `all`; once none is left, the memory of all is freed. It must not be looked up any more. */
  forget(group: Group): void {
    group.gone = true
    this.size--
    this.records -= group.records
    if (this.size > 0) return
    this.top = new Map()
    this.list = []
    this.last = undefined
  }

  /** Removes a group, whose values may come again as another one. */
  remove(group: Group): void {
    const { parts } = group
    const depth = this.fields.length
    const levels: Level[] = [this.top]
    for (let d = 0; d < depth - 1; d++) levels.push(levels[d]!.get(parts[d]) as Level)
    for (let d = levels.length - 1; d >= 0; d--) {
      levels[d]!.delete(depth === 0 ? null : parts[d])
      if (levels[d]!.size > 0) break
    }
    if (this.last === group) this.last = undefined
    this.forget(group)
    if (this.list.length > 2 * this.size + 1000) this.list = this.list.filter(({ gone }) => !gone)
  }

  private put(values: readonly unknown[], saved: string | undefined, state: AggregateState): Group {
    const { fields } = this
    const depth = fields.length
    const isPlain = fields.every(({ comparable }) => !comparable)
    const parts = isPlain ? values : values.map((value, d) => fields[d]!.comparable?.(value) ?? value)
    const group: Group = {
      values,
      parts,
      saved: saved ?? JSON.stringify(values.map((value, d) => fields[d]!.write(value))),
      state,
      start: this.start,
      split: undefined,
      records: 0,
      changed: false,
      isNew: false,
      shown: undefined,
      gone: false,
      pieces: 0,
      lastMs: 0,
    }
    let level = this.top
    for (let d = 0; d < depth - 1; d++) {
      let next = level.get(parts[d]) as Level | undefined
      if (!next) level.set(parts[d], (next = new Map()))
      level = next
    }
    level.set(depth === 0 ? null : parts[depth - 1], group)
    this.list.push(group)
    this.size++
    return group
  }
}

/** A value to keep. 0 and -0 are one group, whose value is 0 whichever came first. */
const kept = (value: unknown): unknown => (typeof value === 'number' ? value + 0 : cutLoose(value))
