/** A table with typed columns: created from the record's type, or checked if it exists. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { isWellFormed, MillraceError, type RecordType, type Row, type Type, typeText } from '@millrace/core'
import { type Column, columnsOf, columnType, identifier, tableNamed, toColumn } from '@millrace/client-sqlite'
import { encodingFault } from '@millrace/formats'

/** The definition of the columns, as in CREATE TABLE. Required fields and the key are NOT NULL. */
export function columnDefinitions(schema: RecordType, key: readonly string[] = []): string[] {
  const columns = Object.entries(schema.fields).map(
    ([name, field]) =>
      `${identifier(name)} ${columnType(field.type)}${field.optional && !key.includes(name) ? '' : ' NOT NULL'}`,
  )
  return key.length > 0 ? [...columns, `PRIMARY KEY (${key.map(identifier).join(', ')})`] : columns
}

/** Creates the table, or throws `MillraceError` if the existing one cannot store the records. */
export function createTable(
  db: DatabaseSync,
  table: string,
  schema: RecordType,
  key: readonly string[] | undefined,
): void {
  const there = tableNamed(db, table)
  if (there === undefined) {
    db.exec(`CREATE TABLE ${identifier(table)} (${columnDefinitions(schema, key).join(', ')}) STRICT`)
    return
  }
  const columns = new Map(columnsOf(db, there).map((column) => [column.name.toLowerCase(), column]))
  const wrong: string[] = []
  for (const [name, { type }] of Object.entries(schema.fields)) {
    const column = columns.get(name.toLowerCase())
    if (!column) wrong.push(`there is no column ${name}`)
    else if (!canStore(affinity(column.type), type))
      wrong.push(`the column ${name} is ${column.type || 'untyped'} and would alter values of type ${typeText(type)}`)
  }
  if (key && !hasUniqueIndex(db, there, key)) wrong.push(`no unique index covers exactly ${key.join(', ')}`)
  if (wrong.length > 0) {
    throw new MillraceError('table_differs', `the table ${there} cannot store these records: ${wrong.join('; ')}`, {
      hint: 'alter the table, convert the records to its columns with `select` and `cast`, or choose another table',
      exitCode: 3,
    })
  }
}

type Affinity = 'TEXT' | 'INTEGER' | 'REAL' | 'NUMERIC' | 'NONE'

/** The column affinity of a declared type: sqlite.org/datatype3.html, section 3.1. */
function affinity(declared: string): Affinity {
  if (declared.includes('INT')) return 'INTEGER'
  if (/CHAR|CLOB|TEXT/.test(declared)) return 'TEXT'
  if (declared === '' || declared === 'ANY' || declared.includes('BLOB')) return 'NONE'
  return /REAL|FLOA|DOUB/.test(declared) ? 'REAL' : 'NUMERIC'
}

/** Whether a value of the type is read back from such a column unchanged. */
function canStore(column: Affinity, type: Type): boolean {
  if (column === 'NONE') return true
  switch (columnType(type)) {
    case 'TEXT':
      return column === 'TEXT'
    case 'INTEGER':
      return column === 'INTEGER' || column === 'NUMERIC'
    case 'REAL':
      return column === 'REAL' || column === 'NUMERIC'
    case 'BLOB':
      return false
  }
}

function hasUniqueIndex(db: DatabaseSync, table: string, key: readonly string[]): boolean {
  const same = (names: readonly string[]) =>
    names.length === key.length &&
    key.every((name) => names.some((other) => other.toLowerCase() === name.toLowerCase()))
  const primary = columnsOf(db, table).filter((column: Column) => column.key > 0)
  if (same(primary.map((column) => column.name))) return true
  const indexes = db.prepare('SELECT name FROM pragma_index_list(?) WHERE "unique" = 1 AND partial = 0').all(table)
  return indexes.some((index) =>
    same(
      db
        .prepare('SELECT name FROM pragma_index_info(?)')
        .all(index['name']!)
        .map((column) => String(column['name'])),
    ),
  )
}

/** Binds rows in the order of their columns. */
export interface Binder {
  readonly names: readonly string[]
  /** Puts the values of a row from `at` on; returns the problem of the first value that cannot be bound. */
  bind(row: Row, into: SQLInputValue[], at: number): Unbindable | undefined
}

export interface Unbindable {
  readonly code: string
  readonly message: string
  readonly field: string
}

/** Makes the binder of a record type. Whole numbers are bound as integers even if the column is untyped. */
export function compileBinder(schema: RecordType): Binder {
  const columns = Object.entries(schema.fields).map(([name, { type }]) => ({
    name,
    write:
      type.kind === 'integer'
        ? (value: unknown) => BigInt(value as number)
        : type.kind === 'bigint'
          ? bits64
          : toColumn(type),
    holdsText: ['string', 'list', 'map', 'object', 'json'].includes(type.kind),
  }))
  return {
    names: columns.map(({ name }) => name),
    bind(row, into, at) {
      for (let k = 0; k < columns.length; k++) {
        const { name, write, holdsText } = columns[k]!
        const value = row[name] ?? null
        if (holdsText && !isWellFormed(value))
          return {
            code: 'bad_text',
            message: `${name} has an unpaired surrogate, which is not a character`,
            field: name,
          }
        try {
          into[at + k] = value === null ? null : write(value)
        } catch (error) {
          return { ...encodingFault(error, name), field: name }
        }
      }
      return undefined
    },
  }
}

function bits64(value: unknown): bigint {
  if (BigInt.asIntN(64, value as bigint) === value) return value as bigint
  throw new RangeError(`${value as bigint} does not fit in 64 bits`)
}
