/**
 * The layout of one file: its header combined with the declared schema and the pushdown.
 *
 * Every column of the schema is type-checked, even if nothing reads it, so that a row fails or passes independent of
 * pushdown.
 */
import {
  dateReader,
  type DateRule,
  fromText,
  MillraceError,
  type Problem,
  type RecordType,
  type Tally,
} from '@millrace/core'
import type { ReadOptions } from '../reader.ts'

/** Why a record cannot be read; the caller adds the place. */
export interface RowFailure {
  readonly code: string
  readonly field?: string
  readonly message: string
  /** The step that the failing conversion was pushed down from. */
  readonly step?: string
}

/** A column of the file, in the order of the file. */
export interface Column {
  readonly name: string
  /**
   * `skip`: not in the schema, only its quoting and encoding count. `integer`, `number`: scanners have a fast path.
   *
   * `other`: by `convert`.
   */
  readonly kind: 'skip' | 'string' | 'integer' | 'number' | 'other'
  readonly optional: boolean
  /** The value of a cell that is not null. Throws `DataError`. */
  convert(text: string): unknown
}

/** A field of the rows, in their order. */
export interface Output {
  readonly name: string
  /** Index of its column. */
  readonly column: number
  /** Only for columns of kind `string`: undefined for text that is not such a date. */
  readonly date?: { readonly rule: DateRule; convert(text: string): unknown }
}

export interface Layout {
  readonly columns: readonly Column[]
  readonly outputs: readonly Output[]
  /** Columns that are not in the schema and are left out. */
  readonly unknown: number
  /** Counts the same inside the JSON of cells. */
  readonly inside: Tally
  /** The header makes every record unreliable: each fails with this. */
  readonly broken?: RowFailure
}

/**
 * The fields of a type in their order, which is that of columns without a header. JavaScript moves names that look like
 * whole numbers before all others. Throws `MillraceError` if there is such a name.
 */
export function orderedNames(record: RecordType): readonly string[] {
  const [problem] = orderProblems(record)
  if (!problem) return Object.keys(record.fields)
  throw new MillraceError(problem.code, problem.message, { hint: problem.hint, exitCode: 2 })
}

/** The same as a problem of the option `header`. */
export function orderProblems(record: RecordType): Problem[] {
  const names = Object.keys(record.fields)
  const moved = names.length > 1 ? names.find((name) => /^(0|[1-9]\d{0,9})$/.test(name)) : undefined
  if (moved === undefined) return []
  return [
    {
      code: 'bad_field_name',
      at: ['header'],
      message: `without a header, the column of the field ${show(moved)} is not known`,
      hint: `a name that is a whole number loses its place among the fields: call it n${moved}, and rename it with \`select\``,
    },
  ]
}

/**
 * The layout of a file with these column names; `names` undefined: there is no header, the columns are the schema's.
 *
 * `badHeader`: no record is reliable. Throws `MillraceError` `missing_column` if a declared field has no column.
 */
export function layoutOf(names: readonly string[] | undefined, read: ReadOptions, badHeader?: RowFailure): Layout {
  const declared = read.schema.fields
  const header = names ?? orderedNames(read.schema)
  if (header.length === 0)
    throw new MillraceError('missing_column', 'without a header, the schema must name the columns', {
      hint: 'declare the fields in the order of the columns',
    })
  const broken = badHeader ?? (names && brokenHeader(names, read))
  if (broken)
    return {
      columns: header.map((name) => ({ name, kind: 'skip', optional: true, convert: asIs })),
      outputs: [],
      unknown: 0,
      inside: { unknown: 0 },
      broken,
    }
  const missing = Object.keys(declared).filter((name) => !header.includes(name))
  if (missing.length) throw missingColumns(missing, header)

  const inside: Tally = { unknown: 0 }
  const columns = header.map((name) => columnOf(name, read, inside))
  const at = new Map(header.map((name, k) => [name, k]))
  const kept = read.unknownFields === 'keep' ? header.filter((name) => !Object.hasOwn(declared, name)) : []
  const wanted = read.push?.columns ?? [...Object.keys(declared), ...kept].map((name) => ({ name, from: name }))
  const outputs = wanted.map((column): Output => {
    const k = at.get(column.from)
    if (k === undefined)
      throw new Error(`pushed column ${column.name} reads ${column.from}, which is not a field of the schema`)
    if (!('date' in column && column.date)) return { name: column.name, column: k }
    if (columns[k]!.kind !== 'string')
      throw new Error(`pushed column ${column.name} reads dates from ${column.from}, which is not a string`)
    return { name: column.name, column: k, date: { rule: column.date, convert: dateReader(column.date) } }
  })
  return { columns, outputs, unknown: columns.filter(({ kind }) => kind === 'skip').length, inside }
}

const asIs = (text: string): unknown => text

function columnOf(name: string, read: ReadOptions, inside: Tally): Column {
  const field = Object.hasOwn(read.schema.fields, name) ? read.schema.fields[name] : undefined
  if (!field) return { name, kind: read.unknownFields === 'keep' ? 'string' : 'skip', optional: true, convert: asIs }
  const { kind } = field.type
  const known = kind === 'string' || kind === 'integer' || kind === 'number'
  const convert = fromText(field.type, read.unknownFields, inside)
  return { name, kind: known ? kind : 'other', optional: field.optional, convert }
}

/** Names that would put a value into the wrong field, or lose one. */
function brokenHeader(names: readonly string[], read: ReadOptions): RowFailure | undefined {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name))
      return {
        code: 'duplicate_column',
        field: name,
        message: `the header names the column ${show(name)} twice, so its cells are ambiguous`,
      }
    seen.add(name)
    if (name === '__proto__')
      return {
        code: 'forbidden_column',
        field: name,
        message: 'the header names a column `__proto__`, which is not allowed',
      }
    if (read.unknownFields === 'error' && !Object.hasOwn(read.schema.fields, name))
      return {
        code: 'unknown_field',
        field: name,
        message: `the header names the column ${show(name)}, which is not a field of the schema`,
      }
  }
  return undefined
}

function missingColumns(missing: readonly string[], header: readonly string[]): MillraceError {
  const plain = (name: string) => name.replaceAll(/[^\p{L}\p{N}]/gu, '').toLowerCase()
  const near = missing.flatMap((name) =>
    header
      .filter((other) => plain(other) === plain(name))
      .map((other) => `the header has ${show(other)} where ${show(name)} is declared`),
  )
  const other = header.length === 1 ? [';', '\t', '|', ','].find((mark) => header[0]!.includes(mark)) : undefined
  const hint = other
    ? `is the delimiter ${show(other)}? Set the option delimiter`
    : near.length
      ? near.join('; ')
      : 'name the columns as the file does, remove the field from the schema, or set header: false if the file has no header line'
  const found =
    header.length > 30
      ? `${header.slice(0, 30).map(show).join(', ')} and ${header.length - 30} more`
      : header.map(show).join(', ')
  return new MillraceError(
    'missing_column',
    `the header has no column ${missing.map(show).join(', ')}; it has ${found}`,
    { hint },
  )
}

/** A name in a message. */
export const show = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 60)}...` : name)

/** The type of the rows that a reader yields. */
export function outputType(read: ReadOptions): RecordType {
  if (!read.push) return read.schema
  return {
    fields: Object.fromEntries(
      read.push.columns.map(({ name, from, date }) => {
        const field = read.schema.fields[from]!
        return [
          name,
          date ? { type: { kind: date.to === undefined ? 'timestamp' : 'string' }, optional: field.optional } : field,
        ]
      }),
    ),
  }
}
