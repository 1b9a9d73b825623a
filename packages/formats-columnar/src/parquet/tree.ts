/**
 * Lists, maps and objects as groups of columns. Each value of such a field is taken apart into entries of its columns,
 * with levels as in Dremel; nested.ts does the reverse, and explains the levels.
 *
 * An object without fields, which Parquet does not allow, and one that keeps unknown fields are JSON in one column.
 */
import { type Field, isNested, type RecordType } from '@millrace/core'
import { type Column, columnOf, logicalType, type Place } from './schema.ts'
import { i32, struct, text, type Thrift } from './thrift.ts'

/** The entries of one column for some rows. */
export interface Entries {
  /** Null: not present. */
  readonly values: unknown[]
  readonly definitions: number[]
  readonly repetitions: number[]
  /** The index of each entry's row. */
  readonly rows: number[]
}

/** How a field of the rows is stored. */
export interface StoredField {
  readonly name: string
  /** Its part of the schema, depth first. */
  readonly elements: readonly Thrift[]
  readonly columns: readonly Column[]
  /**
   * Takes values apart; undefined: the field is its only column. Returns the entries of each column, valid until the
   * next call. `missing` is told of a row that lacks a required value, and of its column.
   */
  readonly shred: ((values: readonly unknown[], n: number, missing: Missing) => readonly Entries[]) | undefined
}

type Missing = (row: number, column: Column) => void

/** The fields of records of a type, in order. */
export const storedFields = (record: RecordType): StoredField[] =>
  Object.entries(record.fields).map(([name, field]) => storedField(name, field))

const isGroup = ({ type }: Field): boolean =>
  isNested(type) || (type.kind === 'object' && !type.record.open && Object.keys(type.record.fields).length > 0)

interface Node {
  /** Its columns, by their indexes. */
  readonly first: number
  readonly end: number
  /** Adds a value that may be null. `repetition`: which list it continues; `definition`: that of its parent. */
  put(value: unknown, row: number, repetition: number, definition: number): void
}

function storedField(name: string, field: Field): StoredField {
  const elements: Thrift[] = []
  const columns: Column[] = []
  const entries: Entries[] = []
  let missing: Missing = () => {}

  function leave(first: number, end: number, row: number, repetition: number, definition: number): void {
    for (let k = first; k < end; k++) push(entries[k]!, null, row, repetition, definition)
  }

  function node(own: Field, at: Place): Node {
    const definition = at.definition + (own.optional ? 1 : 0)
    const first = columns.length
    const put = putter(own, { ...at, definition }, first)
    const end = columns.length
    return {
      first,
      end,
      put(value, row, repetition, outer) {
        if (value !== null && value !== undefined) return put(value, row, repetition)
        if (!own.optional) missing(row, columns[first]!)
        leave(first, end, row, repetition, outer)
      },
    }
  }

  function putter(own: Field, at: Place, first: number): (value: unknown, row: number, repetition: number) => void {
    const { type } = own
    const { path, definition } = at
    if (!isGroup(own)) {
      const column = columnOf(own, at)
      const into: Entries = { values: [], definitions: [], repetitions: [], rows: [] }
      columns.push(column)
      elements.push(column.element)
      entries.push(into)
      return (value, row, repetition) => push(into, value, row, repetition, definition)
    }
    if (type.kind === 'list') {
      elements.push(group(path.at(-1)!, own.optional ? optional : required, 1, list), group('list', repeated, 1))
      const inside = at.repetition + 1
      const item = node(type.of, {
        path: [...path, 'list', 'element'],
        definition: definition + 1,
        repetition: inside,
      })
      return (value, row, repetition) => {
        const items = value as readonly unknown[]
        if (items.length === 0) leave(first, item.end, row, repetition, definition)
        for (let i = 0; i < items.length; i++) item.put(items[i], row, i === 0 ? repetition : inside, definition + 1)
      }
    }
    if (type.kind === 'map') {
      elements.push(group(path.at(-1)!, own.optional ? optional : required, 1, map), group('key_value', repeated, 2))
      const entry = (part: string) => ({
        path: [...path, 'key_value', part],
        definition: definition + 1,
        repetition: at.repetition + 1,
      })
      const key = node({ type: { kind: 'string' }, optional: false }, entry('key'))
      const item = node(type.of, entry('value'))
      return (value, row, repetition) => {
        const keys = Object.keys(value as object)
        if (keys.length === 0) leave(first, item.end, row, repetition, definition)
        for (const [i, name] of keys.entries()) {
          const level = i === 0 ? repetition : at.repetition + 1
          key.put(name, row, level, definition + 1)
          item.put((value as Readonly<Record<string, unknown>>)[name], row, level, definition + 1)
        }
      }
    }
    if (type.kind !== 'object') throw new Error(`${type.kind} is not a group`)
    const fields = Object.entries(type.record.fields)
    elements.push(group(path.at(-1)!, own.optional ? optional : required, fields.length))
    const members = fields.map(([key, member]) => ({
      read: reader(key),
      member: node(member, { ...at, path: [...path, key] }),
    }))
    return (value, row, repetition) => {
      for (const { read, member } of members)
        member.put(read(value as Readonly<Record<string, unknown>>), row, repetition, definition)
    }
  }

  const root = node(field, { path: [name], definition: 0, repetition: 0 })
  return {
    name,
    elements,
    columns,
    shred: isGroup(field)
      ? (values, n, tell) => {
          missing = tell
          for (const into of entries)
            into.values.length = into.definitions.length = into.repetitions.length = into.rows.length = 0
          for (let i = 0; i < n; i++) root.put(values[i], i, 0, 0)
          return entries
        }
      : undefined,
  }
}

function push(into: Entries, value: unknown, row: number, repetition: number, definition: number): void {
  into.values.push(value)
  into.definitions.push(definition)
  into.repetitions.push(repetition)
  into.rows.push(row)
}

/** Reads a member; one whose name every object inherits only as an own property. */
const reader = (name: string): ((of: Readonly<Record<string, unknown>>) => unknown) =>
  name in Object.prototype ? (of) => (Object.hasOwn(of, name) ? of[name] : null) : (of) => of[name]

/** Repetition types. */
const [required, optional, repeated] = [0, 1, 2]
/** The numbers of a list and a map among converted and among logical types. */
const [list, map] = [
  [3, 3],
  [1, 2],
] as const

const group = (name: string, repetition: number, children: number, kind?: readonly [number, number]): Thrift =>
  struct(
    [3, i32(repetition)],
    [4, text(name)],
    [5, i32(children)],
    [6, kind && i32(kind[0])],
    [10, kind && logicalType(kind[1])],
  )
