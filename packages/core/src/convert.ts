/**
 * Values between text, JSON and memory (schema.ts lists the forms in memory). Nothing is rounded, cut or guessed: what is not exactly a value of the type is
 * a `DataError`, whose code is one of
 * `missing_value`, `unknown_field`, `not_string`, `not_boolean`, `not_integer`, `not_number`, `bad_decimal`, `bad_date`, `bad_bytes`, `bad_json`, `not_list`,
 * `not_object`, `out_of_range`.
 *
 * | type | text | JSON |
 * |---|---|---|
 * | string | itself | string |
 * | boolean | true, false, in any case | boolean |
 * | integer | `-12`, `+12`, `007` | number |
 * | bigint | as integer | string; read also from a number within +-(2^53-1) |
 * | number | `-1.5`, `.5`, `1e3` | number |
 * | decimal | `-12.3`, at most `s` digits after the point beside zeros | string; read also from a number of at most 15 digits |
 * | date | `2010-12-01` | string |
 * | timestamp | ISO 8601 with `Z` or an offset; written `2010-12-01T08:26:00.000Z` | string |
 * | bytes | base64 with padding | string |
 * | list, object, json | JSON | itself |
 */
import { bytesFromText, decimalFromNumber, decimalFromText, integerFromText, bigintFromText, numberFromText, show } from './convert/scalar.ts'
import { daysInMonth } from './date/calendar.ts'
import { compileDateParser, isoText } from './date.ts'
import { DataError } from './errors.ts'
import type { Json, Row } from './record.ts'
import type { Field, RecordType, Type } from './schema.ts'

const parseIso = compileDateParser(['iso'], 'UTC')

/** Whether a text is a date of the calendar as `yyyy-MM-dd`, year 0001 to 9999. */
export function isDateText(text: string): boolean {
  if (text.length !== 10 || text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return false
  let value = 0
  for (let i = 0; i < 10; i++) {
    if (i === 4 || i === 7) continue
    const c = text.charCodeAt(i) - 48
    if (c < 0 || c > 9) return false
    value = value * 10 + c
  }
  const year = (value / 10_000) | 0
  const day = value % 100
  return year >= 1 && day >= 1 && day <= daysInMonth(year, ((value / 100) | 0) % 100)
}

function dateFromText(text: string): string {
  if (isDateText(text)) return text
  throw new DataError('bad_date', `${show(text)} is no date: expected yyyy-MM-dd`)
}

function timestampFromText(text: string): number {
  const ms = parseIso(text)
  if (ms === undefined) throw new DataError('bad_date', `${show(text)} is no timestamp: expected ISO 8601 with a zone, such as 2010-12-01T08:26:00Z`)
  // A text that ends in `Z`, or has a sign after its date, tells its zone.
  const last = text.charCodeAt(text.length - 1)
  if ((last | 32) === 122 || text.includes('+', 16) || text.includes('-', 16)) return ms
  throw new DataError('bad_date', `${show(text)} names no time zone: end it with Z or an offset, or read it as string and use parse_dates with a zone`)
}

function booleanFromText(text: string): boolean {
  if (text === 'true') return true
  if (text === 'false') return false
  const lower = text.length <= 5 ? text.toLowerCase() : text
  if (lower === 'true' || lower === 'false') return lower === 'true'
  throw new DataError('not_boolean', `${show(text)} is neither true nor false`)
}

function jsonFromText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new DataError('bad_json', `${show(text)} is no JSON`)
  }
}

/** Text to a value of the type. The function throws `DataError` without a field. An empty text is a text like any other. */
export function fromText(type: Type): (text: string) => unknown {
  switch (type.kind) {
    case 'string':
      return (text) => text
    case 'boolean':
      return booleanFromText
    case 'integer':
      return integerFromText
    case 'bigint':
      return bigintFromText
    case 'number':
      return numberFromText
    case 'decimal':
      return (text) => decimalFromText(text, type.precision, type.scale)
    case 'date':
      return dateFromText
    case 'timestamp':
      return timestampFromText
    case 'bytes':
      return bytesFromText
    case 'list':
    case 'object':
    case 'json': {
      const read = fromJson(type)
      return (text) => read(jsonFromText(text))
    }
  }
}

/** A value of the type to text, for CSV and the console; null becomes the empty text. */
export function toText(type: Type): (value: unknown) => string {
  switch (type.kind) {
    case 'timestamp':
      return (value) => (value === null || value === undefined ? '' : isoText(value as number))
    case 'bytes':
      return (value) => (value === null || value === undefined ? '' : base64(value as Uint8Array))
    case 'list':
    case 'object':
    case 'json': {
      const write = toJson(type)
      return (value) => (value === null || value === undefined ? '' : JSON.stringify(write(value)))
    }
    default:
      return (value) => (value === null || value === undefined ? '' : String(value))
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

/**
 * A parsed JSON value to a value of the type. The function throws `DataError` whose `field` is the path inside the value, if it is not the value itself.
 * null is refused: whoever knows whether the field is optional asks first.
 */
export function fromJson(type: Type): (value: unknown) => unknown {
  switch (type.kind) {
    case 'string':
      return (value) => (typeof value === 'string' ? value : refuse('not_string', value, 'text'))
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? value : refuse('not_boolean', value, 'true or false'))
    case 'integer':
      return (value) => {
        if (Number.isSafeInteger(value)) return (value as number) + 0
        return Number.isInteger(value) ? tooLarge(value) : refuse('not_integer', value, 'a whole number')
      }
    case 'number':
      return (value) => {
        if (typeof value !== 'number') return refuse('not_number', value, 'a number')
        return Number.isFinite(value) ? value : tooLarge(value)
      }
    case 'bigint':
      return (value) => {
        if (typeof value === 'string') return bigintFromText(value)
        if (Number.isSafeInteger(value)) return BigInt(value as number)
        return Number.isInteger(value) ? tooLarge(value, 'write it as a string') : refuse('not_integer', value, 'a whole number')
      }
    case 'decimal':
      return (value) => {
        if (typeof value === 'string') return decimalFromText(value, type.precision, type.scale)
        return typeof value === 'number' ? decimalFromNumber(value, type.precision, type.scale) : refuse('bad_decimal', value, 'a decimal')
      }
    case 'date':
      return (value) => (typeof value === 'string' ? dateFromText(value) : refuse('bad_date', value, 'a date as yyyy-MM-dd'))
    case 'timestamp':
      return (value) => (typeof value === 'string' ? timestampFromText(value) : refuse('bad_date', value, 'a timestamp as ISO 8601 text'))
    case 'bytes':
      return (value) => (typeof value === 'string' ? bytesFromText(value) : refuse('bad_bytes', value, 'bytes as base64 text'))
    case 'json':
      return (value) => value
    case 'list': {
      const item = fieldFromJson(type.of)
      return (value) => {
        if (!Array.isArray(value)) return refuse('not_list', value, 'a list')
        const items = new Array<unknown>(value.length)
        for (let i = 0; i < items.length; i++) items[i] = within(`[${i}]`, item, value[i])
        return items
      }
    }
    case 'object': {
      const read = rowFromJson(type.record, type.record.open ? 'keep' : 'drop')
      return (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('not_object', value, 'an object')
        const row = read(value as Row)
        if (!Array.isArray(row)) return row
        throw new DataError(row[0]!.code, row[0]!.message, row[0]!.field)
      }
    }
  }
}

function refuse(code: string, value: unknown, expected: string): never {
  if (value === null || value === undefined) throw new DataError('missing_value', `is missing: expected ${expected}`)
  throw new DataError(code, `${show(value)} is not ${expected}`)
}

function tooLarge(value: unknown, hint?: string): never {
  throw new DataError('out_of_range', `${show(value)} is beyond what its type holds exactly${hint ? `: ${hint}` : ''}`)
}

/** Runs `read` with `step` put before the path of its error. */
function within(step: string, read: (value: unknown) => unknown, value: unknown): unknown {
  try {
    return read(value)
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    throw new DataError(error.code, error.message, joinPath(step, error.field))
  }
}

const joinPath = (step: string, rest: string | undefined): string => (rest === undefined ? step : rest.startsWith('[') ? step + rest : `${step}.${rest}`)

function fieldFromJson(field: Field): (value: unknown) => unknown {
  const read = fromJson(field.type)
  return field.optional ? (value) => (value === null || value === undefined ? null : read(value)) : read
}

/** One field that breaks its type. `field`: its path, `lines[2].price`. */
export interface Failure {
  readonly code: string
  readonly field: string
  readonly message: string
}

/**
 * Reads the fields of a JSON object as a row of one shape, in the order of the type; absent optional fields become null. All failures of a row are told.
 * Fields the type does not name are left out (`drop`), failures with code `unknown_field` (`error`), or put behind the others (`keep`).
 */
export function rowFromJson(record: RecordType, unknownFields: 'drop' | 'error' | 'keep'): (object: Readonly<Record<string, unknown>>) => Row | Failure[] {
  const names = Object.keys(record.fields)
  const known = new Set(names)
  const reads = names.map((name) => fieldFromJson(record.fields[name]!))
  // Names such as `constructor` are found on every object: they count only where the object itself has them.
  const inherited = names.map((name) => name in Object.prototype)
  return (object) => {
    let failures: Failure[] | undefined
    const row: Row = {}
    for (let k = 0; k < names.length; k++) {
      const name = names[k]!
      const value = inherited[k] && !Object.hasOwn(object, name) ? undefined : object[name]
      try {
        row[name] = reads[k]!(value)
      } catch (error) {
        ;(failures ??= []).push(failureOf(error, name))
      }
    }
    if (unknownFields !== 'drop') {
      for (const name of Object.keys(object)) {
        if (known.has(name)) continue
        if (unknownFields === 'error') (failures ??= []).push({ code: 'unknown_field', field: name, message: `${show(name)} is no field of the schema` })
        else setOwn(row, name, object[name])
      }
    }
    return failures ?? row
  }
}

function failureOf(error: unknown, name: string): Failure {
  if (!(error instanceof DataError)) throw error
  return { code: error.code, field: joinPath(name, error.field), message: error.message }
}

/** `__proto__` becomes a property like any other. */
function setOwn(row: Row, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true })
  else row[name] = value
}

/** A value of the type as what `JSON.stringify` may get: bigint and decimal as strings, timestamps as ISO 8601 in UTC, bytes as base64. null stays null. */
export function toJson(type: Type): (value: unknown) => Json {
  const write = jsonWriter(type)
  return write ? (value) => (value === null || value === undefined ? null : write(value)) : (value) => (value ?? null) as Json
}

/** The conversion of a value that is not null; undefined where memory and JSON have the same form. */
function jsonWriter(type: Type): ((value: unknown) => Json) | undefined {
  switch (type.kind) {
    case 'bigint':
      return String
    case 'timestamp':
      return (value) => isoText(value as number)
    case 'bytes':
      return (value) => base64(value as Uint8Array)
    case 'list': {
      if (!jsonWriter(type.of.type)) return undefined
      const item = toJson(type.of.type)
      return (value) => (value as unknown[]).map(item)
    }
    case 'object': {
      const fields = Object.entries(type.record.fields)
      if (fields.every(([, field]) => !jsonWriter(field.type))) return undefined
      const writes = fields.map(([name, field]) => [name, toJson(field.type)] as const)
      const { open } = type.record
      return (value) => {
        const made: Row = {}
        for (const [name, write] of writes) made[name] = write((value as Row)[name])
        if (open) for (const name of Object.keys(value as Row)) if (!Object.hasOwn(made, name)) setOwn(made, name, (value as Row)[name])
        return made as Json
      }
    }
    default:
      return undefined
  }
}
