/** A store to write to in a test, and rows of every type. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  batch,
  type Env,
  fromJson,
  type OpenContext,
  type PartialWriteError,
  Records,
  type RecordType,
  type Row,
  type Sink,
  type Type,
} from '@millrace/core'
import { fromColumn, identifier } from '@millrace/client-sqlite'
import { afterEach } from 'vitest'
import definitions from '../src/index.ts'
import type { Options } from '../src/options.ts'

const [definition] = definitions
const field = (type: Type, optional = false) => ({ type, optional })
const plain = (
  kind: 'string' | 'boolean' | 'integer' | 'bigint' | 'number' | 'date' | 'time' | 'timestamp' | 'bytes' | 'json',
  optional = false,
) => field({ kind }, optional)

/** A field of every type. */
export const everyType: RecordType = {
  fields: {
    n: plain('integer'),
    text: plain('string', true),
    yes: plain('boolean'),
    large: plain('bigint'),
    ratio: plain('number'),
    price: field({ kind: 'decimal', precision: 20, scale: 2 }),
    day: plain('date'),
    at: plain('timestamp'),
    clock: plain('time'),
    micros: field({ kind: 'fine_timestamp', precision: 6 }),
    nanos: field({ kind: 'fine_timestamp', precision: 9 }),
    raw: plain('bytes'),
    list: field({ kind: 'list', of: plain('bigint', true) }),
    map: field({ kind: 'map', of: plain('bigint', true) }),
    inner: field({ kind: 'object', record: { fields: { at: plain('timestamp'), name: plain('string', true) } } }),
    any: plain('json', true),
  },
}

/** `count` rows of `everyType`, no two alike. */
export const everyRow = (count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({
    n,
    text: n % 3 === 0 ? null : `caf\u00e9 "${n}" \\ \u2028 \u{1F600} \u0001`,
    yes: n % 2 === 0,
    large: 9007199254740993n + BigInt(n),
    ratio: n / 3,
    price: `-${n + 1}345678901234567.10`,
    day: '2010-12-01',
    at: Date.UTC(2010, 11, 1, 8, n % 60, 0, n),
    clock: `08:${String(n % 60).padStart(2, '0')}:00${n % 2 ? '.000001' : ''}`,
    micros: 1291191960000001n + BigInt(n),
    nanos: -1n - BigInt(n),
    raw: new Uint8Array([0, 255, n % 256]),
    list: [1n, null, -(2n ** 63n)],
    map: { 'a.b': 9007199254740993n, '10': null },
    inner: { at: n, name: n % 2 ? 'x' : null },
    any: n % 4 === 0 ? null : { a: [1, 'two', { b: null }], n },
  }))

export const string = (optional = false) => plain('string', optional)
export const integer = (optional = false) => plain('integer', optional)

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

export interface Store {
  readonly root: string
  readonly path: string
  /** A sink, opened; closed at the end of the test. */
  open(
    options: Partial<Options>,
    schema: RecordType,
    more?: Partial<OpenContext> & { readonly id?: string; readonly pipeline?: string },
  ): Promise<Sink>
  env(id?: string, pipeline?: string): Env
  /** Documents by key. */
  documents(collection: string): Record<string, unknown>
  all(sql: string): Row[]
}

export const openContext = (more: Partial<OpenContext> = {}): OpenContext => ({
  signal: new AbortController().signal,
  incarnation: 1,
  start: 'test',
  instance: { i: 0, n: 1 },
  warn: () => {},
  ...more,
})

/** An empty folder for a store, removed at the end of the test. */
export function makeStore(): Store {
  const root = mkdtempSync(join(tmpdir(), 'millrace-sqlite-'))
  cleanups.push(() => rmSync(root, { recursive: true, force: true }))
  const path = join(root, 'store.db')
  const env = (id = 'out', pipeline = 'p'): Env => ({
    root,
    home: root,
    profile: 'local',
    pipeline,
    id,
    resolve: (p) => join(root, p),
  })
  const all = (sql: string): Row[] => readRows(path, sql)
  return {
    root,
    path,
    env,
    all,
    async open(options, schema, { id, pipeline, ...more } = {}) {
      const sink = definition!.create(resolved(options), { ...env(id, pipeline), schema })
      cleanups.push(() => sink.close?.())
      await sink.open?.(openContext(more))
      return sink
    },
    documents: (collection) =>
      Object.fromEntries(
        all(`SELECT id, doc FROM "${collection}" ORDER BY id`).map(({ id, doc }) => [id, JSON.parse(doc as string)]),
      ),
  }
}

export const defaults = { nulls: 'write', on_null: 'error', existing: 'stop' } as const satisfies Partial<Options>

/** Options as the check resolves them. */
export const resolved = (options: Partial<Options>): Options => ({ ...defaults, ...options }) as Options

/** What a query gives, with whole numbers beyond 2^53 as bigint. */
export function readRows(path: string, sql: string): Row[] {
  if (!existsSync(path)) return []
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
  try {
    const statement = db.prepare(sql)
    statement.setReadBigInts(true)
    return statement
      .all()
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, v]) => [
            name,
            typeof v === 'bigint' && Number.isSafeInteger(Number(v)) ? Number(v) : v,
          ]),
        ),
      )
  } finally {
    db.close()
  }
}

/** Documents of a collection as rows in memory. */
export function documentRows(path: string, collection: string, schema: RecordType): Row[] {
  const read = fromJson({ kind: 'object', record: schema })
  return tables(path).includes(collection)
    ? readRows(path, `SELECT doc FROM "${collection}"`).map((row) => read(JSON.parse(row['doc'] as string)) as Row)
    : []
}

/** Rows of a table as rows in memory. */
export function tableRows(path: string, table: string, schema: RecordType): Row[] {
  if (!tables(path).includes(table)) return []
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
  try {
    const statement = db.prepare(`SELECT * FROM "${table}"`)
    statement.setReadBigInts(true)
    return statement
      .all()
      .map((row) =>
        Object.fromEntries(
          Object.entries(schema.fields).map(([name, f]) => [
            name,
            row[name] === null ? null : fromColumn(f.type)(row[name]!),
          ]),
        ),
      )
  } finally {
    db.close()
  }
}

/** Holds the write lock of a store, so that everyone else waits; returns what lets it go. */
export function lockStore(path: string): () => void {
  mkdirSync(dirname(path), { recursive: true })
  const db = new DatabaseSync(path, { timeout: 5000 })
  db.exec('BEGIN IMMEDIATE')
  return () => db.close()
}

/** Makes the place that the options name, and lets it refuse what a condition on `new` says. */
export async function refuseWhere(
  env: Env,
  options: Partial<Options>,
  schema: RecordType,
  condition: string,
): Promise<void> {
  const sink = definition!.create(resolved(options), { ...env, schema })
  await sink.open!(openContext())
  await sink.close!()
  const db = new DatabaseSync(join(env.home, 'store.db'), { timeout: 5000 })
  const table = identifier(options.collection ?? options.table!)
  db.exec(`CREATE TRIGGER refusing BEFORE INSERT ON ${table} WHEN ${condition}
    BEGIN SELECT raise(ABORT, 'not this one'); END`)
  db.close()
}

const tables = (path: string): unknown[] =>
  readRows(path, "SELECT name FROM sqlite_schema WHERE type = 'table'").map((row) => row['name'])

/** Rows as records at the positions `at`, `at + 1`, ... */
export function records(rows: readonly Row[], at = 0): Records {
  return new Records({
    rows,
    from: [{ source: 'in', batch: batch({ split: 's', rows, positionAt: (i) => at + i }) }],
    pipeline: 'p',
  })
}

export const writing = (epoch = 1) => ({ signal: new AbortController().signal, epoch })

/** What failed in a write, in short; empty: nothing. */
export async function failuresOf(
  written: Promise<void> | void,
): Promise<{ index: number; code: string; field?: string | undefined }[]> {
  try {
    await written
    return []
  } catch (error) {
    if ((error as Error).name !== 'PartialWriteError') throw error
    return (error as PartialWriteError).failures.map(({ index, kind, code, field: at }) => {
      if (kind !== 'data') throw new Error(`failure ${index} is of kind ${kind}`, { cause: error })
      return { index, code, ...(at === undefined ? {} : { field: at }) }
    })
  }
}
