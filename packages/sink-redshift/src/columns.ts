/**
 * Columns and values: the type of a new column, what an existing one can hold unchanged, and the text of CSV that COPY
 * reads. COPY fails as a whole for one bad value, so everything is checked here, and a record that does not fit is a
 * data error of its own.
 *
 * Redshift's developer guide: "Data types", "Data conversion parameters", "Preparing your input data".
 */
import { DataError, fromText, type RecordType, type Row, toText, type Type } from '@millrace/core'
import { type Cell, checkTexts, type Column, hexOf, int64, lineOfCells, storableText } from '@millrace/kinds'

/** The longest VARCHAR, in bytes. */
export const mostTextBytes = 65_535
/** VARBYTE without a length. */
const bytesOfVarbyte = 64_000
/** The longest row that COPY takes, in bytes. */
const mostRowBytes = 4 * 1024 * 1024

/** The column of a field: Redshift folds names, also quoted ones. */
export const columnOf = (field: string): string => field.toLowerCase()

/** The type of a new column. `textBytes`: the length of texts. */
export function columnType(type: Type, textBytes: number): string {
  switch (type.kind) {
    case 'boolean':
      return 'boolean'
    case 'integer':
    case 'bigint':
      return 'bigint'
    case 'number':
      return 'double precision'
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'date':
      return 'date'
    case 'time':
      return 'time'
    case 'timestamp':
      return 'timestamptz'
    case 'fine_timestamp':
      // Nanoseconds would be rounded.
      return type.precision === 6 ? 'timestamptz' : 'varchar(40)'
    case 'bytes':
      return `varbyte(${bytesOfVarbyte})`
    case 'list':
    case 'map':
    case 'object':
    case 'json':
      return `varchar(${mostTextBytes})`
    case 'string':
      return `varchar(${textBytes})`
  }
}

/** The columns of a table that is not looked at: as it would be created, and every one may be null. */
export const newColumns = (schema: RecordType, textBytes: number): Column[] =>
  Object.entries(schema.fields).map(([name, { type }]) => ({
    name: columnOf(name),
    type: columnType(type, textBytes)
      .replace(/^varchar/, 'character varying')
      .replace(/^varbyte/, 'binary varying')
      .replace(/^decimal/, 'numeric')
      .replace(/^timestamptz$/, 'timestamp with time zone'),
    required: false,
    hasDefault: false,
  }))

const whole: Readonly<Record<string, readonly [least: bigint, most: bigint]>> = {
  smallint: [-32_768n, 32_767n],
  integer: [-2_147_483_648n, 2_147_483_647n],
  bigint: [-9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n],
}

/** `numeric(10,2)`: digits before and after the point. */
function digitsOf(declared: string): { readonly before: number; readonly after: number } | undefined {
  const [, precision, scale] = /^numeric\((\d+),(\d+)\)$/.exec(declared) ?? []
  return precision === undefined ? undefined : { before: Number(precision) - Number(scale), after: Number(scale) }
}

/** Whether a column of the type `declared` stores a value unchanged, or is known to be too small for it. */
export function canStore(declared: string, type: Type): boolean {
  if (declared.startsWith('character varying(')) return type.kind !== 'bytes'
  const digits = digitsOf(declared)
  switch (type.kind) {
    case 'string':
      return false
    case 'boolean':
      return declared === 'boolean'
    case 'integer':
      return Object.hasOwn(whole, declared) || declared === 'double precision' || digits !== undefined
    case 'bigint':
      return Object.hasOwn(whole, declared) || digits !== undefined
    case 'number':
      return declared === 'double precision'
    case 'decimal':
      return digits !== undefined && digits.after >= type.scale
    case 'date':
      return declared === 'date'
    case 'time':
      return declared === 'time without time zone'
    case 'timestamp':
      return /^timestamp with(out)? time zone$/.test(declared)
    case 'fine_timestamp':
      return type.precision === 6 && /^timestamp with(out)? time zone$/.test(declared)
    case 'bytes':
      return /^binary varying\b/.test(declared)
    default:
      return false
  }
}

/**
 * Makes a function that gives a row's line of CSV. It throws `DataError`. `nothing` stands for null: Redshift does not
 * tell a quoted text from an unquoted one, so a text that equals it is refused.
 */
export function compileLine(schema: RecordType, columns: readonly Column[], nothing: string): (row: Row) => string {
  const lineOf = lineOfCells(
    Object.entries(schema.fields).map(([name, { type }]): Cell => {
      const column = columns.find((each) => each.name === columnOf(name))
      return { name, required: column?.required ?? false, write: cell(type, column?.type ?? '', nothing) }
    }),
    ',',
    nothing,
  )
  return (row) => {
    const line = lineOf(row)
    if (line.length > mostRowBytes / 3 && Buffer.byteLength(line) > mostRowBytes)
      throw new DataError('too_large', `the row is larger than the ${mostRowBytes} bytes that COPY takes`)
    return line
  }
}

/** A value other than null as a field of CSV. */
function cell(type: Type, declared: string, nothing: string): (value: unknown) => string {
  const write = toText(type)
  const length = Number(/^(?:character|binary) varying\((\d+)\)$/.exec(declared)?.[1] ?? Number.POSITIVE_INFINITY)
  const isText = declared.startsWith('character varying')
  switch (type.kind) {
    case 'string':
      return (value) => quoted(value as string, length, nothing)
    case 'list':
    case 'map':
    case 'object':
    case 'json':
      return (value) => {
        checkTexts(value)
        return quoted(write(value), length, nothing)
      }
    case 'bytes':
      return (value) => {
        const bytes = value as Uint8Array
        const most = Number.isFinite(length) ? length : bytesOfVarbyte
        if (bytes.byteLength > most) throw tooLarge(bytes.byteLength, most)
        // COPY reads a field that is empty as null, unless it is text.
        if (bytes.byteLength === 0) throw new DataError('bad_bytes', 'empty bytes would be loaded as null')
        return hexOf(bytes)
      }
  }
  if (isText) return (value) => quoted(write(value), length, nothing)
  switch (type.kind) {
    case 'integer':
    case 'bigint':
      return wholeCell(declared)
    case 'decimal':
      return decimalCell(declared)
    case 'timestamp':
    case 'fine_timestamp': {
      const zone = declared.endsWith('without time zone') ? '' : '+00'
      return (value) => dated(write(value)).replace('T', ' ').replace(/Z$/, zone)
    }
    case 'date': {
      const read = fromText(type)
      return (value) => dated(String(read(write(value))))
    }
    default:
      return write
  }
}

const tooLarge = (bytes: number, most: number): DataError =>
  new DataError('too_large', `the value has ${bytes} bytes, and its column takes ${most}`)

/** A text as a quoted field. VARCHAR(n) counts bytes. */
function quoted(text: string, length: number, nothing: string): string {
  storableText(text, 'Redshift')
  if (text === nothing) throw new DataError('bad_text', 'the text stands for null in this load')
  if (text.length > length / 3) {
    const bytes = Buffer.byteLength(text)
    if (bytes > length) throw tooLarge(bytes, length)
  }
  return `"${text.replaceAll('"', '""')}"`
}

function wholeCell(declared: string): (value: unknown) => string {
  const range = whole[declared]
  const digits = digitsOf(declared)
  return (value) => {
    const number = BigInt(value as number | bigint)
    const text = int64(number)
    if (range && (number < range[0] || number > range[1])) throw new RangeError(`${text} does not fit in ${declared}`)
    if (digits && text.replace('-', '').length > digits.before && number !== 0n)
      throw new RangeError(`${text} does not fit in ${declared}`)
    return text
  }
}

function decimalCell(declared: string): (value: unknown) => string {
  const { before, after } = digitsOf(declared) ?? { before: 38, after: 38 }
  return (value) => {
    const text = String(value)
    const [, front = '', back = ''] = /^[-+]?0*(\d*)(?:\.(\d*?)0*)?$/.exec(text) ?? [undefined, '9'.repeat(99)]
    if (front.length > before || back.length > after) throw new RangeError(`${text} does not fit in ${declared}`)
    return text
  }
}

/** A date whose year has four digits: others are not read alike by all formats of COPY. */
function dated(text: string): string {
  if (!/^\d{4}-/.test(text) || text.startsWith('0000')) throw new RangeError(`${text} is not in the years 1 to 9999`)
  return text
}
