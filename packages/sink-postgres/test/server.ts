/** A schema of its own on the real server, for live tests. */
import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import {
  batch,
  type Field,
  fromText,
  type OpenContext,
  Records,
  type RecordType,
  type Row,
  type Sink,
  type Type,
} from '@millrace/core'
import { cuttingProxy } from '@millrace/testkit'
import { afterEach } from 'vitest'
import definitions from '../src/index.ts'
import type { Options } from '../src/options.ts'

const [definition] = definitions
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

const field = (type: Type, optional = false): Field => ({ type, optional })
const plain = (
  kind: Exclude<Type['kind'], 'decimal' | 'fine_timestamp' | 'list' | 'map' | 'object'>,
  optional = false,
): Field => field({ kind }, optional)

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
/** Rows with extremes, null, empty text, and everything that COPY escapes. */
export const everyRow = (count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({
    n: n % 2 ? n : n - 9007199254740991,
    text: n % 4 === 0 ? null : n % 4 === 1 ? '' : `caf\u00e9 "${n}" \u{1F600} \\N \\. \t\r\n\u0001\\`,
    yes: n % 2 === 0,
    large: n % 2 ? 9223372036854775807n : -9223372036854775808n + BigInt(n),
    ratio: n % 3 ? n / 3 : 1.7976931348623157e308,
    price: `-${n + 1}345678901234567.10`,
    day: n % 2 ? '2010-12-01' : '0001-01-01',
    at: Date.UTC(2010, 11, 1, 8, n % 60, 0, n),
    clock: n % 2 ? '08:26:00' : '08:26:00.5',
    micros: 1291191960000001n + BigInt(n),
    nanos: 1291191960000000001n + BigInt(n),
    raw: new Uint8Array([0, 255, n % 256, 92, 9]),
    list: [1n, null, -(2n ** 63n)],
    map: { 'a.b': 1n, $x: null },
    inner: { at: n, name: n % 2 ? 'x' : null },
    any: n % 4 === 0 ? null : { a: [1, 'two\n', { b: null }], n },
  }))

/** Resolved options, with the defaults. */
export const resolved = (options: Partial<Options>): Options =>
  ({ schema: 'public', write: 'append', existing: 'stop', ...options }) as Options

export interface Place {
  readonly schema: string
  /** Through a proxy that breaks the connection on demand. */
  readonly url: string
  readonly proxy: Awaited<ReturnType<typeof cuttingProxy>>
  /** By the driver alone. */
  query(sql: string, values?: unknown[]): Promise<Row[]>
  /** A sink, opened; closed at the end of the test. */
  open(options: Partial<Options>, record: RecordType, more?: Partial<OpenContext>): Promise<Sink>
}

/** A new schema, dropped at the end. */
export async function makePlace(
  url: string,
  defer: (cleanup: () => unknown) => void = (cleanup) => void cleanups.push(cleanup),
): Promise<Place> {
  const schema = `t_${randomUUID().slice(0, 8)}`
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(`CREATE SCHEMA ${schema}; SET search_path TO ${schema}`)
  defer(async () => {
    await client.query(`DROP SCHEMA ${schema} CASCADE`)
    await client.end()
  })
  const { hostname, port, username, pathname } = new URL(url)
  const proxy = await cuttingProxy(Number(port), hostname)
  defer(() => proxy.close())
  const through = `postgres://${username}@127.0.0.1:${proxy.port}${pathname}`
  return {
    schema,
    url: through,
    proxy,
    query: async (sql, values) => (await client.query<Row>(sql, values)).rows,
    async open(options, record, more = {}) {
      const env = { root: '/', home: '/', profile: 'live', pipeline: 'p', id: 'out', resolve: (path: string) => path }
      const sink = definition!.create(resolved({ url: through as never, schema, ...options }), {
        ...env,
        schema: record,
      })
      defer(() => sink.close?.())
      const signal = new AbortController().signal
      await sink.open!({ signal, incarnation: 1, start: 's', instance: { i: 0, n: 1 }, warn: () => {}, ...more })
      return sink
    },
  }
}

/**
 * Rows of a table as rows in memory: everything as text by the server, so that no driver alters a value. `columnOf`:
 * the column of a field.
 */
export async function tableRows(
  place: { readonly schema: string; query(text: string, values?: unknown[]): Promise<Row[]> },
  table: string,
  record: RecordType,
  columnOf: (field: string) => string = (field) => field,
): Promise<Row[]> {
  const there = await place.query('SELECT to_regclass($1) AS name', [`${place.schema}."${table}"`])
  if (there[0]!['name'] === null) return []
  const fields = Object.entries(record.fields)
  const columns = fields.map(([name, { type }]) => `${asText(type, `"${columnOf(name)}"`)} AS "${name}"`)
  const rows = await place.query(`SELECT ${columns.join(', ')} FROM ${place.schema}."${table}"`)
  return rows.map((row) =>
    Object.fromEntries(
      fields.map(([name, { type }]) => {
        const value = row[name] as string | null
        if (value === null) return [name, null]
        return [name, type.kind === 'boolean' ? value === 'true' : fromText(type)(value)]
      }),
    ),
  )
}

function asText(type: Type, column: string): string {
  if (type.kind === 'bytes') return `translate(encode(${column}, 'base64'), E'\\n', '')`
  if (type.kind === 'timestamp' || (type.kind === 'fine_timestamp' && type.precision === 6))
    return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
  return `${column}::text`
}

/** Rows as records at the positions `at`, `at + 1`, ... */
export const records = (rows: readonly Row[], at = 0): Records =>
  new Records({
    rows,
    from: [{ source: 'in', batch: batch({ split: 's', rows, positionAt: (i) => at + i }) }],
    pipeline: 'p',
  })
