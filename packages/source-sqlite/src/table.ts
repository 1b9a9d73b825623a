/**
 * Pages of a table: by its primary key if that cannot be null, else by rowid. A key is a number, or a JSON array of the
 * parts of the primary key, in which integers beyond 2^53 and bytes are objects, so that it survives as JSON.
 */
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import {
  DataError,
  type Json,
  MillraceError,
  opened,
  type RecordType,
  type Row,
  type SourceContext,
  type UnknownFields,
  type Tally,
} from '@millrace/core'
import { columnsOf, fromColumn, identifier, isCollection, rowidOf, tableNamed } from '@millrace/client-sqlite'
import { unknownName } from './names.ts'
import { type Decoded, type Page, pageBytes, pageSize } from './page.ts'

type Values = Readonly<Record<string, SQLOutputValue>>

/** Converts the values of a row, read with big integers on, to the in-memory row. */
export type Reader = (values: Values) => Decoded

/**
 * Columns that are not in the type are left out, or kept if it is open. `tally` counts what is left out of objects in
 * JSON.
 */
export function tableReader(schema: RecordType, unknownFields?: UnknownFields, tally?: Tally): Reader {
  const fields = Object.entries(schema.fields).map(([name, field]) => ({
    name,
    read: fromColumn(field.type, unknownFields, tally),
    optional: field.optional,
  }))
  const known = new Set(fields.map(({ name }) => name))
  return (values) => {
    const row: Row = {}
    for (const { name, read, optional } of fields) {
      const value = values[name] ?? null
      if (value === null) {
        if (!optional) return { code: 'missing_value', message: `${name} is null`, field: name }
        row[name] = null
        continue
      }
      try {
        row[name] = read(value)
      } catch (error) {
        if (!(error instanceof DataError)) throw error
        return { code: error.code, message: error.message, field: name }
      }
    }
    if (schema.open)
      for (const [name, value] of Object.entries(values))
        if (!known.has(name)) row[name] = typeof value === 'bigint' ? numberOf(value) : value
    return { row }
  }
}

const numberOf = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value)

/**
 * From after the key `at` to the last key that exists now. Throws `MillraceError` if the table does not have these
 * fields.
 */
export function* tablePages(
  db: DatabaseSync,
  table: string,
  ctx: SourceContext,
  at: Json | undefined,
): Generator<Page> {
  if (tableNamed(db, table) !== table || isCollection(db, table)) throw unknownName(db, table)
  const { select, key, rowid, unknown } = statementParts(db, table, ctx)
  const name = identifier(table)
  const keyText = key.map(identifier).join(', ')
  const marks = key.map(() => '?').join(', ')
  const order = `ORDER BY ${keyText}`
  const last = db.prepare(
    `SELECT ${named(key)} FROM ${name} ORDER BY ${key.map((part) => `${identifier(part)} DESC`).join(', ')} LIMIT 1`,
  )
  last.setReadBigInts(true)
  const end = last.get()
  if (!end) return
  const bound = `(${keyText}) <= (${marks})`
  const first = db.prepare(`SELECT ${select} FROM ${name} WHERE ${bound} ${order} LIMIT ${pageSize}`)
  const next = db.prepare(
    `SELECT ${select} FROM ${name} WHERE (${keyText}) > (${marks}) AND ${bound} ${order} LIMIT ${pageSize}`,
  )
  first.setReadBigInts(true)
  next.setReadBigInts(true)
  const keyOf = (values: Values): Json =>
    rowid === undefined ? key.map((part) => keyPart(values[part]!)) : keyPart(values[rowid]!)
  const upTo = key.map((part) => end[part]!)
  const tally: Tally = { unknown: 0 }
  const read = tableReader(ctx.unknownFields === 'keep' ? opened(ctx.schema) : ctx.schema, ctx.unknownFields, tally)
  let from = at
  for (;;) {
    const found: Values[] = []
    let bytes = 0
    for (const values of from === undefined ? first.iterate(...upTo) : next.iterate(...boundKey(from), ...upTo)) {
      found.push(values)
      bytes += sizeOf(values)
      if (bytes >= pageBytes) break
    }
    const isLast = found.length < pageSize && bytes < pageBytes
    const keys = found.map(keyOf)
    if (rowid !== undefined) for (const values of found) delete (values as Record<string, SQLOutputValue>)[rowid]
    from = keys.at(-1) ?? from ?? null
    tally.unknown = 0
    const decoded = found.map(read)
    yield {
      keys: keys.map((part) => (typeof part === 'number' ? part : JSON.stringify(part))),
      decoded,
      rawAt: (i) => Buffer.from(rowToText(found[i]!)),
      after: from,
      bytes,
      unknown: found.length * unknown + tally.unknown,
      last: isLast,
    }
    if (isLast) return
  }
}

/** The approximate size of a row: its texts and bytes, and 16 for every other value. */
function sizeOf(values: Values): number {
  let bytes = 0
  for (const value of Object.values(values))
    bytes += typeof value === 'string' || value instanceof Uint8Array ? value.length : 16
  return bytes
}

/** What to select, and the order. */
function statementParts(
  db: DatabaseSync,
  table: string,
  ctx: SourceContext,
): { select: string; key: readonly string[]; rowid: string | undefined; unknown: number } {
  const columns = columnsOf(db, table)
  const kind = db.prepare(`SELECT type, wr FROM pragma_table_list(?) WHERE schema = 'main'`).get(table)
  if (kind?.['type'] !== 'table')
    throw new MillraceError('not_a_table', `${table} is a ${kind?.['type']}, which has no key to resume by`, {
      hint: 'read the table behind it',
      exitCode: 3,
    })
  const names = new Set(columns.map((column) => column.name))
  const missing = Object.entries(ctx.schema.fields).filter(([name, field]) => !names.has(name) && !field.optional)
  const extra = columns.filter((column) => !Object.hasOwn(ctx.schema.fields, column.name))
  const differs = (message: string) =>
    new MillraceError('table_differs', message, {
      hint: `the table has the columns ${[...names].join(', ')}`,
      exitCode: 3,
    })
  if (missing.length > 0) throw differs(`the table ${table} has no column ${missing.map(([name]) => name).join(', ')}`)
  if (ctx.unknownFields === 'error' && extra.length > 0)
    throw differs(`the schema does not have the columns ${extra.map((column) => column.name).join(', ')}`)
  const primary = columns.filter((column) => column.key > 0).toSorted((a, b) => a.key - b.key)
  const byPrimary = kind['wr'] === 1 || (primary.length > 0 && primary.every((column) => column.required))
  const wanted =
    ctx.unknownFields === 'keep' ? columns : columns.filter((column) => Object.hasOwn(ctx.schema.fields, column.name))
  const rowid = byPrimary ? undefined : keyOfRows(table, columns)
  const key = rowid === undefined ? primary.map((column) => column.name) : [rowid]
  return {
    select: named([...new Set([...key, ...wanted.map((column) => column.name)])]),
    key,
    rowid,
    unknown: ctx.unknownFields === 'drop' ? extra.length : 0,
  }
}

/** The columns under their own names: SQLite calls a rowid by the name of the primary key that it is. */
const named = (columns: readonly string[]): string =>
  columns.map((column) => `${identifier(column)} AS ${identifier(column)}`).join(', ')

function keyOfRows(table: string, columns: readonly { readonly name: string }[]): string {
  const rowid = rowidOf(columns)
  if (rowid !== undefined) return rowid
  throw new MillraceError('not_a_table', `${table} has columns with all the names of its rowid, and no other key`, {
    hint: 'give it a primary key that cannot be null',
    exitCode: 3,
  })
}

function keyPart(value: SQLOutputValue): Json {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : { int: String(value) }
  if (value instanceof Uint8Array) return { blob: Buffer.from(value).toString('base64') }
  return value
}

/** The parts of a saved key, as bound. A whole number is bound as an integer, or it would not equal a large integer. */
function boundKey(key: Json): SQLInputValue[] {
  return (Array.isArray(key) ? (key as readonly Json[]) : [key]).map((part) => {
    if (typeof part === 'number') return Number.isSafeInteger(part) ? BigInt(part) : part
    if (part === null || typeof part === 'string') return part
    const { int, blob } = part as { readonly int?: string; readonly blob?: string }
    return int === undefined ? Buffer.from(blob!, 'base64') : BigInt(int)
  })
}

/** A row as JSON, instead of bytes: integers beyond 2^53 as text, bytes as base64. */
const rowToText = (values: Values): string =>
  JSON.stringify(values, (_name, value: unknown) => {
    if (typeof value === 'bigint') return numberOf(value) === value ? String(value) : Number(value)
    return value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value
  })

/** Parses the text that `rowToText` wrote. */
export function rowFromText(read: Reader, text: string): Decoded {
  let values: Record<string, SQLOutputValue>
  try {
    values = JSON.parse(text) as Record<string, SQLOutputValue>
  } catch (error) {
    return { code: 'bad_json', message: `is not JSON: ${(error as Error).message}` }
  }
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number' && Number.isSafeInteger(value)) values[name] = BigInt(value)
    else if (typeof value === 'object' && value !== null && 'base64' in value)
      values[name] = Buffer.from(String(value.base64), 'base64')
  }
  return read(values)
}
