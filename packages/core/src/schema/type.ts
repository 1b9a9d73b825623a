/**
 * Record types: which values a field may have, and the one in-memory form of each type.
 *
 * | type | in memory |
 * |---|---|
 * | string | string |
 * | boolean | boolean |
 * | integer | number, a whole one within +-(2^53-1) |
 * | bigint | bigint within 64 bits, signed |
 * | number | number, never NaN or infinite |
 * | decimal(p,s) | text with exactly s digits after the point and no leading zeros or plus: `"-12.30"` |
 * | date | text `yyyy-MM-dd` |
 * | time | text `HH:mm:ss`, then `.` and up to 6 digits if it has a fraction, without zeros at its end |
 * | timestamp, also called timestamp(3) | number: ms since 1970-01-01T00:00Z, whole |
 * | timestamp(6), timestamp(9) | bigint within 64 bits, signed: microseconds, nanoseconds since 1970-01-01T00:00Z |
 * | bytes | Uint8Array |
 * | list<T> | array |
 * | map<T> | plain object with any text as a key; its values are T |
 * | object | plain object |
 * | json | any JSON value; whole numbers in it beyond 2^53 are bigint |
 *
 * Dates and timestamps are within the years 1 to 9999, so that all of them have a text.
 *
 * null and absent are the same: an optional field that is missing reads as null.
 *
 * Decision: docs/decisions/20261201-finer-times-are-types.md
 */

/** The type of a value. */
export type Type =
  | { readonly kind: 'string' | 'boolean' | 'integer' | 'bigint' | 'number' | 'date' | 'time' | 'bytes' | 'json' }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'fine_timestamp'; readonly precision: 6 | 9 }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'list' | 'map'; readonly of: Field }
  | { readonly kind: 'object'; readonly record: RecordType }

/** A list or a map: values of one type. */
export const isNested = (type: Type): type is Extract<Type, { readonly of: Field }> =>
  type.kind === 'list' || type.kind === 'map'

/** The type of a field, and whether it is required. */
export interface Field {
  readonly type: Type
  /** May be null or absent. */
  readonly optional: boolean
}

/**
 * The type of a row: its fields, in order. `open`: other fields may be present and are kept (`unknown_fields: keep`);
 * expressions cannot name them.
 */
export interface RecordType {
  readonly fields: Readonly<Record<string, Field>>
  readonly open?: boolean
}

/** The type of a field by name; undefined if there is none. Safe for names such as `constructor`. */
export const fieldOf = (record: RecordType, name: string): Field | undefined =>
  Object.hasOwn(record.fields, name) ? record.fields[name] : undefined

/** The type with every object in it open: what its rows hold under `unknown_fields: keep`. */
export function opened(record: RecordType): RecordType {
  const fields = Object.entries(record.fields).map(([name, field]) => [name, openedField(field)] as const)
  return { fields: Object.fromEntries(fields), open: true }
}

function openedField(field: Field): Field {
  const { type } = field
  if (type.kind === 'object') return { ...field, type: { kind: 'object', record: opened(type.record) } }
  return isNested(type) ? { ...field, type: { kind: type.kind, of: openedField(type.of) } } : field
}

// --- text

/**
 * A type as users write it: `integer`, `decimal(10,2)`, `list<integer?>`; an object as `{ a: integer, b: string? }`.
 */
export function typeText(type: Type): string {
  if (type.kind === 'decimal') return `decimal(${type.precision},${type.scale})`
  if (type.kind === 'fine_timestamp') return `timestamp(${type.precision})`
  if (isNested(type)) return `${type.kind}<${fieldText(type.of)}>`
  if (type.kind === 'object') return recordText(type.record)
  return type.kind
}

/** A field's type with `?` if it may be null or absent: `integer?`. */
export const fieldText = (field: Field): string => typeText(field.type) + (field.optional ? '?' : '')

/** A record type on one line: `{ Quantity: integer, CustomerID: integer? }`. */
export function recordText(record: RecordType): string {
  const fields = Object.entries(record.fields).map(([name, field]) => `${name}: ${fieldText(field)}`)
  if (record.open) fields.push('...')
  return fields.length ? `{ ${fields.join(', ')} }` : '{}'
}

/** The types that consist of one word. */
export const plainTypes = [
  'string',
  'boolean',
  'integer',
  'bigint',
  'number',
  'date',
  'time',
  'timestamp',
  'bytes',
  'json',
] as const
type PlainType = (typeof plainTypes)[number]

/** How deep lists and maps may be nested, so that no walk over a type overflows the stack. */
const maxDepth = 100

/** Reads `integer`, `decimal(10,2)`, `timestamp(6)?`, `list<date>`, `map<integer>`; undefined for anything else. */
export function parseType(text: string, depth = 0): Field | undefined {
  const trimmed = text.trim()
  const optional = trimmed.endsWith('?')
  const word = optional ? trimmed.slice(0, -1).trimEnd() : trimmed
  if ((plainTypes as readonly string[]).includes(word)) return { type: { kind: word as PlainType }, optional }
  const timestamp = /^timestamp\(\s*([369])\s*\)$/.exec(word)
  if (timestamp) {
    const precision = Number(timestamp[1]) as 3 | 6 | 9
    return { type: precision === 3 ? { kind: 'timestamp' } : { kind: 'fine_timestamp', precision }, optional }
  }
  const decimal = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(word)
  if (decimal) {
    const precision = Number(decimal[1])
    const scale = Number(decimal[2])
    return precision >= 1 && precision <= 38 && scale <= precision
      ? { type: { kind: 'decimal', precision, scale }, optional }
      : undefined
  }
  const nested = /^(list|map)<(.*)>$/s.exec(word)
  const of = nested && depth < maxDepth ? parseType(nested[2]!, depth + 1) : undefined
  return of && { type: { kind: nested![1] as 'list' | 'map', of }, optional }
}

// --- comparing

/** The same type; objects with the same fields in any order. */
export function sameType(a: Type, b: Type): boolean {
  if (a.kind === 'decimal') return b.kind === 'decimal' && a.precision === b.precision && a.scale === b.scale
  if (a.kind === 'fine_timestamp') return b.kind === 'fine_timestamp' && a.precision === b.precision
  if (isNested(a)) return isNested(b) && a.kind === b.kind && sameField(a.of, b.of)
  if (a.kind === 'object') return b.kind === 'object' && sameRecord(a.record, b.record)
  return a.kind === b.kind
}

const sameField = (a: Field, b: Field): boolean => a.optional === b.optional && sameType(a.type, b.type)

/** The same fields with the same types, in any order. */
export function sameRecord(a: RecordType, b: RecordType): boolean {
  const names = Object.keys(a.fields)
  if (!a.open !== !b.open || names.length !== Object.keys(b.fields).length) return false
  return names.every((name) => Object.hasOwn(b.fields, name) && sameField(a.fields[name]!, b.fields[name]!))
}

/**
 * Whether every in-memory value of `from` is a value of `to`: an integer as a number, a plain value as json, a required
 * field as an optional one, a decimal of fewer digits with the same scale. Nothing that needs a conversion.
 */
export function assignable(from: Field, to: Field): boolean {
  if (from.optional && !to.optional && to.type.kind !== 'json') return false
  const a = from.type
  const b = to.type
  if (a.kind === 'integer' && b.kind === 'number') return true
  if (a.kind === 'decimal' && b.kind === 'decimal') return a.scale === b.scale && a.precision <= b.precision
  if (isNested(a) && isNested(b)) return a.kind === b.kind && assignable(a.of, b.of)
  if (a.kind === 'object' && b.kind === 'object') return assignableRecord(a.record, b.record)
  if (b.kind === 'json') return isJson(a)
  return sameType(a, b)
}

/** Whether every row of `from` is a row of `to`: no field is missing, and none is extra (unless `to` is open). */
export function assignableRecord(from: RecordType, to: RecordType): boolean {
  if (!to.open && (from.open || Object.keys(from.fields).some((name) => !fieldOf(to, name)))) return false
  return Object.entries(to.fields).every(([name, field]) => {
    const given = fieldOf(from, name)
    return given ? assignable(given, field) : field.optional
  })
}

function isJson(type: Type): boolean {
  if (isNested(type)) return isJson(type.of.type)
  if (type.kind === 'object') return Object.values(type.record.fields).every((field) => isJson(field.type))
  return ['string', 'boolean', 'integer', 'number', 'json'].includes(type.kind)
}
