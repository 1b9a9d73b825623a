import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { Flushed, RecordType, Sink } from '@millrace/core'
import { everyRow, everyType, failuresOf, integer, makeStore, records, string, writing } from './store.ts'

const line: RecordType = { fields: { InvoiceNo: string(), Quantity: integer(), CustomerID: integer(true) } }
const row = (InvoiceNo: string, Quantity = 1, CustomerID: number | null = 17850) => ({
  InvoiceNo,
  Quantity,
  CustomerID,
})
const { signal } = new AbortController()

/** An epoch as the engine ends it. */
async function endEpoch(sink: Sink, epoch: number): Promise<Flushed> {
  const flushed = await sink.flush!({ signal, epoch, roll: false, end: false })
  for (const stage of flushed.stages ?? []) await sink.publish!(stage, { signal })
  return flushed
}

test('a table has typed columns, and its values SQLite can compute with', async () => {
  const store = makeStore()
  const sink = await store.open({ table: 't' }, everyType)
  await sink.write(records(everyRow(2)), writing())
  await endEpoch(sink, 1)
  expect(
    store
      .all('SELECT name, type, "notnull" AS required FROM pragma_table_info(\'t\')')
      .map((c) => `${c['name']} ${c['type']}${c['required'] ? ' NOT NULL' : ''}`),
  ).toEqual([
    'n INTEGER NOT NULL',
    'text TEXT',
    'yes INTEGER NOT NULL',
    'large INTEGER NOT NULL',
    'ratio REAL NOT NULL',
    'price TEXT NOT NULL',
    'day TEXT NOT NULL',
    'at TEXT NOT NULL',
    'clock TEXT NOT NULL',
    'micros TEXT NOT NULL',
    'nanos TEXT NOT NULL',
    'raw BLOB NOT NULL',
    'list TEXT NOT NULL',
    'map TEXT NOT NULL',
    'inner TEXT NOT NULL',
    'any TEXT',
  ])
  expect(
    store.all(
      "SELECT large + 1 AS large, strftime('%H:%M', at) AS at, json_extract(list, '$[0]') AS first, typeof(ratio) AS ratio FROM t WHERE n = 1",
    ),
  ).toEqual([{ large: 9007199254740995n, at: '08:01', first: '1', ratio: 'real' }])
})

test('what a rule of the table refuses is a data error of its record', async () => {
  const store = makeStore()
  const db = new DatabaseSync(store.path)
  db.exec('CREATE TABLE t (InvoiceNo TEXT PRIMARY KEY, Quantity INTEGER CHECK (Quantity > 0), CustomerID INTEGER)')
  db.close()
  const sink = await store.open({ table: 't', write: 'merge', key: 'InvoiceNo' }, line)
  const rows = Array.from({ length: 200 }, (_, i) => row(String(i), i % 100 === 50 ? -1 : 1))
  expect(await failuresOf(sink.write(records(rows), writing()))).toEqual([
    { index: 50, code: 'constraint' },
    { index: 150, code: 'constraint' },
  ])
  expect(store.all('SELECT count(*) AS n FROM t')).toEqual([{ n: 198 }])
})

test('merge replaces the row of the key', async () => {
  const store = makeStore()
  const sink = await store.open({ table: 't', write: 'merge', key: ['InvoiceNo', 'CustomerID'] }, line)
  await sink.write(records([row('1', 1), row('1', 2), row('1', 3, 9)]), writing())
  expect(await failuresOf(sink.write(records([row('1', 4), row('2', 1, null)]), writing()))).toEqual([
    { index: 1, code: 'null_key', field: 'CustomerID' },
  ])
  expect(store.all('SELECT * FROM t ORDER BY CustomerID')).toEqual([row('1', 3, 9), row('1', 4)])
})

test('a table that is there must be able to hold the records without changing them', async () => {
  const store = makeStore()
  const db = new DatabaseSync(store.path)
  db.exec(
    'CREATE TABLE narrow (InvoiceNo TEXT, Quantity INTEGER); CREATE TABLE other (InvoiceNo NUMERIC, Quantity TEXT, CustomerID INT)',
  )
  db.exec(
    'CREATE TABLE fits (id INTEGER PRIMARY KEY, invoiceno VARCHAR(20), Quantity BIGINT, CustomerID NUMERIC, note TEXT)',
  )
  db.close()
  await expect(store.open({ table: 'narrow' }, line)).rejects.toThrow('there is no column CustomerID')
  await expect(store.open({ table: 'other' }, line)).rejects.toThrow(
    /InvoiceNo is NUMERIC and would alter values of type string.*Quantity is TEXT and would alter values of type integer/,
  )
  await expect(store.open({ table: 'fits', write: 'merge', key: 'InvoiceNo' }, line)).rejects.toThrow(
    'no unique index covers exactly InvoiceNo',
  )
  const sink = await store.open({ table: 'fits' }, line)
  await sink.write(records([row('007', 1)]), writing())
  await endEpoch(sink, 1)
  expect(store.all('SELECT * FROM fits')).toEqual([
    { id: 1, invoiceno: '007', Quantity: 1, CustomerID: 17850, note: null },
  ])
})

test('appended rows are seen once they are saved and published, not before', async () => {
  const store = makeStore()
  const sink = await store.open({ table: 't' }, line)
  await sink.write(records([row('1'), row('2')]), writing(1))
  expect(store.all('SELECT * FROM t')).toEqual([])
  await endEpoch(sink, 1)
  expect(store.all('SELECT * FROM t')).toEqual([row('1'), row('2')])
})

test('an epoch that comes again as another is replaced, however often', async () => {
  const store = makeStore()
  const first = await store.open({ table: 't' }, line)
  await first.write(records([row('1')]), writing(1))
  const { resume } = await endEpoch(first, 1)
  for (const again of ['a', 'b', 'c']) {
    const sink = await store.open({ table: 't' }, line, { restore: resume! })
    await sink.write(records([row(again), row('same')]), writing(2))
    await sink.flush!({ signal, epoch: 2, roll: false, end: false })
    await sink.close?.()
  }
  const last = await store.open({ table: 't' }, line, { restore: resume! })
  await last.write(records([row('same')]), writing(2))
  await endEpoch(last, 2)
  expect(store.all('SELECT InvoiceNo FROM t')).toEqual([{ InvoiceNo: '1' }, { InvoiceNo: 'same' }])
})

test('a state that was reset never takes its epochs for those of before', async () => {
  const store = makeStore()
  for (const [turn, existing] of [
    [1, 'stop'],
    [2, 'keep'],
  ] as const) {
    const sink = await store.open({ table: 't' }, line, { existing })
    await sink.write(records([row(String(turn))]), writing(1))
    await endEpoch(sink, 1)
    await sink.close?.()
  }
  expect(store.all('SELECT InvoiceNo FROM t')).toEqual([{ InvoiceNo: '1' }, { InvoiceNo: '2' }])
})

test('replace empties a table of its own rows only', async () => {
  const store = makeStore()
  const load = async (pipeline: string, existing: 'stop' | 'replace') => {
    const sink = await store.open({ table: 't' }, line, { existing, pipeline })
    await sink.write(records([row(pipeline)]), writing(1))
    await endEpoch(sink, 1)
    await sink.close?.()
  }
  await load('one', 'stop')
  await load('one', 'replace')
  expect(store.all('SELECT InvoiceNo FROM t')).toEqual([{ InvoiceNo: 'one' }])
  await load('two', 'stop')
  await expect(load('one', 'replace')).rejects.toThrow('1 of its 2 rows came from elsewhere: two/out')
  await expect(load('two', 'stop')).rejects.toMatchObject({ code: 'existing_results', exitCode: 3 })
  expect(store.all('SELECT InvoiceNo FROM t')).toEqual([{ InvoiceNo: 'one' }, { InvoiceNo: 'two' }])
})

test('two sinks and two instances share a table without taking each other for one', async () => {
  const store = makeStore()
  const sinks = [
    await store.open({ table: 't' }, line, { id: 'a' }),
    await store.open({ table: 't' }, line, { id: 'b' }),
    await store.open({ table: 't' }, line, { id: 'a', instance: { i: 1, n: 2 } }),
  ]
  for (const [i, sink] of sinks.entries()) await sink.write(records([row(String(i))]), writing(1))
  for (const sink of sinks) await endEpoch(sink, 1)
  expect(store.all('SELECT InvoiceNo FROM t ORDER BY 1')).toEqual([
    { InvoiceNo: '0' },
    { InvoiceNo: '1' },
    { InvoiceNo: '2' },
  ])
})

test('a stage that someone emptied stops the run instead of losing rows', async () => {
  const store = makeStore()
  const sink = await store.open({ table: 't' }, line)
  await sink.write(records([row('1'), row('2')]), writing(1))
  const { stages } = await sink.flush!({ signal, epoch: 1, roll: false, end: false })
  const db = new DatabaseSync(store.path)
  db.exec(`DELETE FROM "_millrace_stage p/out" WHERE InvoiceNo = '1'`)
  db.close()
  await expect(sink.publish!(stages![0]!, { signal })).rejects.toMatchObject({
    name: 'SystemError',
    code: 'stage_gone',
  })
  expect(store.all('SELECT * FROM t')).toEqual([])
})

test('a spec with other columns stages again, unless rows of the old one wait', async () => {
  const store = makeStore()
  const sink = await store.open({ table: 't' }, line)
  await sink.write(records([row('1')]), writing(1))
  const saved = await sink.flush!({ signal, epoch: 1, roll: false, end: false })
  await sink.close?.()
  const fewer: RecordType = { fields: { InvoiceNo: string() } }
  await expect(store.open({ table: 't' }, fewer, { restore: saved.resume! })).rejects.toMatchObject({
    code: 'stage_left',
  })
  const again = await store.open({ table: 't' }, line, { restore: saved.resume! })
  await again.publish!(saved.stages![0]!, { signal })
  await again.close?.()
  const db = new DatabaseSync(store.path)
  db.exec('ALTER TABLE t DROP COLUMN CustomerID; ALTER TABLE t DROP COLUMN Quantity')
  db.close()
  const next = await store.open({ table: 't' }, fewer, { restore: saved.resume! })
  await next.write(records([{ InvoiceNo: '2' }]), writing(2))
  await endEpoch(next, 2)
  expect(store.all('SELECT * FROM t')).toEqual([{ InvoiceNo: '1' }, { InvoiceNo: '2' }])
})
