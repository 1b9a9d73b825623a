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
import { ByParts } from './by-parts.ts'
import type { Count, Group, GroupSet, SavedGroup, Unread } from './group.ts'
import type { SameGroups } from './same.ts'

/** A field of `by`. */
interface Field {
  readonly value: (row: Row) => unknown
  /** The value as compared by Maps. */
  readonly part: (row: Row) => unknown
  readonly comparable: ((value: unknown) => unknown) | undefined
  readonly write: (value: unknown) => Json
  readonly read: (json: Json) => unknown
}

/**
 * Makes sets of groups by these fields; null is an ordinary value. `start`: the start of their window. `shared`: the
 * sets are to be merged.
 */
export function groupsBy(
  input: RecordType,
  by: readonly string[],
  shared?: SameGroups,
): (start?: number, kind?: string) => Groups {
  const fields = by.map((name): Field => {
    const { type } = input.fields[name]!
    const [value, comparable] = [fieldReader(name), comparableOf(type)]
    const part = comparable ? (row: Row) => comparable(value(row)) : value
    return { value, part, comparable, write: toJson(type), read: fromJson(type) }
  })
  return (start = 0, kind = '') => new Groups(fields, start, `${kind}${start}`, shared)
}

export class Groups implements GroupSet {
  /** How many records were added to the groups that are left. */
  records = 0
  /** How many groups are left. */
  size = 0
  readonly start: number
  readonly name: string
  private readonly fields: readonly Field[]
  private readonly shared: SameGroups | undefined
  private byParts = new ByParts<Group>()
  /** In the order in which they were first seen, with some that were removed. */
  private list: Group[] = []
  private last: Group | undefined
  private readonly parts: unknown[]
  /** By split. */
  private readonly counts = new Map<string | undefined, Count>()
  /** Groups that were saved before a restart, and were not read since. */
  private unread: Unread | undefined

  constructor(fields: readonly Field[], start: number, name: string, shared: SameGroups | undefined) {
    this.fields = fields
    this.start = start
    this.name = name
    this.shared = shared
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
    const found = this.byParts.get(parts)
    if (found) this.last = found
    else if (this.unread) {
      const saved = this.unread.find(this.savedOf(fields.map(({ value }) => kept(value(row)))))
      return saved && (this.last = this.read(saved))
    }
    return found
  }

  /** The group with these values, as compared by Maps. */
  at({ parts, saved }: Pick<Group, 'parts' | 'saved'>): Group | undefined {
    const found = this.byParts.get(parts)
    if (found || !this.unread) return found
    const read = this.unread.find(saved)
    return read && this.read(read)
  }

  /** The count of a split. */
  countOf(split: string | undefined): Count {
    const known = this.counts.get(split)
    if (known) return known
    const made = { of: this, split, groups: 0, records: 0, changed: false }
    this.counts.set(split, made)
    return made
  }

  /** A record of a group comes from another split than those before: the group belongs to that one now. */
  move(group: Group, split: string): void {
    const { count, records } = group
    count.groups--
    count.records -= records
    group.split = split
    group.count = this.countOf(split)
    group.count.groups++
    group.count.records += records
  }

  /** Creates the group of a row that has none. */
  add(row: Row, state: AggregateState, split: string | undefined): Group {
    const values = this.fields.map(({ value }) => kept(value(row)))
    const group = this.put(values, undefined, state, split)
    this.size++
    group.count.groups++
    return (this.last = group)
  }

  restore(saved: SavedGroup): Group {
    const group = this.read(saved)
    this.expect(saved.split, 1, saved.records)
    return group
  }

  /** So many groups are saved, with so many records. `unread`: reads them. */
  expect(split: string | undefined, groups: number, records: number, unread?: Unread): void {
    const count = this.countOf(split)
    count.groups += groups
    count.records += records
    this.size += groups
    this.records += records
    this.unread ??= unread
  }

  /** A record was added to a group. */
  added(group: Group): void {
    group.records++
    group.count.records++
    this.records++
  }

  /**
   * Those that were not removed, in the order in which they were first seen. Groups may be added and removed meanwhile.
   */
  all(): Iterable<Group> {
    return this.list.length === this.size && !this.unread ? this.list : this.allLeft()
  }

  private *allLeft(): Generator<Group> {
    for (let i = 0; i < this.list.length || this.readMore(); i++) if (!this.list[i]!.gone) yield this.list[i]!
  }

  /** Takes a group out of `all`; once none is left, the memory of all is freed. It must not be looked up any more. */
  forget(group: Group): void {
    group.gone = true
    if (group.same) this.shared!.remove(group.same)
    this.size--
    this.records -= group.records
    group.count.groups--
    group.count.records -= group.records
    if (this.size > 0) return
    this.byParts = new ByParts()
    this.list = []
    this.last = undefined
    this.unread = undefined
  }

  /** Removes a group, whose values may come again as another one. */
  remove(group: Group): void {
    this.byParts.delete(group.parts)
    if (this.last === group) this.last = undefined
    this.forget(group)
    if (this.list.length > 2 * this.size + 1000) this.list = this.list.filter(({ gone }) => !gone)
  }

  private savedOf(values: readonly unknown[]): string {
    return JSON.stringify(values.map((value, d) => this.fields[d]!.write(value)))
  }

  private read({ saved, state, split, records, isNew }: SavedGroup): Group {
    const values = (JSON.parse(saved) as Json[]).map((each, d) => (each === null ? null : this.fields[d]!.read(each)))
    const group = this.put(values, saved, state, split)
    group.records = records
    group.isNew = isNew
    group.savedIn = split ?? ''
    return group
  }

  /** Reads more of the groups that are saved. False: there are none. */
  private readMore(): boolean {
    const { length } = this.list
    while (this.unread && this.list.length === length) {
      const page = this.unread.next()
      if (page.length === 0) this.unread = undefined
      for (const saved of page) this.read(saved)
    }
    return this.list.length > length
  }

  private put(
    values: readonly unknown[],
    saved: string | undefined,
    state: AggregateState,
    split: string | undefined,
  ): Group {
    const parts = this.partsOf(values)
    const make = () => ({ values, parts, saved: saved ?? this.savedOf(values) })
    const same = this.shared?.add(parts, make)
    const { values: own, parts: ownParts, saved: ownSaved } = same ?? make()
    const group: Group = {
      values: own,
      parts: ownParts,
      saved: ownSaved,
      same,
      state,
      count: this.countOf(split),
      split,
      savedIn: undefined,
      records: 0,
      changed: false,
      isNew: false,
      shown: undefined,
      gone: false,
      pieces: 0,
      lastMs: 0,
    }
    this.byParts.set(ownParts, group)
    this.list.push(group)
    return group
  }

  private partsOf(values: readonly unknown[]): readonly unknown[] {
    const { fields } = this
    const isPlain = fields.every(({ comparable }) => !comparable)
    return isPlain ? values : values.map((value, d) => fields[d]!.comparable?.(value) ?? value)
  }
}

/** A value to keep. 0 and -0 are one group, whose value is 0 whichever came first. */
const kept = (value: unknown): unknown => (typeof value === 'number' ? value + 0 : cutLoose(value))
