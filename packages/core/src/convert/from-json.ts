/**
 * Values and rows from JSON as returned by `readJson`, or by JSON.parse if no number in it is long.
 *
 * Most objects match their type, so a generated function checks the types of all fields and builds the row in one go.
 * Anything that does not match is read again by its interpreted twin, which reports what is wrong with every field.
 */
import { codegenAllowed, generate, propertyKey, quote } from '../codegen.ts'
import { DataError } from '../errors/index.ts'
import type { Row, Tally } from '../record/index.ts'
import type { Field, RecordType, Type } from '../schema/index.ts'
import { mapValues, setOwn } from './own.ts'
import { settled } from './json.ts'
import { nearestDouble } from './long-number.ts'
import { LongNumber } from './print-json.ts'
import {
  bigintFromText,
  bytesFromText,
  decimalFromNumber,
  decimalFromText,
  integerFromText,
  plainNumber,
  show,
} from './scalar.ts'
import { dateFromText, fineTimestampFromText, timeFromText, timestampFromText } from './time.ts'

/**
 * Converts a parsed JSON value to a value of the type. The function throws `DataError`; its `field` is the path inside
 * the value, absent if the value itself is wrong. null is refused: the caller handles optional fields.
 * `unknownFields`: of nested objects; by default those of closed types are left out.
 */
export function fromJson(
  type: Type,
  unknownFields: UnknownFields = 'drop',
  tally?: Tally,
): (value: unknown) => unknown {
  switch (type.kind) {
    case 'string':
      return (value) => (typeof value === 'string' ? value : refuse('not_string', value, 'text'))
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? value : refuse('not_boolean', value, 'true or false'))
    case 'integer':
      return (value) => {
        if (Number.isSafeInteger(value)) return (value as number) + 0
        const digits = writtenWhole(value)
        return digits === undefined ? refuse('not_integer', value, 'a whole number') : integerFromText(digits)
      }
    case 'number':
      return (value) => {
        if (typeof value === 'bigint') return Number(value)
        if (value instanceof LongNumber) return nearestDouble(value)
        if (typeof value !== 'number') return refuse('not_number', value, 'a number')
        if (Number.isFinite(value)) return value
        throw new DataError('out_of_range', `${value} is out of range for a number`)
      }
    case 'bigint':
      return (value) => {
        if (typeof value === 'string') return bigintFromText(value)
        if (Number.isSafeInteger(value)) return BigInt(value as number)
        const digits = writtenWhole(value)
        return digits === undefined ? refuse('not_integer', value, 'a whole number') : bigintFromText(digits)
      }
    case 'decimal':
      return (value) => {
        const digits = typeof value === 'string' ? value : written(value)
        if (digits !== undefined) return decimalFromText(digits, type.precision, type.scale)
        return typeof value === 'number'
          ? decimalFromNumber(value, type.precision, type.scale)
          : refuse('bad_decimal', value, 'a decimal')
      }
    case 'date':
      return (value) =>
        typeof value === 'string' ? dateFromText(value) : refuse('bad_date', value, 'a date as yyyy-MM-dd')
    case 'time':
      return (value) =>
        typeof value === 'string' ? timeFromText(value) : refuse('bad_time', value, 'a time of day as HH:mm:ss')
    case 'fine_timestamp':
      return (value) =>
        typeof value === 'string'
          ? fineTimestampFromText(value, type.precision)
          : refuse('bad_date', value, 'a timestamp as ISO 8601 text')
    case 'timestamp':
      return (value) =>
        typeof value === 'string' ? timestampFromText(value) : refuse('bad_date', value, 'a timestamp as ISO 8601 text')
    case 'bytes':
      return (value) =>
        typeof value === 'string' ? bytesFromText(value) : refuse('bad_bytes', value, 'bytes as base64 text')
    case 'json':
      return settled
    case 'list': {
      const item = fieldFromJson(type.of, unknownFields, tally)
      return (value) => {
        if (!Array.isArray(value)) return refuse('not_list', value, 'a list')
        const items = new Array<unknown>(value.length)
        for (let i = 0; i < items.length; i++) items[i] = within(`[${i}]`, item, value[i])
        return items
      }
    }
    case 'map': {
      const item = fieldFromJson(type.of, unknownFields, tally)
      return (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value))
          return refuse('not_object', value, 'an object')
        return mapValues(value as Row, (part, key) => within(key, item, part))
      }
    }
    case 'object': {
      const read = rowFromJson(type.record, type.record.open ? 'keep' : unknownFields, tally)
      return (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value))
          return refuse('not_object', value, 'an object')
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

/** The digits of a number that is not a double, without an exponent; undefined for anything else. */
function written(value: unknown): string | undefined {
  if (typeof value === 'bigint') return String(value)
  return value instanceof LongNumber ? plainNumber(value.source) : undefined
}

/**
 * The same, also of a double that is a whole number. One of more than 15 digits may have been rounded earlier.
 */
function writtenWhole(value: unknown): string | undefined {
  if (!Number.isInteger(value)) return written(value)?.replace(/\.0+$/, '')
  const digits = plainNumber(String(value))
  if (/^-?\d{1,15}0*$/.test(digits)) return digits
  throw new DataError(
    'out_of_range',
    `${show(value)} may have been rounded: write it as text, or as a JSON number with all its digits`,
  )
}

/** Runs `read`, with `step` prefixed to the path of its error. */
function within(step: string, read: (value: unknown) => unknown, value: unknown): unknown {
  try {
    return read(value)
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    throw new DataError(error.code, error.message, joinPath(step, error.field))
  }
}

/** A path inside a value, after the step that leads to it. */
const joinPath = (step: string, rest: string | undefined): string =>
  rest === undefined ? step : rest.startsWith('[') ? step + rest : `${step}.${rest}`

/** The same for a field: null and absent become null if it is optional. */
function fieldFromJson(field: Field, unknownFields: UnknownFields, tally?: Tally): (value: unknown) => unknown {
  const read = fromJson(field.type, unknownFields, tally)
  return field.optional ? (value) => (value === null || value === undefined ? null : read(value)) : read
}

/** A field that does not match its type. `field`: its path, `lines[2].price`. */
export interface FieldFailure {
  readonly code: string
  readonly field: string
  readonly message: string
}

/** What happens to fields that a type does not name. */
export type UnknownFields = 'drop' | 'error' | 'keep'
type ReadRow = (object: Readonly<Record<string, unknown>>) => Row | FieldFailure[]

/**
 * Reads the fields of a JSON object as a row of one shape, in the order of the type; absent optional fields become
 * null. All failures of a row are reported. Fields that are not in the type, those of nested objects too, are left out
 * (`drop`; `tally` counts them), failures with code `unknown_field` (`error`), or appended (`keep`).
 */
export function rowFromJson(record: RecordType, unknownFields: UnknownFields, tally?: Tally): ReadRow {
  const slow = interpretedRow(record, unknownFields, tally)
  return codegenAllowed ? generatedRow(record, unknownFields, tally, slow) : slow
}

// Every object inherits some names (`constructor`): only own properties count.
const isInherited = (name: string): boolean => name in Object.prototype

/** The check that a value other than null must pass to be used as it is; undefined: it is converted. */
const tests: Readonly<Record<string, (value: string) => string>> = {
  string: (v) => `typeof ${v} === 'string'`,
  boolean: (v) => `typeof ${v} === 'boolean'`,
  // -0 is left to the twin, which turns it into 0.
  integer: (v) => `isSafeInteger(${v}) && !is(${v}, -0)`,
  number: (v) => `typeof ${v} === 'number' && isFinite(${v})`,
}

function generatedRow(
  record: RecordType,
  unknownFields: UnknownFields,
  tally: Tally | undefined,
  slow: ReadRow,
): ReadRow {
  const fields = Object.entries(record.fields)
  const converts = fields.map(([, { type }]) => fromJson(type, unknownFields, tally))
  const reads = fields.map(([name, { type, optional }], k) => {
    const v = `f${k}`
    const read = isInherited(name) ? `hasOwn(o, ${quote(name)}) ? o[${quote(name)}] : undefined` : `o[${quote(name)}]`
    const test = tests[type.kind]?.(v)
    const check = test ? `if (!(${test})) return slow(o)` : `${v} = converts[${k}](${v})`
    return `let ${v} = ${read}; if (${v} !== undefined) present++; if (${v} === undefined || ${v} === null) { ${optional ? `${v} = null` : 'return slow(o)'} } else { ${check} }`
  })
  const row = `{ ${fields.map(([name], k) => `${propertyKey(name)}: f${k}`).join(', ')} }`
  const others = {
    drop: tally ? 'tally.unknown += Object.keys(o).length - present' : '',
    error: 'if (Object.keys(o).length !== present) return slow(o)',
    keep: 'if (Object.keys(o).length !== present) for (const name of Object.keys(o)) if (!known.has(name)) setOwn(row, name, settled(o[name]))',
  }[unknownFields]
  const convertsAny = unknownFields === 'keep' || fields.some(([, { type }]) => !tests[type.kind])
  const body = `let present = 0\n${reads.join('\n')}\nconst row = ${row}\n${others}\nreturn row`
  const known = new Set(Object.keys(record.fields))
  const scope = {
    slow,
    converts,
    known,
    tally,
    settled,
    setOwn,
    hasOwn: Object.hasOwn,
    isSafeInteger: Number.isSafeInteger,
    isFinite: Number.isFinite,
    is: Object.is,
  }
  // Only a conversion throws; the twin then reports what is wrong.
  return generate(
    scope,
    `return (o) => { ${convertsAny ? `const unknown = tally?.unknown; try { ${body} } catch { if (tally) tally.unknown = unknown; return slow(o) }` : body} }`,
  )
}

/** The twin of the generated reader. */
export function interpretedRow(record: RecordType, unknownFields: UnknownFields, tally?: Tally): ReadRow {
  const names = Object.keys(record.fields)
  const known = new Set(names)
  const reads = names.map((name) => fieldFromJson(record.fields[name]!, unknownFields, tally))
  const inherited = names.map(isInherited)
  return (object) => {
    const before = tally?.unknown
    let failures: FieldFailure[] | undefined
    const read = (name: string, convert: (value: unknown) => unknown, value: unknown): void => {
      try {
        setOwn(row, name, convert(value))
      } catch (error) {
        ;(failures ??= []).push(failureOf(error, name))
      }
    }
    const row: Row = {}
    for (let k = 0; k < names.length; k++) {
      const name = names[k]!
      read(name, reads[k]!, inherited[k] && !Object.hasOwn(object, name) ? undefined : object[name])
    }
    for (const name of Object.keys(object)) {
      if (known.has(name)) continue
      if (unknownFields === 'keep') read(name, settled, object[name])
      else if (unknownFields === 'error')
        (failures ??= []).push({
          code: 'unknown_field',
          field: name,
          message: `${show(name)} is not a field of the schema`,
        })
      else if (tally) tally.unknown++
    }
    if (!failures) return row
    if (tally) tally.unknown = before!
    return failures
  }
}

function failureOf(error: unknown, name: string): FieldFailure {
  if (!(error instanceof DataError)) throw error
  return { code: error.code, field: joinPath(name, error.field), message: error.message }
}
