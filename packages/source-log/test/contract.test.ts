import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openLog } from '@millrace/formats'
import { sourceContract } from '@millrace/testkit'

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

/** Four writes of ten records, the last with two values that are no records. */
function fill(root: string): void {
  mkdirSync(join(root, 'log'), { recursive: true })
  const log = openLog(join(root, 'log', 'orders.db'), { partitions: 1 })!
  const values = rows.map((row) => JSON.stringify(row))
  for (let at = 0; at < 40; at += 10) {
    const some = at === 30 ? [...values.slice(at, at + 10), 'no json', '{"n":1.5}'] : values.slice(at, at + 10)
    log.append([
      {
        partition: 0,
        count: some.length,
        time: 1,
        ids: some.map((_, i) => `id${at + i}`),
        keys: some.map((_, i) => `k${i}`),
        headers: undefined,
        body: Buffer.from(`${some.join('\n')}\n`),
        ends: undefined,
      },
    ])
  }
  log.close()
  // The positions that were released name this log.
  const db = new DatabaseSync(join(root, 'log', 'orders.db'))
  db.exec(`UPDATE meta SET value = '3f6c2a5e-0000-4000-8000-000000000001' WHERE key = 'id'`)
  db.close()
}

for (const stop of ['end', 'never']) {
  sourceContract({
    module: new URL('../src/index.ts', import.meta.url),
    type: 'log',
    positions: new URL('positions.json', import.meta.url),
    setup({ root }) {
      fill(root)
      return {
        options: { ...options, stop },
        schema,
        push,
        rows,
        bad: [{ code: 'bad_json' }, { code: 'not_integer', field: 'n' }],
      }
    },
  })
}
