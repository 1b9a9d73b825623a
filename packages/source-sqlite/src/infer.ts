/** Infers the type: from the declared columns of a table, or from the first documents of a collection. */
import type { DatabaseSync } from 'node:sqlite'
import { type Field, isDateText, parseJson, type RecordType, type Type } from '@millrace/core'
import { columnsOf, identifier, isCollection, openStoreReader, storeError, tableNamed } from '@millrace/client-sqlite'
import { unknownName } from './names.ts'

/** Documents to inspect. */
const sample = 10_000

/** Throws `MillraceError` if there is no such collection or table. */
export function inferType(
  path: string,
  o: { readonly collection?: string | undefined; readonly table?: string | undefined },
  signal: AbortSignal,
): RecordType {
  const db = openStoreReader(path)
  try {
    const name = o.collection ?? o.table!
    if (tableNamed(db, name) !== name || isCollection(db, name) === (o.collection === undefined))
      throw unknownName(db, name)
    return o.collection === undefined ? tableType(db, name) : documentsType(db, name, signal)
  } catch (error) {
    throw storeError(error, path) ?? error
  } finally {
    db.close()
  }
}

function tableType(db: DatabaseSync, table: string): RecordType {
  const kindOf = (declared: string): 'integer' | 'string' | 'number' | 'bytes' => {
    if (declared.includes('INT')) return 'integer'
    if (declared.includes('BLOB')) return 'bytes'
    return /REAL|FLOA|DOUB|NUM|DEC/.test(declared) ? 'number' : 'string'
  }
  const fields = columnsOf(db, table).map(({ name, type, required }): [string, Field] => [
    name,
    { type: { kind: kindOf(type) }, optional: !required },
  ])
  return { fields: Object.fromEntries(fields) }
}

function documentsType(db: DatabaseSync, collection: string, signal: AbortSignal): RecordType {
  const seen = new Map<string, { type: Type; n: number }>()
  let documents = 0
  for (const { doc } of db.prepare(`SELECT doc FROM ${identifier(collection)} LIMIT ${sample}`).iterate()) {
    signal.throwIfAborted()
    const parsed = parseJson(doc as string)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) continue
    documents++
    for (const [name, value] of Object.entries(parsed)) {
      if (value === null) continue
      const before = seen.get(name)
      seen.set(name, { type: before ? joined(before.type, typeOf(value)) : typeOf(value), n: (before?.n ?? 0) + 1 })
    }
  }
  return {
    fields: Object.fromEntries([...seen].map(([name, { type, n }]) => [name, { type, optional: n < documents }])),
  }
}

const timestampText = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

function typeOf(value: unknown): Type {
  if (typeof value === 'boolean') return { kind: 'boolean' }
  if (typeof value === 'bigint') return { kind: BigInt.asIntN(64, value) === value ? 'bigint' : 'json' }
  if (typeof value === 'number') return { kind: Number.isSafeInteger(value) ? 'integer' : 'number' }
  if (typeof value !== 'string') return { kind: 'json' }
  if (isDateText(value)) return { kind: 'date' }
  return { kind: timestampText.test(value) ? 'timestamp' : 'string' }
}

/** The narrowest type for the values of both. */
function joined(a: Type, b: Type): Type {
  if (a.kind === b.kind) return a
  const kinds = new Set([a.kind, b.kind])
  const among = (...allowed: Type['kind'][]) => [...kinds].every((kind) => allowed.includes(kind))
  if (among('integer', 'number')) return { kind: 'number' }
  if (among('integer', 'bigint')) return { kind: 'bigint' }
  return { kind: among('string', 'date', 'timestamp') ? 'string' : 'json' }
}
