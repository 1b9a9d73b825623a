/** Records without a value among others, in any order and cut into any writes, leave what they leave one by one. */
import { batch, Records, type RecordType, type Row } from '@millrace/core'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Options } from '../src/options.ts'
import { integer, makeStore, string, writing } from './store.ts'

const schema: RecordType = { fields: { k: string(), n: integer(true), m: integer(true) } }
type Change = readonly [key: string, value: number | null]

const rowOf = ([k, value]: Change): Row =>
  value === null ? { k, n: null, m: null } : value % 2 ? { k, n: value, m: null } : { k, n: null, m: value }

/** Records of changes; null is a tombstone. */
function recordsOf(changes: readonly Change[], at: number): Records {
  const rows = changes.map(rowOf)
  const from = batch({ split: 's', rows, positionAt: (i) => at + i, tombstoneAt: (i) => changes[i]![1] === null })
  return new Records({ rows, from: [{ source: 'in', batch: from }], pipeline: 'p' })
}

/** What is left of the changes, one by one. */
function modelOf(changes: readonly Change[], merges: boolean): Record<string, Row> {
  const left = new Map<string, Row>()
  for (const change of changes) {
    const row = rowOf(change)
    if (change[1] === null) left.delete(change[0])
    else
      left.set(
        change[0],
        merges
          ? { ...left.get(change[0]), ...Object.fromEntries(Object.entries(row).filter(([, v]) => v !== null)) }
          : row,
      )
  }
  return Object.fromEntries([...left].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

const change = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.option(fc.nat(9)))
const writes = fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 5 })

it.each<[string, Partial<Options>]>([
  ['documents', { collection: 't' }],
  ['merged documents', { collection: 't', write: 'set', nulls: 'omit' }],
  ['rows', { table: 't', write: 'merge' }],
])('%s', async (_what, options) => {
  await fc.assert(
    fc.asyncProperty(writes, async (parts) => {
      const store = makeStore()
      const sink = await store.open({ ...options, key: 'k', on_null: 'delete' }, schema)
      let at = 0
      for (const part of parts) {
        await sink.write(recordsOf(part, at), writing())
        at += part.length
      }
      await sink.close!()
      const rows = options.table
        ? Object.fromEntries(store.all('SELECT * FROM t ORDER BY k').map((row) => [row['k'], row]))
        : store.documents('t')
      expect(rows).toEqual(modelOf(parts.flat(), options.write === 'set'))
    }),
    { numRuns: 60 },
  )
})
