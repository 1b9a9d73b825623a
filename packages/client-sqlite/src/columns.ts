/**
 * Values in typed columns. Tables are STRICT, so a column holds what its type says or refuses it.
 *
 * | type | column | stored as |
 * |---|---|---|
 * | string, date, time | TEXT | itself |
 * | boolean | INTEGER | 0, 1 |
 * | integer, bigint | INTEGER | itself |
 * | number | REAL | itself |
 * | decimal | TEXT | its digits, since REAL would round |
 * | timestamp | TEXT | `2010-12-01T08:26:00.000Z`: it sorts, and SQLite's date functions read it |
 * | timestamp(6), timestamp(9) | TEXT | the same with 6 or 9 digits |
 * | bytes | BLOB | itself |
 * | list, map, object, json | TEXT | JSON |
 */
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import {
  DataError,
  fromJson,
  fromText,
  printJson,
  type Tally,
  toJson,
  toText,
  type Type,
  type UnknownFields,
} from '@millrace/core'

/** The column type for this type. */
export function columnType(type: Type): 'TEXT' | 'INTEGER' | 'REAL' | 'BLOB' {
  switch (type.kind) {
    case 'boolean':
    case 'integer':
    case 'bigint':
      return 'INTEGER'
    case 'number':
      return 'REAL'
    case 'bytes':
      return 'BLOB'
    default:
      return 'TEXT'
  }
}

/** A value other than null, as bound. */
export function toColumn(type: Type): (value: unknown) => SQLInputValue {
  switch (type.kind) {
    case 'boolean':
      return (value) => (value ? 1 : 0)
    case 'timestamp':
    case 'fine_timestamp':
      return toText(type)
    case 'list':
    case 'map':
    case 'object':
    case 'json': {
      const plain = toJson(type)
      return (value) => printJson(plain(value))
    }
    default:
      return (value) => value as SQLInputValue
  }
}

/**
 * A value of a column that is not null, read with big integers on. Throws `DataError`: tables may come from elsewhere.
 * `unknownFields`: of objects in JSON; `tally` counts those left out.
 */
export function fromColumn(
  type: Type,
  unknownFields?: UnknownFields,
  tally?: Tally,
): (value: SQLOutputValue) => unknown {
  const text = fromText(type, unknownFields, tally)
  const json = fromJson(type)
  return (value) => {
    if (typeof value === 'bigint') {
      if (type.kind === 'boolean') {
        if (value === 0n || value === 1n) return value === 1n
        throw new DataError('not_boolean', `${value} is neither 0 nor 1`)
      }
      if (type.kind === 'bigint') return value
      // Digits as text are checked for their range, and against the type.
      if (type.kind === 'integer' || type.kind === 'decimal' || type.kind === 'string') return text(String(value))
      if (type.kind === 'number' && !Number.isSafeInteger(Number(value)))
        throw new DataError('out_of_range', `${value} cannot be represented exactly as a number`)
      return json(Number.isSafeInteger(Number(value)) ? Number(value) : value)
    }
    if (value instanceof Uint8Array) {
      if (type.kind === 'bytes') return value
      throw new DataError('not_text', `the column has bytes, not ${type.kind}`)
    }
    if (typeof value === 'string') {
      if (type.kind === 'bytes') throw new DataError('bad_bytes', 'the column has text, not bytes')
      return text(value)
    }
    return json(value)
  }
}
