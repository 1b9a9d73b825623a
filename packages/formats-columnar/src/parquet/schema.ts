/**
 * How record types are stored in Parquet (https://github.com/apache/parquet-format/blob/master/LogicalTypes.md).
 *
 * | type | physical | logical |
 * |---|---|---|
 * | string | BYTE_ARRAY | STRING |
 * | boolean | BOOLEAN | |
 * | integer, bigint | INT64 | INTEGER(64, signed) |
 * | number | DOUBLE | |
 * | decimal(p,s) | INT32 up to 9 digits, INT64 up to 18, else FIXED_LEN_BYTE_ARRAY | DECIMAL(p,s) |
 * | date | INT32 | DATE |
 * | timestamp | INT64 | TIMESTAMP(MILLIS, UTC) |
 * | timestamp(6), timestamp(9) | INT64 | TIMESTAMP(MICROS, UTC), TIMESTAMP(NANOS, UTC) |
 * | time | INT64 | TIME(MICROS, local) |
 * | bytes | BYTE_ARRAY | |
 * | list | a group of three levels (tree.ts) | LIST |
 * | map | a group of two levels, keys as STRING (tree.ts) | MAP |
 * | object | a group (tree.ts) | |
 * | json, and an object that has no fields or keeps unknown ones | BYTE_ARRAY | JSON |
 *
 * Optional fields are OPTIONAL, all others REQUIRED.
 */
import { type Field, microsOfTime, type Type } from '@millrace/core'
import { jsonValue, type OutputBytes } from '@millrace/formats'
import { bool, i8, i32, struct, text, type Thrift } from './thrift.ts'

/** The ids of physical types in the footer. */
export const physical = { BOOLEAN: 0, INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6, FIXED_LEN_BYTE_ARRAY: 7 } as const
export type Physical = keyof typeof physical

/** Where a column is in the schema of a file. */
export interface Place {
  /** The names of its groups, and its own. */
  readonly path: readonly string[]
  /** Levels of a value that is present. 0: the column is required, and in no optional or repeated group. */
  readonly definition: number
  /** How many lists it is in. */
  readonly repetition: number
}

/** One column of a file. */
export interface Column extends Place {
  readonly physical: Physical
  /** Bytes of a value of FIXED_LEN_BYTE_ARRAY. */
  readonly length?: number
  /** The value as a string or number that identifies it; absent: the value itself. */
  readonly key?: (value: unknown) => string | number
  /** Appends a value in the PLAIN encoding, by its key. Not for BOOLEAN. */
  put(out: OutputBytes, key: string | number | bigint): void
  /** Approximate bytes of a value in that encoding, by its key. */
  sizeOf(key: string | number | bigint): number
  /** Compares values as their statistics do; absent: by bytes. */
  readonly compare?: (a: string | number | bigint, b: string | number | bigint) => number
  /** Texts that may have an unpaired surrogate. */
  readonly text: boolean
  readonly element: Thrift
}

const numeric = (a: string | number | bigint, b: string | number | bigint): number => (a < b ? -1 : a > b ? 1 : 0)

/** The column of a field that is no group. */
export function columnOf({ type, optional }: Field, place: Place): Column {
  const base = { ...place, text: false }
  const name = place.path.at(-1)!
  const element = (
    kind: Physical,
    converted: number | undefined,
    logical: Thrift | undefined,
    more: { length?: number; precision?: number; scale?: number } = {},
  ) =>
    struct(
      [1, i32(physical[kind])],
      [2, more.length === undefined ? undefined : i32(more.length)],
      [3, i32(optional ? 1 : 0)],
      [4, text(name)],
      [6, converted === undefined ? undefined : i32(converted)],
      [7, more.scale === undefined ? undefined : i32(more.scale)],
      [8, more.precision === undefined ? undefined : i32(more.precision)],
      [10, logical],
    )
  switch (type.kind) {
    case 'string':
      return {
        ...base,
        text: true,
        physical: 'BYTE_ARRAY',
        put: putText,
        sizeOf: textSize,
        element: element('BYTE_ARRAY', 0, logicalType(1)),
      }
    case 'list':
    case 'map':
    case 'object':
    case 'json':
      return {
        ...base,
        physical: 'BYTE_ARRAY',
        key: jsonValue(type),
        put: putText,
        sizeOf: textSize,
        element: element('BYTE_ARRAY', 19, logicalType(12)),
      }
    case 'bytes':
      return {
        ...base,
        physical: 'BYTE_ARRAY',
        key: latin1,
        put: putLatin1,
        sizeOf: textSize,
        element: element('BYTE_ARRAY', undefined, undefined),
      }
    case 'boolean':
      return {
        ...base,
        physical: 'BOOLEAN',
        key: Number,
        put: () => {},
        sizeOf: () => 1,
        element: element('BOOLEAN', undefined, undefined),
      }
    case 'integer':
    case 'bigint': {
      const put = type.kind === 'integer' ? putInteger : putBigint
      const logical = logicalType(10, struct([1, i8(64)], [2, bool(true)]))
      return {
        ...base,
        physical: 'INT64',
        put,
        sizeOf: eight,
        compare: numeric,
        element: element('INT64', 18, logical),
      }
    }
    case 'number':
      return {
        ...base,
        physical: 'DOUBLE',
        key: doubleKey,
        put: putDouble,
        sizeOf: eight,
        compare: compareDoubles,
        element: element('DOUBLE', undefined, undefined),
      }
    case 'date':
      return {
        ...base,
        physical: 'INT32',
        key: daysOf,
        put: putInt32,
        sizeOf: () => 4,
        compare: numeric,
        element: element('INT32', 6, logicalType(6)),
      }
    case 'timestamp': {
      const logical = logicalType(8, struct([1, bool(true)], [2, struct([1, struct()])]))
      return {
        ...base,
        physical: 'INT64',
        put: putInteger,
        sizeOf: eight,
        compare: numeric,
        element: element('INT64', 9, logical),
      }
    }
    case 'fine_timestamp': {
      const isMicros = type.precision === 6
      const unit = struct([isMicros ? 2 : 3, struct()])
      return {
        ...base,
        physical: 'INT64',
        put: putBigint,
        sizeOf: eight,
        compare: numeric,
        element: element('INT64', isMicros ? 10 : undefined, logicalType(8, struct([1, bool(true)], [2, unit]))),
      }
    }
    case 'time': {
      const logical = logicalType(7, struct([1, bool(false)], [2, struct([2, struct()])]))
      return {
        ...base,
        physical: 'INT64',
        key: (value) => microsOfTime(value as string),
        put: putInteger,
        sizeOf: eight,
        compare: numeric,
        element: element('INT64', 8, logical),
      }
    }
    case 'decimal':
      return decimalColumn(base, type, element)
  }
}

export const logicalType = (id: number, value: Thrift = struct()): Thrift => struct([id, value])

function decimalColumn(
  base: Place & { readonly text: boolean },
  { precision, scale }: Extract<Type, { kind: 'decimal' }>,
  element: (
    kind: Physical,
    converted: number,
    logical: Thrift,
    more: { length?: number; precision: number; scale: number },
  ) => Thrift,
): Column {
  const logical = logicalType(5, struct([1, i32(scale)], [2, i32(precision)]))
  const compare = (a: unknown, b: unknown) => numeric(unscaled(a), unscaled(b))
  const more = { precision, scale }
  if (precision <= 9) {
    const put = (out: OutputBytes, key: unknown) => out.int32(Number(unscaled(key)))
    return { ...base, physical: 'INT32', put, sizeOf: () => 4, compare, element: element('INT32', 5, logical, more) }
  }
  if (precision <= 18) {
    const put = (out: OutputBytes, key: unknown) => out.bigint64(unscaled(key))
    return { ...base, physical: 'INT64', put, sizeOf: eight, compare, element: element('INT64', 5, logical, more) }
  }
  const length = fixedLength(precision)
  const put = (out: OutputBytes, key: unknown) => {
    out.grow(length)
    let rest = unscaled(key)
    for (let i = length - 1; i >= 0; i--, rest >>= 8n) out.buffer[out.at + i] = Number(rest & 255n)
    out.at += length
  }
  return {
    ...base,
    physical: 'FIXED_LEN_BYTE_ARRAY',
    length,
    put,
    sizeOf: () => length,
    compare,
    element: element('FIXED_LEN_BYTE_ARRAY', 5, logical, { ...more, length }),
  }
}

/** The digits of a decimal as a whole number: `-12.30` is -1230. */
export const unscaled = (key: unknown): bigint => BigInt((key as string).replace('.', ''))

/** The fewest bytes for every signed number with this many digits. */
export function fixedLength(precision: number): number {
  let length = 1
  while (2n ** BigInt(8 * length - 1) <= 10n ** BigInt(precision) - 1n) length++
  return length
}

const eight = () => 8
const textSize = (key: unknown) => (key as string).length + 4
const putInteger = (out: OutputBytes, key: unknown) => out.int64(key as number)
const putBigint = (out: OutputBytes, key: unknown) => out.bigint64(key as bigint)
const putInt32 = (out: OutputBytes, key: unknown) => out.int32(key as number)

// A Map treats -0 and 0 as one key.
const doubleKey = (value: unknown): string | number =>
  value === 0 && 1 / (value as number) < 0 ? '-0' : (value as number)
const putDouble = (out: OutputBytes, key: unknown) => out.float64(Number(key))
const compareDoubles = (a: unknown, b: unknown) => Number(a) - Number(b)

function putText(out: OutputBytes, key: unknown): void {
  const start = out.at
  out.int32(0)
  out.text(key as string)
  out.view.setInt32(start, out.at - start - 4, true)
}

// One character per byte, so that equal bytes are one key.
const latin1 = (value: unknown): string => {
  const bytes = value as Uint8Array
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
function putLatin1(out: OutputBytes, key: unknown): void {
  const bytes = Buffer.from(key as string, 'latin1')
  out.int32(bytes.length)
  out.bytes(bytes)
}

/** The days from 1970-01-01 to a date as text, by the ISO 8601 calendar (Howard Hinnant's days_from_civil). */
export function daysOf(value: unknown): number {
  const date = value as string
  const month = Number(date.slice(5, 7))
  const year = Number(date.slice(0, 4)) - (month <= 2 ? 1 : 0)
  const era = Math.floor(year / 400)
  const yearOfEra = year - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + Number(date.slice(8, 10)) - 1
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468
}
