/**
 * Columns and values: the type of a new column, what an existing one can hold unchanged, and the text of COPY
 * (postgresql.org/docs/current/sql-copy.html, "Text Format": tabs between columns, `\N` for null).
 */
import { DataError, type RecordType, type Row, toText, type Type } from '@millrace/core'
import { checkTexts, type Column, hexOf, int64, lineOfCells, storableText } from '@millrace/kinds'

/** The type of a new column. */
export function columnType(type: Type): string {
  switch (type.kind) {
    case 'boolean':
      return 'boolean'
    case 'integer':
    case 'bigint':
      return 'bigint'
    case 'number':
      return 'double precision'
    case 'decimal':
      return `numeric(${type.precision},${type.scale})`
    case 'date':
      return 'date'
    case 'time':
      return 'time(6) without time zone'
    case 'timestamp':
      return 'timestamp(3) with time zone'
    case 'fine_timestamp':
      // Nanoseconds would be rounded.
      return type.precision === 6 ? 'timestamp(6) with time zone' : 'text'
    case 'bytes':
      return 'bytea'
    case 'list':
    case 'map':
    case 'object':
    case 'json':
      return 'jsonb'
    case 'string':
      return 'text'
  }
}

const whole = /^(bigint|integer|smallint|numeric|numeric\(\d+,0\))$/

/** Whether a column of the type `declared`, as `format_type` names it, stores a value unchanged or refuses it. */
export function canStore(declared: string, type: Type): boolean {
  if (declared === 'text') return type.kind !== 'bytes'
  const [, base = declared, digits, suffix = ''] =
    /^([a-z ]+?)(?:\(([\d,]+)\))?( with(?:out)? time zone)?$/.exec(declared) ?? []
  const precision = Number(digits?.split(',')[0] ?? 6)
  switch (type.kind) {
    case 'string':
      // Too long a text is refused, except for trailing spaces, which are cut: see `widths`.
      return base === 'character varying'
    case 'boolean':
      return declared === 'boolean'
    case 'integer':
      return whole.test(declared) || declared === 'double precision'
    case 'bigint':
      return whole.test(declared)
    case 'number':
      return declared === 'double precision' || declared === 'numeric'
    case 'decimal':
      return declared === 'numeric' || (base === 'numeric' && Number(digits?.split(',')[1] ?? 0) >= type.scale)
    case 'date':
      return declared === 'date'
    case 'time':
      return base === 'time' && precision === 6 && suffix.includes('without')
    case 'timestamp':
      return base === 'timestamp' && precision >= 3
    case 'fine_timestamp':
      return base === 'timestamp' && type.precision === 6 && precision === 6
    case 'bytes':
      return declared === 'bytea'
    default:
      return declared === 'jsonb' || declared === 'json'
  }
}

/** Makes a function that gives a row's line of COPY. It throws `DataError`. */
export const compileLine = (schema: RecordType, columns: readonly Column[]): ((row: Row) => string) =>
  lineOfCells(
    Object.entries(schema.fields).map(([name, { type }]) => ({
      name,
      write: cell(type, columns.find((column) => column.name === name)?.type ?? ''),
    })),
    '\t',
    '\\N',
  )

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }
const special = /[\\\t\n\r]/g
const escaped = (text: string): string => text.replace(special, (mark) => escapes[mark]!)

/** A value other than null as a cell. */
function cell(type: Type, declared: string): (value: unknown) => string {
  const write = toText(type)
  switch (type.kind) {
    case 'string': {
      const width = /^character varying\((\d+)\)$/.exec(declared)?.[1]
      return (value) => escaped(storable(value as string, Number(width ?? Number.POSITIVE_INFINITY)))
    }
    case 'bytes':
      return (value) => `\\\\x${hexOf(value as Uint8Array)}`
    case 'list':
    case 'map':
    case 'object':
    case 'json':
      return (value) => {
        checkTexts(value)
        return escaped(write(value))
      }
    case 'bigint':
      return (value) => int64(value as bigint)
    default:
      return (value) => escaped(write(value))
  }
}

function storable(text: string, width: number): string {
  storableText(text, 'PostgreSQL')
  // Beyond the width the server cuts spaces off without an error.
  if (text.length > width && Array.from(text).length > width)
    throw new DataError('too_large', `the text is longer than the ${width} characters of its column`)
  return text
}
