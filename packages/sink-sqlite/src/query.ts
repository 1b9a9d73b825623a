/**
 * Queries of the store. Equality conditions are evaluated by SQLite, which uses an index if one fits; the rest of the
 * condition is tested on each document. Rows are read in pieces, so that no reader keeps a transaction open while a
 * writer continues.
 */
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import {
  DataError,
  fieldOf,
  MillraceError,
  parseJson,
  type Query,
  type RecordType,
  type Row,
  toJson,
  type Type,
} from '@millrace/core'
import {
  canBeFound,
  columnsOf,
  rowidOf,
  documentField,
  fromColumn,
  identifier,
  isCollection,
  openStoreReader,
  storeError,
  tableNamed,
  tablesOf,
  toColumn,
} from '@millrace/client-sqlite'
import { compileShown } from '@millrace/kinds'

/** Rows read by one statement. */
const piece = 500

/** Documents, with their key as `_id`, or rows of a table. Throws `MillraceError` if there is no such collection. */
export async function* queryStore(path: string, query: Query, signal: AbortSignal): AsyncGenerator<Row> {
  const db = openStoreReader(path)
  try {
    let left = query.limit ?? Number.POSITIVE_INFINITY
    if (left <= 0) return
    for (const rows of pieces(db, query)) {
      signal.throwIfAborted()
      for (const row of rows) {
        if (query.where && !query.where.test(row)) continue
        yield row
        if (--left === 0) return
      }
      // Lets the process do other work between two pieces.
      await new Promise(setImmediate)
    }
  } catch (error) {
    throw storeError(error, path) ?? error
  } finally {
    db.close()
  }
}

function* pieces(db: DatabaseSync, query: Query): Generator<readonly Row[]> {
  const table = tableNamed(db, query.collection)
  if (table === undefined || (table !== query.collection && isCollection(db, table)))
    throw unknownCollection(db, query.collection)
  const documents = isCollection(db, table)
  const columns = columnsOf(db, table)
  const known = new Set(columns.map((column) => column.name))
  const rowid = rowidOf(columns) ?? 'rowid'
  const typeOf = (field: string): Type | undefined => query.type && fieldOf(query.type, field)?.type
  const expression = (field: string): string | undefined => {
    if (documents) return field === '_id' ? 'id' : canBeFound(field) ? documentField(field) : undefined
    return known.has(field) ? identifier(field) : undefined
  }
  const shown = compileShown(query.type)
  const read = documents ? (row: Values) => shown(documentOf(row)) : compileRow(query.type)
  const conditions: string[] = []
  const values: SQLInputValue[] = []
  for (const [field, value] of Object.entries(query.where?.equals ?? {})) {
    const left = expression(field)
    const bound = boundValues(value, typeOf(field), documents)
    if (left === undefined || bound === undefined) continue
    conditions.push(
      bound.length === 0
        ? `${left} IS NULL`
        : bound.length === 1
          ? `${left} = ?`
          : `${left} IN (${bound.map(() => '?').join()})`,
    )
    values.push(...bound)
  }
  const where = conditions.length > 0 ? ` AND ${conditions.join(' AND ')}` : ''
  const order = (query.sort ?? []).map(({ field, descending }) => {
    const by = expression(field)
    if (by === undefined)
      throw new MillraceError('unknown_field', `${query.collection} cannot be sorted by ${field}`, {
        hint: `columns: ${[...known].join(', ')}`,
        exitCode: 2,
      })
    // As text, exact numbers would sort by their digits.
    const kind = typeOf(field)?.kind
    const cast =
      kind === 'decimal' ? `CAST(${by} AS NUMERIC)` : kind === 'bigint' && documents ? `CAST(${by} AS INTEGER)` : by
    return `${cast}${descending ? ' DESC' : ''}`
  })
  const name = identifier(table)
  if (order.length > 0) {
    const found = db.prepare(`SELECT ${rowid} FROM ${name} WHERE true${where} ORDER BY ${order.join(', ')}, ${rowid}`)
    found.setReturnArrays(true)
    const ids = found.all(...values).map((row) => Number((row as unknown as SQLOutputValue[])[0]))
    const select = db.prepare(
      `SELECT ${rowid} AS _millrace_rowid, * FROM ${name} WHERE ${rowid} IN (SELECT value FROM json_each(?))`,
    )
    select.setReadBigInts(true)
    for (let at = 0; at < ids.length; at += piece) {
      const part = ids.slice(at, at + piece)
      const rows = new Map(select.all(JSON.stringify(part)).map((row) => [Number(row['_millrace_rowid']), read(row)]))
      yield part.flatMap((id) => {
        const row = rows.get(id)
        return row ? [row] : []
      })
    }
    return
  }
  const select = db.prepare(
    `SELECT ${rowid} AS _millrace_rowid, * FROM ${name} WHERE ${rowid} > ?${where} ORDER BY ${rowid} LIMIT ${piece}`,
  )
  select.setReadBigInts(true)
  for (let last: SQLInputValue = Number.MIN_SAFE_INTEGER; ; ) {
    const rows = select.all(last, ...values)
    if (rows.length === 0) return
    last = rows.at(-1)!['_millrace_rowid'] as bigint
    yield rows.map(read)
    if (rows.length < piece) return
  }
}

/**
 * The value that a field must equal, in its possible stored forms; none: null; undefined: left to the test. Without a
 * type, a 64-bit integer may be text or a number.
 */
function boundValues(value: unknown, type: Type | undefined, inDocument: boolean): SQLInputValue[] | undefined {
  if (value === null) return []
  const stored = type ? (inDocument ? toJson(type)(value) : toColumn(type)(value)) : value
  if (typeof stored === 'string' || typeof stored === 'number') return [stored]
  if (typeof stored === 'boolean') return [stored ? 1 : 0]
  if (typeof stored === 'bigint') return type ? [stored] : [stored, String(stored)]
  return stored instanceof Uint8Array && !inDocument ? [stored] : undefined
}

type Values = Readonly<Record<string, SQLOutputValue>>

const documentOf = (row: Values): Row => ({ _id: row['id'], ...(parseJson(row['doc'] as string) as Row) })

/** The columns of a row: in the forms of their types, if these are known and match. */
function compileRow(type: RecordType | undefined): (row: Values) => Row {
  const reads = new Map(Object.entries(type?.fields ?? {}).map(([name, field]) => [name, fromColumn(field.type)]))
  return ({ _millrace_rowid, ...row }) => {
    const made: Row = {}
    for (const [name, value] of Object.entries(row)) {
      const read = reads.get(name)
      try {
        made[name] = read && value !== null ? read(value) : plain(value)
      } catch (error) {
        if (!(error instanceof DataError)) throw error
        made[name] = plain(value)
      }
    }
    return made
  }
}

const plain = (value: SQLOutputValue): unknown =>
  typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value

function unknownCollection(db: DatabaseSync, name: string): MillraceError {
  const there = tablesOf(db)
  return new MillraceError('unknown_collection', `the store has no collection or table ${name}`, {
    hint: there.length > 0 ? `it has ${there.join(', ')}` : 'it is empty: run a pipeline that writes to it first',
    exitCode: 2,
  })
}

/** The content of the store, for `pipe doctor`. */
export function probeStore(path: string): string {
  if (!existsSync(path)) {
    const folder = dirname(path)
    return `no store yet at ${path}; the first run creates it${existsSync(folder) ? '' : `, and the folder ${folder}`}`
  }
  const db = openStoreReader(path)
  try {
    const names = tablesOf(db)
    const version = String(db.prepare('SELECT sqlite_version() AS v').get()!['v'])
    return `${path}: ${(statSync(path).size / 1e6).toFixed(1)} MB, ${names.length === 0 ? 'empty' : names.join(', ')} (SQLite ${version})`
  } finally {
    db.close()
  }
}
