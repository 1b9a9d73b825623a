/** A store with things to read. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Field, RecordType, Row, Type } from '@millrace/core'
import { openStoreWriter } from '@millrace/client-sqlite'

const field = (type: Type, optional = false): Field => ({ type, optional })
const plain = (
  kind: Exclude<Type['kind'], 'decimal' | 'fine_timestamp' | 'list' | 'map' | 'object'>,
  optional = false,
): Field => field({ kind }, optional)

/** Documents of many types, with their key. */
export const documentType: RecordType = {
  fields: {
    _id: plain('string'),
    n: plain('integer'),
    text: plain('string', true),
    large: plain('bigint'),
    price: field({ kind: 'decimal', precision: 10, scale: 2 }),
    at: plain('timestamp'),
    raw: plain('bytes', true),
    list: field({ kind: 'list', of: plain('integer') }),
    map: field({ kind: 'map', of: plain('integer') }),
  },
}

export const documentRows = (count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({
    _id: `r/in/s@${n}`,
    n,
    text: n % 3 ? `caf\u00e9 "${n}"` : null,
    large: 9007199254740993n + BigInt(n),
    price: `${n}.10`,
    at: Date.UTC(2010, 11, 1) + n,
    raw: n % 2 ? new Uint8Array([n % 256, 255]) : null,
    list: [n, n + 1],
    map: { a: n, '10': n + 1 },
  }))

/** The same as sink-sqlite stores it. */
const documentText = ({ _id, ...row }: Row): string =>
  JSON.stringify({
    ...row,
    large: String(row['large']),
    at: new Date(row['at'] as number).toISOString(),
    raw: row['raw'] && Buffer.from(row['raw'] as Uint8Array).toString('base64'),
  })

export function withStore<T>(path: string, body: (db: DatabaseSync) => T): T {
  mkdirSync(dirname(path), { recursive: true })
  const db = new DatabaseSync(path, { timeout: 5000 })
  try {
    db.exec('PRAGMA journal_mode = WAL')
    return body(db)
  } finally {
    db.close()
  }
}

const idOf = (n: number) => `5a1c7f0e-0000-4000-8000-00000000000${n}`

/** Makes a store of our own of it, as whoever writes to it does, with ids that end in this number and the next. */
export async function own(path: string, table: string, id: number): Promise<void> {
  const db = await openStoreWriter(path, new AbortController().signal, () => {})
  db.prepare(`UPDATE _millrace_ids SET id = ? WHERE name = ''`).run(idOf(id))
  db.prepare('UPDATE _millrace_ids SET id = ? WHERE name = ?').run(idOf(id + 1), table)
  db.close()
}

export function putDocuments(
  path: string,
  collection: string,
  rows: readonly Row[],
  more: Readonly<Record<string, string>> = {},
): void {
  withStore(path, (db) => {
    db.exec(
      `CREATE TABLE IF NOT EXISTS "${collection}" (id TEXT PRIMARY KEY NOT NULL, doc TEXT NOT NULL, record TEXT) STRICT; BEGIN`,
    )
    const put = db.prepare(`INSERT OR REPLACE INTO "${collection}" (id, doc) VALUES (?, ?)`)
    for (const row of rows) put.run(row['_id'] as string, documentText(row))
    for (const [id, doc] of Object.entries(more)) put.run(id, doc)
    db.exec('COMMIT')
  })
}

export const tableType: RecordType = {
  fields: {
    name: plain('string'),
    n: plain('integer'),
    yes: plain('boolean'),
    large: plain('bigint', true),
    ratio: plain('number'),
    price: field({ kind: 'decimal', precision: 10, scale: 2 }),
    at: plain('timestamp'),
    raw: plain('bytes'),
    any: plain('json', true),
  },
}

/** In the order of (name, n). */
export const tableRows = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({
    name: i < count / 2 ? 'a' : 'b',
    n: i,
    yes: i % 2 === 0,
    large: i % 3 ? 2n ** 63n - 1n - BigInt(i) : null,
    ratio: i / 4,
    price: `-${i}.05`,
    at: Date.UTC(2011, 0, 1) + i,
    raw: new Uint8Array([i % 256]),
    any: i % 5 ? { i } : null,
  }))

export function putTable(path: string, table: string, rows: readonly Row[], constraint = ''): void {
  withStore(path, (db) => {
    db.exec(
      `CREATE TABLE "${table}" (name TEXT NOT NULL, n INTEGER NOT NULL, yes INTEGER, large INTEGER, ratio REAL, price TEXT, at TEXT, raw BLOB, "any" TEXT, extra TEXT DEFAULT 'x' ${constraint}; BEGIN`,
    )
    const put = db.prepare(
      `INSERT INTO "${table}" (name, n, yes, large, ratio, price, at, raw, "any") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    for (const row of rows) {
      const { name, n, yes, large, ratio, price, at, raw, any } = row
      put.run(
        name as string,
        BigInt(n as number),
        yes ? 1 : 0,
        large as bigint,
        ratio as number,
        price as string,
        new Date(at as number).toISOString(),
        raw as Uint8Array,
        any ? JSON.stringify(any) : null,
      )
    }
    db.exec('COMMIT')
  })
}
