/**
 * Queries of the store. Conditions are evaluated by SQLite, which uses an index if one fits. Rows are read in pieces,
 * so that no reader keeps a transaction open while a writer continues.
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
  type Type,
} from '@millrace/core'
import {
  canBeFound,
  columnsOf,
  rowidOf,
  documentField,
  documentFieldType,
  fromColumn,
  identifier,
  isCollection,
  openStoreReader,
  storeError,
  tableNamed,
  tablesOf,
  toColumn,
} from '@millrace/client-sqlite'
import { compileShown, keyIn } from '@millrace/kinds'

/** Rows read by one statement. */
const piece = 500

/** Documents, with their key as `_id`, or rows of a table. Throws `MillraceError` if there is no such collection. */
export async function* queryStore(
  path: string,
  query: Query,
  signal: AbortSignal,
  key?: string | readonly string[],
): AsyncGenerator<Row> {
  const db = openStoreReader(path)
  try {
    let left = query.limit ?? Number.POSITIVE_INFINITY
    if (left <= 0) return
    for (const rows of pieces(db, query, key)) {
      signal.throwIfAborted()
      for (const row of rows) {
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

function* pieces(
  db: DatabaseSync,
  query: Query,
  key: string | readonly string[] | undefined,
): Generator<readonly Row[]> {
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
  const { conditions, values } = conditionsOf(query, expression, documents)
  const id = documents ? keyIn(key, query.where ?? [], query.type) : undefined
  if (id !== undefined) {
    conditions.push('id = ?')
    values.push(id)
  }
  const where = conditions.map((each) => ` AND ${each}`).join('')
  const order = (query.sort ?? []).map(({ field, descending }) => {
    const by = expression(field)
    if (by === undefined)
      throw new MillraceError('unknown_field', `${query.collection} cannot be sorted by ${field}`, {
        hint: `columns: ${[...known].join(', ')}`,
        exitCode: 2,
      })
    const ofType = documents && field !== '_id' ? documentFieldType(field) : `typeof(${by})`
    return `${sortedBy(by, ofType, typeOf(field) ?? { kind: 'string' })}${descending ? ' DESC' : ''}`
  })
  const name = identifier(table)
  if (order.length > 0) {
    const found = db.prepare(
      `SELECT ${rowid} FROM ${name} WHERE true${where} ORDER BY ${order.join(', ')}, ${rowid} LIMIT ?`,
    )
    found.setReturnArrays(true)
    const ids = found
      .all(...values, Number.isFinite(query.limit ?? Number.NaN) ? query.limit! : -1)
      .map((row) => Number((row as unknown as SQLOutputValue[])[0]))
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

/** Types whose values SQLite orders as expressions do. See `SinkDefinition.sorts`. */
export const sorts = ({ kind }: Type): boolean => kind === 'string' || kind === 'integer' || kind === 'number'

/** Types whose stored text has the order of their values if it is spelt like this. */
const spelt: Readonly<Record<string, string>> = {
  date: 'dddd-dd-dd',
  timestamp: 'dddd-dd-ddTdd:dd:dd.dddZ',
}

/**
 * The conditions that SQLite can judge. They hold for every wanted row: a value that others may have spelt in another
 * way passes, and is tested where it was asked for.
 */
function conditionsOf(query: Query, expression: (field: string) => string | undefined, inDocument: boolean) {
  const conditions: string[] = []
  const values: SQLInputValue[] = []
  for (const { field, is, value } of query.where ?? []) {
    const left = expression(field)
    const type = query.type && fieldOf(query.type, field)?.type
    if (left === undefined || !type) continue
    const operator = is === '==' ? '=' : is
    const pattern = spelt[type.kind]?.replaceAll('d', '[0-9]')
    const isExact = sorts(type) || (type.kind === 'boolean' && is === '==') || (type.kind === 'bigint' && !inDocument)
    if (pattern) conditions.push(`(${left} ${operator} ? OR ${left} NOT GLOB '${pattern}')`)
    else if (isExact) conditions.push(`${left} ${operator} ?`)
    else continue
    values.push(toColumn(type)(value))
  }
  return { conditions, values }
}

/** What to sort by: the value in its form in memory, null for one of another type. */
function sortedBy(by: string, ofType: string, { kind }: Type): string {
  if (kind === 'string') return `CASE WHEN ${ofType} = 'text' THEN ${by} END`
  const isNumber = `${ofType} IN ('integer', 'real')`
  if (kind === 'integer') {
    const isWhole = `${by} BETWEEN -9007199254740991 AND 9007199254740991 AND ${by} = CAST(${by} AS INTEGER)`
    return `CASE WHEN ${isNumber} AND ${isWhole} THEN ${by} END`
  }
  const real = `CAST(${by} AS REAL)`
  return `CASE WHEN ${isNumber} AND ${real} BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ${real} END`
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
