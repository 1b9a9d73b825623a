import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openLog } from '@millrace/client-log'
import { wireText, type WireText } from '@millrace/core'
import { sourceContract, type WireRecord } from '@millrace/testkit'
import { describe } from 'vitest'

const schema = {
  fields: { n: { type: { kind: 'integer' }, optional: false }, when: { type: { kind: 'string' }, optional: true } },
} as const
const rows = Array.from({ length: 40 }, (_, n) => ({ n, when: n % 3 ? `1/${1 + (n % 28)}/2011` : null }))
const options = {
  stream: 'orders',
  path: 'log',
  format: 'json',
  value_field: 'value',
  start: 'earliest',
  on_gap: 'fail',
  poll: 5,
}
const push = {
  columns: [
    { name: 'day', from: 'when', date: { step: 'dates', formats: ['M/d/yyyy'], zone: 'UTC', to: 'yyyy-MM-dd' } },
    { name: 'number', from: 'n' },
  ],
}

const idOf = (log: number) => `3f6c2a5e-0000-4000-8000-00000000000${log}`
const anyPosition = { since: '0.1.0', split: '0', position: { log: idOf(1), next: 10 }, next: 10 }
/** Rows have a key, a time and headers from beside the value. */
const besideType = {
  fields: {
    ...schema.fields,
    key: { type: { kind: 'string' }, optional: false },
    published: { type: { kind: 'timestamp' }, optional: false },
    headers: { type: { kind: 'json' }, optional: true },
  },
} as const
const besideRows = rows.map((row, i) => ({
  ...row,
  key: `k${i}`,
  published: 1000 + Math.floor(i / 10),
  headers: { a: `é${i}` },
}))
const besideOptions = { key_field: 'key', timestamp_field: 'published', headers_field: 'headers' }

/**
 * Four writes of ten records to each partition, the last with two values that are no records, and one without a key.
 */
function fill(root: string, partitions: number, id = 1): void {
  mkdirSync(join(root, 'log'), { recursive: true })
  const path = join(root, 'log', 'orders.db')
  rmSync(path, { force: true })
  const log = openLog(path, { partitions })!
  for (let at = 0; at < 40; at += 10) {
    const values = rows.slice(at, at + 10).map((row) => JSON.stringify(row))
    const keys: (string | null)[] = values.map((_, i) => `k${at + i}`)
    if (at === 30) {
      values.push('no json', '{"n":1.5}', '{"n":7}')
      keys.push('a', 'b', null)
    }
    log.append([
      {
        partition: (at / 10) % partitions,
        count: values.length,
        time: 1000 + at / 10,
        ids: values.map((_, i) => `id${at + i}`),
        keys,
        headers: values.map((_, i) => [['a', `é${at + i}`]]),
        nulls: undefined,
        body: Buffer.from(`${values.join('\n')}\n`),
        ends: undefined,
      },
    ])
  }
  log.close()
  // The positions that were released name this log.
  const db = new DatabaseSync(path)
  db.exec(`UPDATE meta SET value = '${idOf(id)}' WHERE key = 'id'`)
  db.close()
}

const text = (base64: string): WireText => wireText(Buffer.from(base64, 'base64'))

/** Records with nothing but what they are given. */
const wire = {
  put({ root }: { readonly root: string }, records: readonly WireRecord[]) {
    mkdirSync(join(root, 'log'), { recursive: true })
    const log = openLog(join(root, 'log', 'orders.db'), { partitions: 1 })!
    log.append([
      {
        partition: 0,
        count: records.length,
        time: 1000,
        ids: records.map((_, i) => `id${i}`),
        keys: records.map(({ key }) => (key === null ? null : text(key))),
        headers: records.map(({ headers }) =>
          headers.map(([name, value]) => [text(name), value === null ? null : text(value)]),
        ),
        nulls: new Set(records.flatMap(({ value }, i) => (value === null ? [i] : []))),
        body: Buffer.concat(records.map(({ value }) => Buffer.from(`${Buffer.from(value ?? '', 'base64')}\n`))),
        ends: undefined,
      },
    ])
    log.close()
    return { ...options, stop: 'end' }
  },
}

const bad = [{ code: 'bad_json' }, { code: 'not_integer', field: 'n' }]
for (const stop of ['end', 'never']) {
  for (const partitions of [1, 3]) {
    sourceContract({
      module: new URL('../src/index.ts', import.meta.url),
      type: 'log',
      wire,
      ...(partitions === 1 ? { positions: new URL('positions.json', import.meta.url) } : { positions: [anyPosition] }),
      setup({ root }) {
        fill(root, partitions)
        return {
          options: { ...options, stop },
          schema,
          push,
          rows: [...rows, { n: 7, when: null }],
          bad,
          replace: () => fill(root, partitions, 2),
        }
      },
    })
  }
}

describe('with fields from beside the value', () => {
  sourceContract({
    module: new URL('../src/index.ts', import.meta.url),
    type: 'log',
    wire,
    positions: new URL('positions.json', import.meta.url),
    setup({ root }) {
      fill(root, 1)
      return {
        options: { ...options, ...besideOptions, stop: 'end' },
        schema: besideType,
        rows: besideRows,
        bad: [...bad, { code: 'missing_value', field: 'key' }],
      }
    },
  })
})
