import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { SinkDefinition } from '@millrace/core'
import { askedRows, askedStore, askedType, expectSameAnswers } from '@millrace/testkit'
import definitions from '../src/index.ts'
import { makeStore, records, resolved, writing } from './store.ts'

const [definition] = definitions

/** Values of other types, of other spellings, and none, where others have written into the collection. */
const foreign: readonly string[] = [
  '{"id": 1000, "name": 5, "n": 7.5, "x": "2.5", "yes": 1, "large": 10, "at": "1970-01-01T00:00:02Z", "price": 10.5}',
  '{"id": 1001, "name": {"a": 1}, "n": true, "x": 9007199254740993, "large": "9", "at": "never", "day": "1.12.2010"}',
  '{"id": 1002, "name": ["a"], "n": "7", "x": [1], "price": "10.5", "at": "2010-12-01T01:00:00+01:00"}',
  '{"id": 1003, "n": 9007199254740993, "x": 1e300, "day": "2010-12-01T00:00:00.000Z"}',
  '{"name": "a", "n": 7}',
]

test.each([1, 2, 3, 4])('random queries of documents are answered as by core over all rows: seed %i', async (seed) => {
  const store = makeStore()
  const sink = await store.open({ collection: 'asked', key: 'id', indexes: [['n'], ['name']] }, askedType)
  await sink.write(records(askedRows(300, seed)), writing())
  const db = new DatabaseSync(`${store.env().home}/store.db`)
  const insert = db.prepare('INSERT INTO asked (id, doc) VALUES (?, ?)')
  for (const [i, doc] of foreign.entries()) insert.run(`foreign-${i}`, doc)
  db.close()
  const source = askedStore(definition as SinkDefinition, resolved({ key: 'id' }), store.env(), 'asked', askedType)
  await expectSameAnswers(source, 250, seed)
})

test.each([5, 6])('random queries of a table are answered as by core over all rows: seed %i', async (seed) => {
  const store = makeStore()
  const sink = await store.open({ table: 'asked', write: 'merge', key: 'id' }, askedType)
  await sink.write(records(askedRows(300, seed)), writing())
  const source = askedStore(definition as SinkDefinition, resolved({}), store.env(), 'asked', askedType, true)
  await expectSameAnswers(source, 250, seed)
  expect(definition!.sorts!({ kind: 'decimal', precision: 12, scale: 2 })).toBe(false)
})
