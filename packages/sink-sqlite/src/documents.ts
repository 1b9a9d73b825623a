/**
 * Documents in a collection: a table of key, JSON text, and, for what was inserted under a key of its own, the id of the record that did.
 *
 * A write is one transaction. Documents are bound fifty a statement, a quarter less CPU than a statement each; building the JSON text in any other way than by
 * JSON.stringify gains nothing beside that. The table has rowids, since every index would repeat a long key otherwise. `set` reads each document that a batch
 * touches once, merges all of the batch's records into it in order, and writes it once.
 *
 * What cannot be stored is told by index, and the rest is written. The same records written again leave the same documents.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  compileKey,
  isWellFormed,
  PartialWriteError,
  type RecordType,
  type Records,
  type Row,
  type Sink,
  type SinkContext,
  toJson,
  type WriteFailure,
} from '@millrace/core'
import {
  compileSet,
  identifier,
  keyFields,
  openStoreWriter,
  rowError,
  type SetFields,
  setOwn,
  transaction,
} from '@millrace/formats'
import { createCollection } from './collection.ts'
import { type Options, writeOf } from './options.ts'

/** Documents bound to one statement. */
const perStatement = 50

/** What cannot be stored, by index. */
type Failures = Map<number, WriteFailure>

/** Makes the sink. `collection` is set. */
export function documentsSink(o: Options, ctx: SinkContext, path: string): Sink {
  const collection = o.collection!
  const write = writeOf(o)
  const keyNames = keyFields(o)
  const key = keyNames && compileKey(ctx.schema, keyNames)
  const encode = compileDocument(ctx.schema, o.nulls)
  const fieldsOf = write === 'set' ? compileSet(o, ctx.schema, toJson) : undefined
  let db: DatabaseSync
  let sql: Statements

  /** The key of each record; those without one, or with one that is no text, go to `failures`. */
  const keysOf = (records: Records, failures: Failures): string[] => {
    if (!key) return records.ids()
    const keys = new Array<string>(records.length)
    for (let i = 0; i < keys.length; i++) {
      const row = records.rows[i]!
      try {
        const made = key(row)
        if (made?.isWellFormed()) keys[i] = made
        else refuseKey(failures, i, keyNames, row)
      } catch (error) {
        refuseTime(failures, i, error)
      }
    }
    return keys
  }

  const documentsOf = (records: Records, failures: Failures): string[] => {
    const documents = new Array<string>(records.length)
    for (let i = 0; i < documents.length; i++) {
      const row = records.rows[i]!
      try {
        const document = (documents[i] = encode(row))
        // Only half of a surrogate pair is written as \ud..., or a text that spells it out.
        if (document.includes('\\ud') && !isWellFormed(row)) {
          const field = Object.keys(row).find((name) => !name.isWellFormed() || !isWellFormed(row[name]))
          refuse(failures, i, 'bad_text', `${field} ${half}`, field)
        }
      } catch (error) {
        refuseTime(failures, i, error)
      }
    }
    return documents
  }

  return {
    async open({ signal }) {
      db = await openStoreWriter(path, signal, (made) => createCollection(made, collection, o.indexes ?? []))
      sql = prepare(db, collection)
    },

    async write(records, { signal }) {
      if (records.length === 0) return
      const failures: Failures = new Map()
      const keys = keysOf(records, failures)
      const documents = write === 'upsert' || write === 'insert' ? documentsOf(records, failures) : []
      const good: number[] = []
      for (let i = 0; i < records.length; i++) if (!failures.has(i)) good.push(i)
      await transaction(db, path, signal, () => {
        if (write === 'set') setAll(sql, fieldsOf!, records, keys, good, failures)
        else if (write === 'delete') for (const i of good) sql.remove.run(keys[i]!)
        else if (write === 'insert' && key) insertAll(sql, records, keys, documents, good, failures)
        else upsertAll(sql, keys, documents, good, failures)
      })
      if (failures.size > 0) throw new PartialWriteError([...failures.values()].toSorted((a, b) => a.index - b.index))
    },

    async close() {
      if (db?.isOpen) db.close()
    },
  }
}

/** A row to its JSON text. */
function compileDocument(schema: RecordType, nulls: 'write' | 'omit'): (row: Row) => string {
  const plain = toJson({ kind: 'object', record: schema })
  if (nulls === 'write') return (row) => JSON.stringify(plain(row))
  return (row) =>
    JSON.stringify(Object.fromEntries(Object.entries(plain(row) as Row).filter(([, value]) => value !== null)))
}

interface Statements {
  readonly put: StatementSync
  readonly putMany: StatementSync
  readonly insert: StatementSync
  readonly get: StatementSync
  readonly remove: StatementSync
}

function prepare(db: DatabaseSync, collection: string): Statements {
  const table = identifier(collection)
  const replace = 'ON CONFLICT (id) DO UPDATE SET doc = excluded.doc'
  return {
    put: db.prepare(`INSERT INTO ${table} (id, doc) VALUES (?, ?) ${replace}`),
    putMany: db.prepare(
      `INSERT INTO ${table} (id, doc) VALUES ${Array(perStatement).fill('(?, ?)').join()} ${replace}`,
    ),
    insert: db.prepare(
      `INSERT INTO ${table} (id, doc, record) VALUES (?, ?, ?) ${replace} WHERE record = excluded.record`,
    ),
    get: db.prepare(`SELECT doc FROM ${table} WHERE id = ?`),
    remove: db.prepare(`DELETE FROM ${table} WHERE id = ?`),
  }
}

const half = 'holds half of a surrogate pair, which is no character'

function refuse(failures: Failures, index: number, code: string, message: string, field?: string): void {
  failures.set(index, { index, kind: 'data', code, message, ...(field === undefined ? {} : { field }) })
}

function refuseKey(failures: Failures, index: number, keyFields: readonly string[], row: Row): void {
  const missing = keyFields.find((name) => (row[name] ?? null) === null)
  if (missing !== undefined)
    return refuse(failures, index, 'null_key', `the key ${keyFields.join(', ')} has a part that is null`, missing)
  const field = keyFields.find((name) => !isWellFormed(row[name]))
  refuse(failures, index, 'bad_text', `${field} ${half}`, field)
}

/** A time outside of the years that have a text form is a data error; anything else is none of the record's. */
function refuseTime(failures: Failures, index: number, error: unknown): void {
  if (!(error instanceof RangeError)) throw error
  refuse(failures, index, 'out_of_range', error.message)
}

/** Runs the statement of these records, mostly one; a refusal of the store goes to `failures`. */
function tryAll(of: readonly number[], failures: Failures, run: () => void): void {
  try {
    run()
  } catch (error) {
    const refused = rowError(error)
    if (!refused) throw error
    for (const i of of) refuse(failures, i, refused.code, refused.message)
  }
}

function upsertAll(
  sql: Statements,
  keys: readonly string[],
  documents: readonly string[],
  good: readonly number[],
  failures: Failures,
): void {
  const values = new Array<string>(2 * perStatement)
  for (let k = 0; k < good.length; ) {
    const end = Math.min(good.length, k + perStatement)
    if (end - k === perStatement) {
      for (let j = 0; j < perStatement; j++) {
        const i = good[k + j]!
        values[2 * j] = keys[i]!
        values[2 * j + 1] = documents[i]!
      }
      try {
        sql.putMany.run(...values)
        k = end
        continue
      } catch (error) {
        // One of them is refused: the statement has done nothing, and they are tried one by one.
        if (!rowError(error)) throw error
      }
    }
    for (; k < end; k++) {
      const i = good[k]!
      tryAll([i], failures, () => sql.put.run(keys[i]!, documents[i]!))
    }
  }
}

/** Under a key of its own, a record that comes again replaces what it inserted; any other record finds the key taken. */
function insertAll(
  sql: Statements,
  records: Records,
  keys: readonly string[],
  documents: readonly string[],
  good: readonly number[],
  failures: Failures,
): void {
  const ids = records.ids()
  for (const i of good) {
    tryAll([i], failures, () => {
      const { changes } = sql.insert.run(keys[i]!, documents[i]!, ids[i]!)
      if (Number(changes) === 0)
        refuse(failures, i, 'key_exists', `there is a document with the key ${keys[i]!} already, of another record`)
    })
  }
}

function setAll(
  sql: Statements,
  fieldsOf: SetFields,
  records: Records,
  keys: readonly string[],
  good: readonly number[],
  failures: Failures,
): void {
  const touched = new Map<string, { readonly doc: Row; readonly of: number[] }>()
  for (const i of good) {
    try {
      const set = fieldsOf(records.rows[i]!)
      if ('code' in set) refuse(failures, i, set.code, set.message, set.field)
      else {
        let entry = touched.get(keys[i]!)
        if (!entry) {
          const found = sql.get.get(keys[i]!)
          touched.set(keys[i]!, (entry = { doc: found ? (JSON.parse(found['doc'] as string) as Row) : {}, of: [] }))
        }
        for (const [name, value] of set) setOwn(entry.doc, name, value)
        entry.of.push(i)
      }
    } catch (error) {
      refuseTime(failures, i, error)
    }
  }
  for (const [id, { doc, of }] of touched) tryAll(of, failures, () => sql.put.run(id, JSON.stringify(doc)))
}
