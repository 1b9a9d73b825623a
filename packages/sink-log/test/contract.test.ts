import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type RecordType, type Row, wireBytes } from '@millrace/core'
import { openLog } from '@millrace/client-log'
import { type Faulty, sinkContract, type SinkSetup, type WireRecord } from '@millrace/testkit'

const field = (kind: 'integer' | 'string' | 'timestamp' | 'bytes' | 'json', optional = true) => ({
  type: { kind },
  optional,
})
const schema: RecordType = {
  fields: { n: field('integer'), name: field('string'), at: field('timestamp'), any: field('json') },
}
const rows = Array.from({ length: 40 }, (_, n) => ({ n, name: n % 4 ? `n ${n}` : null }))

/** Values of a stream, read apart from our own source. */
function valuesOf(path: string): Buffer[] {
  const log = openLog(path)
  if (!log) return []
  const found: Buffer[] = []
  for (let p = 0; p < log.partitions; p++) {
    for (const { body, ends, count } of log.read(p, 0, 1e9)) {
      const bytes = Buffer.from(body)
      for (let i = 0, at = 0; i < count; i++) {
        const end = ends ? ends[i]! : bytes.indexOf(10, at)
        found.push(bytes.subarray(at, end))
        at = ends ? end : end + 1
      }
    }
  }
  log.close()
  return found
}

/** Holds the lock of the stream's file. */
function lock(path: string): () => void {
  mkdirSync(join(path, '..'), { recursive: true })
  const db = new DatabaseSync(path, { timeout: 5000 })
  db.exec('BEGIN IMMEDIATE')
  return () => db.close()
}

const defaults = { stream: 'orders', path: 'log', format: 'json', value_field: 'value', order: 'strict' }

/** The records of a stream, read apart from our own source. */
function recordsOf(path: string): WireRecord[] {
  const base64 = (text: Parameters<typeof wireBytes>[0]) => wireBytes(text).toString('base64')
  const values = valuesOf(path)
  const log = openLog(path)!
  const found = log.read(0, 0, 1e9).flatMap(({ base, count, keys, headers, nulls }) =>
    Array.from({ length: count }, (_, i): WireRecord => {
      const key = keys?.[i] ?? null
      return {
        key: key === null ? null : base64(key),
        value: nulls?.has(i) ? null : values[base + i]!.toString('base64'),
        headers: (headers?.[i] ?? []).map(([name, value]) => [base64(name), value === null ? null : base64(value)]),
      }
    }),
  )
  log.close()
  return found
}

const wire = {
  place: ({ root }: { readonly root: string }) => ({
    options: { ...defaults, partitions: 1 },
    contents: () => recordsOf(join(root, 'log', 'orders.db')),
  }),
}

const contract = (setup: Omit<SinkSetup, 'refused' | 'hang' | 'visible'>, rowOf: (value: Buffer) => Row) =>
  sinkContract({
    module: new URL('../src/index.ts', import.meta.url),
    type: 'log',
    wire,
    setup: ({ root }) => ({
      ...setup,
      visible: () => valuesOf(join(root, 'log', 'orders.db')).map(rowOf),
      refused: { none: 'the log takes any bytes' },
      hang: () => lock(join(root, 'log', 'orders.db')),
    }),
  })

const unencodable: Faulty[] = [{ row: { n: 100, at: 9e15 }, code: 'out_of_range' }]

contract(
  {
    options: { ...defaults, partitions: 1 },
    schema,
    rows,
    nullKeys: { none: 'no key is asked for' },
    unencodable,
  },
  (value) => JSON.parse(String(value)) as Row,
)

contract(
  {
    options: { ...defaults, partitions: 3, key: ['n', 'name'], headers_field: 'any' },
    schema,
    rows: rows.map((row) => ({ ...row, name: row.name ?? 'none' })),
    nullKeys: ['n', 'name'],
    unencodable: [
      { row: { n: 100, name: 'late', at: 9e15 }, code: 'out_of_range' },
      { row: { n: 101, name: 'no texts', any: { a: 1 } }, code: 'bad_headers' },
      { row: { n: 102, name: 'no object', any: 'text' }, code: 'bad_headers' },
    ],
  },
  (value) => JSON.parse(String(value)) as Row,
)

contract(
  {
    options: { ...defaults, partitions: 2, format: 'text', value_field: 'name', key: 'at' },
    schema: { fields: { name: field('string'), at: field('timestamp') } },
    rows: rows.map(({ n }) => ({ name: `text ${n}`, at: 0 })),
    nullKeys: ['at'],
    unencodable: [
      { row: { name: 'half \ud83d', at: 0 }, code: 'bad_text' },
      { row: { name: null, at: 0 }, code: 'missing_value' },
      { row: { name: 'late', at: 9e15 }, code: 'out_of_range' },
    ],
  },
  (value) => ({ name: String(value), at: 0 }),
)
