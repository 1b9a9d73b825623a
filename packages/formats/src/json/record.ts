/**
 * The JSON text of one record to a row of its declared type.
 *
 * JSON.parse does the parsing, and core's `jsonFault` finds what it silently accepts. Then one generated function looks
 * at each field once, converts what has another form in memory (caching the last text, since adjacent values repeat),
 * and makes the row in the wanted shape, including pushed-down projection, renames and dates. Anything that is not in
 * perfect order is left to the careful path, which reads numbers by their source text and reports what is wrong.
 */
import {
  codegenAllowed,
  countKeys,
  DataError,
  dateReader,
  fromJson,
  generate,
  hasLongFraction,
  hasLongNumber,
  hasTinyNumber,
  jsonFault,
  parseExact,
  propertyKey,
  quote,
  rowFromJson,
  type Field,
  type JsonFault,
  type Row,
  type Tally,
  whyNoDate,
} from '@millrace/core'
import type { ReadOptions } from '../reader.ts'

/** Why a record is bad. */
export interface RecordFailure {
  readonly code: string
  readonly field?: string
  readonly message: string
  /** The step whose pushed-down conversion failed. */
  readonly step?: string
}

/** Reads records of one type. */
export interface RecordParser {
  /**
   * The record's row; undefined: it is bad, and `failure` says why. `colons`: how many follow its keys, if that was
   * counted in its bytes; `countedLater`: the caller compares `keys` with them, and asks `jsonFault` if they differ.
   */
  parse(text: string, colons?: number): Row | undefined
  failure: RecordFailure
  /**
   * How many keys the last record's objects have; those inside its values are counted only if `nested` is set or the
   * record is long.
   */
  keys: number
  nested: boolean
  /** False: no text has an escape, so none holds half of a surrogate pair. */
  escapes: boolean
  /** False: no text has 16 consecutive digits or points. */
  runs: boolean
  /** Counts the fields that are left out of rows. */
  readonly tally: Tally
  /** The keys of the last record, in its order. */
  readonly order: readonly string[]
}

type Parsed = Readonly<Record<string, unknown>>
/**
 * A row, or undefined if anything is out of order. May also throw `DataError`. `keys`: how many the object has; `runs`:
 * see `RecordParser`.
 */
type Build = (parsed: Parsed, text: string, keys: number, runs: boolean) => Row | undefined

export const countedLater = -1

/** A shorter text cannot be nested too deep. */
const shallowLength = 1000

/** Makes a parser for records of `options.schema`, which returns rows as `options.push` wants them. */
export function recordParser(options: ReadOptions): RecordParser {
  const tally = options.tally ?? { unknown: 0 }
  const build = codegenAllowed ? generated(options, tally) : interpreted(options, tally)
  const explain = careful(options, tally)
  let last: object = {}
  const parser: RecordParser = {
    get order() {
      return Object.keys(last)
    },
    failure: { code: 'bad_json', message: '' },
    tally,
    keys: 0,
    escapes: true,
    runs: true,
    nested: Object.values(options.schema.fields).some((field) =>
      ['list', 'map', 'object', 'json'].includes(field.type.kind),
    ),
    parse(text, colons) {
      let parsed: unknown
      try {
        parsed = JSON.parse(text)
      } catch (error) {
        parser.failure = { code: 'bad_json', message: `is not JSON: ${(error as Error).message}` }
        return undefined
      }
      if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
        parser.failure = { code: 'not_object', message: 'is JSON, but not an object' }
        return undefined
      }
      last = parsed
      const keys = Object.keys(parsed).length
      const isFlat = colons === countedLater && !parser.nested && text.length < shallowLength
      parser.keys = isFlat ? keys : countKeys(parsed)
      const isChecked = colons === countedLater && !parser.escapes && parser.keys >= 0
      const fault = isChecked
        ? undefined
        : jsonFault(text, parsed, colons === countedLater ? parser.keys : colons, parser.keys)
      if (fault) {
        parser.failure = faultOfRecord(fault)
        return undefined
      }
      const { unknown } = tally
      let row: Row | undefined
      try {
        row = build(parsed as Parsed, text, keys, parser.runs)
      } catch (error) {
        if (!(error instanceof DataError)) throw error
      }
      if (row) return row
      tally.unknown = unknown
      const made = explain(text)
      if ('row' in made) return made.row
      tally.unknown = unknown
      parser.failure = made
      return undefined
    },
  }
  return parser
}

/** What is wrong with a record as JSON. */
export const faultOfRecord = ({ code, message, key }: JsonFault): RecordFailure => ({
  code,
  message,
  field: key,
})

/**
 * Converts the pushed-down columns of a decoded row; for invalid dates, a failure: that of the rule that would come
 * first without pushdown.
 */
function projector(options: ReadOptions): (row: Row) => { row: Row } | RecordFailure {
  const columns = options.push?.columns.map((column) => ({ ...column, read: column.date && dateReader(column.date) }))
  if (!columns) return (row) => ({ row })
  return (row) => {
    const made: Row = {}
    let failure: RecordFailure | undefined
    let failedOrder = Number.POSITIVE_INFINITY
    for (const [place, { name, from, date, read }] of columns.entries()) {
      let value = row[from]
      if (read && value !== null) {
        value = read(value as string)
        const { step, field = from, order = place } = date!
        if (value === undefined && order < failedOrder) {
          failedOrder = order
          failure = {
            code: 'bad_date',
            field,
            message: whyNoDate(date!, row[from] as string, JSON.stringify(row[from])),
            step,
          }
        }
      }
      Object.defineProperty(made, name, { value, enumerable: true, writable: true, configurable: true })
    }
    return failure ?? { row: made }
  }
}

/** The careful path: reports everything that is wrong with a record. */
function careful(options: ReadOptions, tally: Tally): (text: string) => { row: Row } | RecordFailure {
  const read = rowFromJson(options.schema, options.unknownFields, tally)
  const project = projector(options)
  return (text) => {
    const row = read(parseExact(text) as Parsed)
    if (!Array.isArray(row)) return project(row)
    const { code, field, message } = row[0]!
    return {
      code,
      field,
      message:
        row.length === 1
          ? message
          : `${message} (and ${row.length - 1} more: ${row
              .slice(1)
              .map((failure) => failure.field)
              .join(', ')})`,
    }
  }
}

/** The interpreted twin of `generated`. */
function interpreted(options: ReadOptions, tally: Tally): Build {
  const read = rowFromJson(options.schema, options.unknownFields, tally)
  const project = projector(options)
  return (parsed, text, _keys, runs) => {
    if (hasLongNumber(text, runs)) return undefined
    const row = read(parsed)
    if (Array.isArray(row)) return undefined
    const made = project(row)
    return 'row' in made ? made.row : undefined
  }
}

/** Statements that check and convert field k, in `f<k>`; they return if it is not in order. */
function fieldCode(k: number, field: Field): string {
  const f = `f${k}`
  const none = field.optional ? `if (${f} === null || ${f} === undefined) ${f} = null; else ` : ''
  const converted = `{ if (${f} !== last${k}) { value${k} = convert[${k}](${f}); last${k} = ${f} } ${f} = value${k} }`
  // A number is accepted only if its double is certain to equal the number in the text.
  const long = '(isLong ??= long(text, runs))'
  const number = `if (typeof ${f} === 'number') { if (${long}) return; ${f} = convert[${k}](${f}) }`
  switch (field.type.kind) {
    case 'string':
    case 'boolean':
      return `if (typeof ${f} !== '${field.type.kind}') { ${none}return }`
    case 'integer':
      // A fraction in the text can vanish; those are left to the careful path. `+ 0` makes 0 of -0.
      return `if (typeof ${f} === 'number' && ${f} < 562949953421312 && ${f} > -562949953421312 && isInteger(${f})) { if ((runs && (hasFraction ??= longFraction(text))) || (${f} === 0 && tiny(text))) return; ${f} += 0 } else { ${none}return }`
    case 'number':
      return `if (typeof ${f} !== 'number' || ${f} - ${f} !== 0) { ${none}return }`
    case 'bigint':
    case 'decimal':
      return `if (typeof ${f} === 'string') ${converted} else ${number} else { ${none}return }`
    case 'date':
    case 'time':
    case 'timestamp':
    case 'fine_timestamp':
      return `if (typeof ${f} === 'string') ${converted} else { ${none}return }`
    case 'json':
      return `${none}if (typeof ${f} !== 'string' && ${long}) return`
    default:
      return `${none}{ if (typeof ${f} !== 'string' && ${long}) return; ${f} = convert[${k}](${f}) }`
  }
}

function generated({ schema, unknownFields, push }: ReadOptions, tally: Tally): Build {
  const names = Object.keys(schema.fields)
  const scope: Record<string, unknown> = {
    convert: names.map((name) => fromJson(schema.fields[name]!.type, unknownFields, tally)),
    dates: push?.columns.map((column) => column.date && dateReader(column.date)) ?? [],
    long: hasLongNumber,
    longFraction: hasLongFraction,
    tiny: hasTinyNumber,
    isInteger: Number.isInteger,
    own: Object.hasOwn,
    tally,
    keep: (row: Row, parsed: Parsed) => {
      for (const key of Object.keys(parsed)) {
        if (!known.has(key))
          Object.defineProperty(row, key, { value: parsed[key], enumerable: true, writable: true, configurable: true })
      }
    },
  }
  const known = new Set(names)
  const reads = names.map((name, k) => {
    // Names that every object inherits count only as own properties.
    const value =
      name in Object.prototype ? `own(o, ${quote(name)}) ? o[${quote(name)}] : undefined` : `o[${quote(name)}]`
    return `let f${k} = ${value}; if (f${k} !== undefined) present++; ${fieldCode(k, schema.fields[name]!)}`
  })
  const columns = push?.columns ?? names.map((name) => ({ name, from: name, date: undefined }))
  const values = columns.map(({ from, date }, c) => {
    const k = names.indexOf(from)
    return date ? `const d${c} = f${k} === null ? null : dates[${c}](f${k}); if (d${c} === undefined) return` : ''
  })
  const object = columns.map(
    ({ name, from, date }, c) => `${propertyKey(name)}: ${date ? `d${c}` : `f${names.indexOf(from)}`}`,
  )
  const unknown = {
    drop: '',
    error: 'if (keys !== present) return',
    // Fields that are kept without being in the schema must not have rounded numbers either.
    keep: 'const more = keys !== present; if (more && (isLong ??= long(text, runs))) return',
  }[unknownFields]
  return generate<Build>(
    scope,
    `let unused${names.map((_, k) => `, last${k}, value${k}`).join('')}
    return (o, text, keys, runs) => {
      let present = 0, isLong, hasFraction
      ${reads.join('\n')}
      ${unknown}
      ${values.join('\n')}
      const row = { ${object.join(', ')} }
      ${unknownFields === 'keep' && !push ? 'if (more) keep(row, o)' : ''}
      ${unknownFields === 'drop' ? 'tally.unknown += keys - present' : ''}
      return row
    }`,
  )
}
