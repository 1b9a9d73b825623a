/** How files and objects store each type. */
import type { Type } from '@millrace/core'

/** In JSON, Parquet and Arrow. */
export const storedForms: Readonly<Record<Type['kind'], string>> = {
  string: 'string, STRING, Utf8',
  boolean: 'boolean, BOOLEAN, Bool',
  integer: 'number, INT64, Int64',
  bigint: 'string, INT64, Int64',
  number: 'number, DOUBLE, Float64',
  decimal: 'string, DECIMAL, Decimal',
  date: 'string, DATE, Date32',
  timestamp: 'string, TIMESTAMP(MILLIS, UTC), Timestamp(ms, UTC)',
  time: 'string, TIME(MICROS), Time64(us)',
  fine_timestamp: 'string, TIMESTAMP(MICROS or NANOS, UTC), Timestamp(us or ns, UTC)',
  bytes: 'base64, BYTE_ARRAY, Binary',
  list: 'array, LIST, List',
  map: 'object, MAP, Map',
  object: 'object, a group, Struct',
  json: 'itself, JSON, Utf8',
}
