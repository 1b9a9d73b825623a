/**
 * Converts the columns of typed file formats (Parquet, Arrow) to rows of the declared type.
 *
 * A file's column has a natural type. If the declared type is different, it is accepted if every value can keep its
 * meaning: whole numbers fit wider ones, decimals other scales, and text is parsed like the text of any field. A value
 * that does not fit is a data error of its row; types that never fit are an error of the file.
 *
 * One file, since each pair of types is a line of the same table.
 */
import { isUtf8 } from 'node:buffer'
import {
  codegenAllowed,
  DataError,
  dateReader,
  type DateRule,
  type Field,
  fromJson,
  fromText,
  generate,
  isNested,
  type Json,
  mapValues,
  MillraceError,
  printJson,
  propertyKey,
  readJson,
  type RecordType,
  type Row,
  setOwn,
  type Tally,
  toJson,
  type Type,
  typeText,
  type UnknownFields,
  whyNoDate,
} from '@millrace/core'
import { asBuffer, type ReadOptions, type RecordFailure } from '@millrace/formats'
import type { FileColumn } from './file-column.ts'
import type { ValueOptions } from './columnar-options.ts'
import { holdsLocalTimes, instantReader, timed } from './times.ts'

type Read = (raw: unknown) => unknown

/** How columns are read, in addition to their declared types. */
interface Reading {
  readonly unknownFields: UnknownFields
  /** Counts the members of structs, and of objects in JSON, that are left out. */
  readonly tally: Tally
  readonly values: ValueOptions
}

const zoneHint = 'set their time zone with `zone` in the format of the source: format: { type: parquet, zone: UTC }'

function localTimes(name: string): never {
  throw new MillraceError('wrong_type', `the column ${name} holds times without a zone`, { hint: zoneHint })
}

/**
 * The record type of a file; `note` receives what infer cannot decide, and what it leaves out. Throws `MillraceError`
 * `duplicate_column`.
 */
export function recordTypeOf(columns: readonly FileColumn[], note?: (message: string) => void): RecordType {
  for (const column of columns)
    if (holdsLocalTimes(column)) note?.(`the column ${column.name} holds times without a zone: ${zoneHint}`)
  refuseDuplicates(columns)
  const named = columns.flatMap(({ name, natural, told }) => {
    if (natural) return [[name, { type: natural, optional: true }] as const]
    note?.(`the column ${name} is left out: it has the type ${told}, which cannot be read`)
    return []
  })
  return { fields: Object.fromEntries(named) }
}

function refuseDuplicates(columns: readonly FileColumn[]): void {
  const seen = new Set<string>()
  for (const { name } of columns) {
    if (seen.has(name))
      throw new MillraceError(
        'duplicate_column',
        `the file has two columns named ${name}, so their values cannot be told apart`,
        { hint: 'write the file with a different name for each column' },
      )
    seen.add(name)
  }
}

const missing = (): never => {
  throw new DataError('missing_value', 'is null, and the field is not optional')
}

function fieldReader(given: FileColumn, field: Field, reading: Reading): Read {
  const column = timed(given, reading.values) ?? localTimes(given.name)
  const exact = valueReader(column, field.type, reading)
  if (!exact) {
    throw new MillraceError(
      'wrong_type',
      `the column ${column.name} has the type ${column.told}, which cannot be read as ${typeText(field.type)}`,
      {
        hint: column.natural
          ? `declare it as ${typeText(column.natural)}`
          : `${column.fields ? 'declare the members that can be read as `fields`, or ' : ''}remove the field from the schema`,
      },
    )
  }
  const read = field.type.kind === 'number' ? finiteOr(exact, reading.values) : exact
  return field.optional
    ? (raw) => (raw === null || raw === undefined ? null : read(raw))
    : (raw) => (raw === null || raw === undefined ? missing() : (read(raw) ?? missing()))
}

/** NaN and infinity as null, if the format says so. */
function finiteOr(read: Read, { non_finite: nonFinite }: ValueOptions): Read {
  if (nonFinite !== 'null') return read
  return (raw) => {
    try {
      return read(raw)
    } catch (error) {
      if (error instanceof DataError && error.code === 'not_number') return null
      throw error
    }
  }
}

/** Converts values of a column to the declared type; undefined: they never fit. */
function valueReader(column: FileColumn, to: Type, reading: Reading): Read | undefined {
  const { unknownFields, tally } = reading
  const { natural, read, text, item, fields } = column
  if (to.kind === 'list' && item) {
    const readItem = fieldReader({ ...item, name: `${column.name}[]` }, to.of, reading)
    return (raw) => Array.from(raw as ArrayLike<unknown>, readItem)
  }
  if (to.kind === 'map' && column.mapped) {
    const readItem = fieldReader({ ...column.mapped, name: `${column.name}.*` }, to.of, reading)
    return (raw) => column.mapOf!(raw, (part, key) => within(key, () => readItem(part)))
  }
  if (to.kind === 'object' && fields) {
    const reads = Object.entries(to.record.fields).map(([name, field]) => {
      const k = fields.findIndex((member) => member.name === name)
      const inside = k < 0 ? () => (field.optional ? null : missing()) : fieldReader(fields[k]!, field, reading)
      return [name, k, inside] as const
    })
    const others = otherMembers(column, to.record, reading)
    return (raw) => {
      const row = Object.fromEntries(reads.map(([name, k, readField]) => [name, readField((raw as unknown[])[k])]))
      for (const { name, k, keep } of others)
        if (keep) setOwn(row, name, keep((raw as unknown[])[k]))
        else tally.unknown++
      return row
    }
  }
  if (column.ticks && (to.kind === 'timestamp' || to.kind === 'fine_timestamp'))
    return instantReader(column.ticks, to, reading.values)
  if (!natural) return undefined
  if (natural.kind === 'string' && to.kind !== 'string') {
    const convert = fromText(to, unknownFields, tally)
    return (raw) => convert(read(raw) as string)
  }
  if (text && (isNested(to) || to.kind === 'object')) {
    const convert = fromText(to, unknownFields, tally)
    return (raw) => convert(text(raw))
  }
  switch (to.kind) {
    case 'string':
      return natural.kind === 'string'
        ? read
        : natural.kind === 'bytes'
          ? (raw) => utf8(read(raw) as Uint8Array)
          : undefined
    case 'integer':
      return natural.kind === 'integer'
        ? read
        : natural.kind === 'bigint'
          ? (raw) => safe(read(raw) as bigint)
          : wholeReader(natural, read, to)
    case 'bigint':
      return natural.kind === 'bigint'
        ? read
        : natural.kind === 'integer'
          ? (raw) => BigInt(read(raw) as number)
          : wholeReader(natural, read, to)
    case 'number':
      return natural.kind === 'number' || natural.kind === 'integer'
        ? read
        : natural.kind === 'bigint'
          ? (raw) => safe(read(raw) as bigint)
          : undefined
    case 'decimal': {
      if (natural.kind === 'decimal' && natural.scale === to.scale && natural.precision <= to.precision) return read
      const convert = fromText(to)
      const isExact = natural.kind === 'decimal' || natural.kind === 'integer' || natural.kind === 'bigint'
      return isExact ? (raw) => convert(String(read(raw))) : undefined
    }
    case 'json': {
      if (!column.ticks && holdsLocalTimes(column)) localTimes(column.name)
      const plain = toJson(natural)
      return (raw) => plain(read(raw))
    }
    case 'object':
      if (natural.kind === 'map') {
        const plain = toJson(natural)
        return jsonReader((raw) => plain(read(raw)), to, reading)
      }
      return natural.kind === 'json' ? jsonReader(read, to, reading) : undefined
    case 'list':
    case 'map':
      return natural.kind === 'json' ? jsonReader(read, to, reading) : undefined
    default:
      return natural.kind === to.kind ? read : undefined
  }
}

/** The members of a struct that its type does not name: refused, kept in their JSON form, or left out. */
function otherMembers(
  { name, fields }: FileColumn,
  record: RecordType,
  { unknownFields, values }: Reading,
): { readonly name: string; readonly k: number; readonly keep: Read | undefined }[] {
  const others = fields!.flatMap((member, k) => (Object.hasOwn(record.fields, member.name) ? [] : [{ member, k }]))
  if (unknownFields === 'error' && others.length > 0)
    throw new MillraceError(
      'unknown_field',
      `the file has members that are not in the schema: ${others.map(({ member }) => `${name}.${member.name}`).join(', ')}`,
    )
  if (unknownFields !== 'keep') return others.map(({ member, k }) => ({ name: member.name, k, keep: undefined }))
  return others.map(({ member, k }) => ({ name: member.name, k, keep: keptReader(known(member, name), values) }))
}

/** The column, if it can be kept. */
function known(column: FileColumn, inside?: string): FileColumn {
  if (column.natural) return column
  throw new MillraceError(
    'wrong_type',
    `the column ${inside === undefined ? '' : `${inside}.`}${column.name} has the type ${column.told}, which cannot be kept`,
    { hint: 'declare the fields that are needed, and set unknown_fields: drop' },
  )
}

/** A value of a column that is not in the schema, in its JSON form. */
function keptReader(column: FileColumn, values: ValueOptions): Read {
  if (!column.ticks && holdsLocalTimes(column)) localTimes(column.name)
  const plain = toJson(column.natural!)
  const exact = (raw: unknown) => plain(column.read(raw))
  // A list or struct with such a number inside is a bad record, not null as a whole.
  const read = column.natural!.kind === 'number' ? finiteOr(exact, values) : exact
  return (raw) => (raw === null || raw === undefined ? null : read(raw))
}

const jsonReader = (read: Read, to: Type, { unknownFields, tally }: Reading): Read => {
  const convert = fromJson(to, unknownFields, tally)
  return (raw) => convert(read(raw))
}

/** Puts the key of a map before the place of an error in its value. */
function within(key: string, read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    throw new DataError(error.code, error.message, error.field === undefined ? key : `${key}.${error.field}`)
  }
}

/** Reads decimals without a fraction: what unsigned 64-bit integers are. */
function wholeReader(natural: Type, read: Read, to: Type): Read | undefined {
  if (natural.kind !== 'decimal' || natural.scale > 0) return undefined
  const convert = fromText(to)
  return (raw) => convert(read(raw) as string)
}

function safe(value: bigint): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  throw new DataError('out_of_range', `${value} is beyond 9007199254740991: declare the field as bigint`)
}

/** Throws `DataError` `bad_encoding`. */
export function utf8(bytes: Uint8Array): string {
  const text = asBuffer(bytes).toString('utf8')
  // U+FFFD stands for a wrong byte, unless it was in the text.
  if (!text.includes('\ufffd') || isUtf8(bytes)) return text
  throw new DataError('bad_encoding', 'the text is not UTF-8, which this format requires')
}

/** A row that could not be read, by its index in the slice. */
export interface FailedRow {
  readonly index: number
  readonly failure: RecordFailure
}

/** Values of one column for `length` rows. */
export type ColumnValues = ArrayLike<unknown>

/** Makes rows from slices of columns. */
export interface RowReader {
  /** The file's columns that are read. */
  readonly columns: readonly FileColumn[]
  /** Converts a value of each to its declared type. Throws `DataError`. */
  readonly reads: readonly Read[]
  /**
   * The rows of a slice; failed rows are separate. `values`: of `columns`, in order. `origins[i]`: the index of row i
   * in the slice.
   */
  rows(
    values: readonly ColumnValues[],
    length: number,
  ): {
    rows: Row[]
    origins: Int32Array
    failed: FailedRow[]
    /** How many fields are not in the schema and were left out. */
    unknown: number
  }
}

/**
 * Prepares to read a file with these columns. Throws `MillraceError` `missing_column`, `unknown_field`, `wrong_type`,
 * `duplicate_column`.
 */
export function rowReader(
  all: readonly FileColumn[],
  { schema, unknownFields, push }: ReadOptions,
  values: ValueOptions = {},
): RowReader {
  const tally: Tally = { unknown: 0 }
  const reading: Reading = { unknownFields, tally, values }
  refuseDuplicates(all.filter(({ name }) => unknownFields !== 'drop' || Object.hasOwn(schema.fields, name)))
  const byName = new Map(all.map((column) => [column.name, column]))
  const declared = Object.entries(schema.fields)
  for (const [name, field] of declared) {
    if (!byName.has(name) && !field.optional)
      throw new MillraceError(
        'missing_column',
        `the file has no column ${name}; it has ${all.map((column) => column.name).join(', ')}`,
        {
          hint: "use the file's name for the field, or declare it as optional",
        },
      )
  }
  const unknown = all.filter((column) => !Object.hasOwn(schema.fields, column.name))
  if (unknownFields === 'error' && unknown.length > 0)
    throw new MillraceError(
      'unknown_field',
      `the file has columns that are not in the schema: ${unknown.map((column) => column.name).join(', ')}`,
    )
  const kept = unknownFields === 'keep' && !push ? unknown : []
  for (const column of kept) known(column)
  const sources = [
    ...declared
      .filter(([name]) => byName.has(name))
      .map(([name, field]) => {
        const read = fieldReader(byName.get(name)!, field, reading)
        return { column: timed(byName.get(name)!, values)!, read }
      }),
    ...kept.map((given) => {
      const column = timed(given, values) ?? localTimes(given.name)
      return { column, read: keptReader(column, values) }
    }),
  ]
  const place = new Map(sources.map(({ column }, k) => [column.name, k]))
  const wanted =
    push?.columns ??
    [...declared.map(([name]) => name), ...kept.map((column) => column.name)].map((name) => ({
      name,
      from: name,
      date: undefined,
    }))
  const outputs = wanted.map(({ name, from, date }, order) => ({
    name,
    from,
    source: place.get(from),
    rule: date && { order, ...date },
    convert: date && dateReader(date),
  }))
  const assemble = compileAssemble(outputs.map(({ name }) => name))
  return {
    columns: sources.map(({ column }) => column),
    reads: sources.map(({ read }) => read),
    rows(values, length) {
      const failures = new Map<number, RecordFailure>()
      tally.unknown = 0
      const converted = sources.map(({ column, read }, k) =>
        convertColumn(values[k]!, length, column.name, read, failures),
      )
      const nulls = new Array<null>(length).fill(null)
      const rules = outputs.filter((output) => output.convert).toSorted((a, b) => a.rule!.order - b.rule!.order)
      const dated = new Map(
        rules.map((output) => [output, datedColumn(converted[output.source!] ?? nulls, output, failures)]),
      )
      const columns = outputs.map(
        (output) => dated.get(output) ?? (output.source === undefined ? nulls : converted[output.source]!),
      )
      const origins = new Int32Array(length - failures.size)
      for (let i = 0, n = 0; i < length; i++) if (!failures.has(i)) origins[n++] = i
      const failed = [...failures].map(([index, failure]) => ({ index, failure })).toSorted((a, b) => a.index - b.index)
      const left = tally.unknown + (unknown.length - kept.length) * origins.length
      return { rows: assemble(columns, origins), origins, failed, unknown: left }
    },
  }
}

function convertColumn(
  values: ColumnValues,
  length: number,
  field: string,
  read: Read,
  failures: Map<number, RecordFailure>,
): unknown[] {
  const made = new Array<unknown>(length)
  // Adjacent values are often equal, and the same object if they come from a dictionary.
  let last: unknown = made
  let lastMade: unknown
  for (let i = 0; i < length; i++) {
    const raw = values[i]
    if (Object.is(raw, last)) {
      made[i] = lastMade
      continue
    }
    try {
      made[i] = lastMade = read(raw)
      last = raw
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      if (!failures.has(i))
        failures.set(i, {
          code: error.code,
          field: error.field === undefined ? field : `${field}.${error.field}`,
          message: error.message,
        })
    }
  }
  return made
}

function datedColumn(
  values: readonly unknown[],
  {
    from,
    rule,
    convert,
  }: {
    from: string
    rule: DateRule | undefined
    convert: ((text: string) => unknown) | undefined
  },
  failures: Map<number, RecordFailure>,
): unknown[] {
  return values.map((value, i) => {
    if (value === null || value === undefined) return null
    const made = convert!(value as string)
    if (made === undefined && !failures.has(i)) {
      const { step, field = from } = rule!
      failures.set(i, {
        code: 'bad_date',
        field,
        message: whyNoDate(rule!, value as string, JSON.stringify(value)),
        step,
      })
    }
    return made
  })
}

type Assemble = (columns: readonly (readonly unknown[])[], origins: Int32Array) => Row[]

/** Makes the function that combines columns to rows of one shape. */
function compileAssemble(names: readonly string[]): Assemble {
  if (!codegenAllowed) {
    return (columns, origins) =>
      Array.from(origins, (i) => {
        const row: Row = {}
        names.forEach((name, k) =>
          Object.defineProperty(row, name, {
            value: columns[k]![i],
            enumerable: true,
            writable: true,
            configurable: true,
          }),
        )
        return row
      })
  }
  return generate<Assemble>(
    {},
    `return (columns, origins) => {
      ${names.map((_, k) => `const c${k} = columns[${k}]`).join('\n')}
      const rows = new Array(origins.length)
      for (let n = 0; n < origins.length; n++) { const i = origins[n]; rows[n] = { ${names.map((name, k) => `${propertyKey(name)}: c${k}[i]`).join(', ')} } }
      return rows
    }`,
  )
}

/** 64-bit whole numbers are text in JSON; as numbers they can also be read as integers. */
function numbersWhereExact(value: Json, type: Type): Json {
  if (value === null) return null
  switch (type.kind) {
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value
    case 'list':
      return (value as Json[]).map((item) => numbersWhereExact(item, type.of.type))
    case 'map':
      return mapValues(value as Row, (part) => numbersWhereExact(part as Json, type.of.type)) as Json
    case 'object': {
      const { fields } = type.record
      return Object.fromEntries(
        Object.entries(value).map(([name, part]) => [name, numbersWhereExact(part as Json, fields[name]!.type)]),
      )
    }
    default:
      return value
  }
}

/** A row as JSON, used instead of the bytes that it does not have. */
export function rowAsJson(reader: RowReader, values: readonly ArrayLike<unknown>[], index: number): Uint8Array {
  const row: Row = {}
  reader.columns.forEach((column, k) => {
    const raw = values[k]![index]
    const type = column.natural ?? column.shown
    let value: Json
    try {
      value =
        raw === null || raw === undefined || !type
          ? null
          : !column.ticks && holdsLocalTimes(column)
            ? String(raw)
            : column.text
              ? (readJson(column.text(raw)) as Json)
              : numbersWhereExact(toJson(type)(column.read(raw)), type)
    } catch {
      value = String(raw)
    }
    Object.defineProperty(row, column.name, { value, enumerable: true, writable: true, configurable: true })
  })
  return Buffer.from(printJson(row))
}
