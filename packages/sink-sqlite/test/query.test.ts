import { expect, test } from 'vitest'
import type { QueryText, RecordType, Row, SinkDefinition } from '@millrace/core'
import { ask, askedStore } from '@millrace/testkit'
import definitions from '../src/index.ts'
import { everyRow, everyType, integer, makeStore, records, resolved, type Store, string, writing } from './store.ts'

const [definition] = definitions
const line: RecordType = {
  fields: {
    InvoiceNo: string(),
    line: integer(),
    CustomerID: integer(true),
    paid: { type: { kind: 'boolean' }, optional: false },
  },
}
const lines: Row[] = Array.from({ length: 1300 }, (_, i) => ({
  InvoiceNo: `5${(i * 7) % 13}`,
  line: i,
  CustomerID: i % 4 ? i % 100 : null,
  paid: i % 2 === 0,
}))

async function filled(): Promise<Store> {
  const store = makeStore()
  const sink = await store.open({ collection: 'lines', indexes: [['CustomerID'], ['InvoiceNo', 'line']] }, line)
  await sink.write(records(lines), writing())
  const table = await store.open({ table: 'typed', write: 'merge', key: 'line' }, line, { id: 'typed' })
  await table.write(records(lines), writing())
  return store
}
const answer = (store: Store, collection: string, type: RecordType, text: QueryText) =>
  ask(
    askedStore(definition as SinkDefinition, resolved({}), store.env(), collection, type, collection.startsWith('t')),
    type,
    text,
  )

test('finds documents by equality, with their key as _id, in the order they were written', async () => {
  const store = await filled()
  const found = await answer(store, 'lines', line, { where: 'CustomerID == 17' })
  expect(found[0]).toEqual({ _id: 'p/in/s@17', InvoiceNo: '52', line: 17, CustomerID: 17, paid: false })
  expect(found.map((row) => row['line'])).toEqual(
    lines.filter((row) => row['CustomerID'] === 17).map((row) => row['line']),
  )
})

test.each(['lines', 'typed'])('tests, sorts, limits and takes null and boolean in %s', async (collection) => {
  const store = await filled()
  const linesOf = async (text: QueryText) => (await answer(store, collection, line, text)).map((row) => row['line'])
  expect(await linesOf({})).toHaveLength(1300)
  expect(await linesOf({ limit: 0 })).toEqual([])
  expect(await linesOf({ limit: 3, where: 'line % 500 == 1' })).toEqual([1, 501, 1001])
  expect(await linesOf({ where: 'CustomerID == null && paid', limit: 3 })).toEqual([0, 4, 8])
  const sort = ['-InvoiceNo', '-line']
  const expected = lines.toSorted((a, b) =>
    a['InvoiceNo'] === b['InvoiceNo']
      ? Number(b['line']) - Number(a['line'])
      : String(a['InvoiceNo']) < String(b['InvoiceNo'])
        ? 1
        : -1,
  )
  expect(await linesOf({ sort })).toEqual(expected.map((row) => row['line']))
})

test('a look-up by an indexed field uses the index', async () => {
  const store = await filled()
  const { documentField } = await import('@millrace/client-sqlite')
  const plan = store.all(
    `EXPLAIN QUERY PLAN SELECT * FROM lines WHERE rowid > 0 AND ${documentField('CustomerID')} = 17 ORDER BY rowid LIMIT 500`,
  )
  expect(String(plan[0]!['detail'])).toMatch(/USING INDEX lines: CustomerID/)
})

test.each(['c', 't'])(
  'rows of a known type have its forms in memory, and are found and sorted by them: %s',
  async (name) => {
    const store = makeStore()
    const sink = await store.open(
      name === 'c' ? { collection: name } : { table: name, write: 'merge', key: 'n' },
      everyType,
    )
    const rows = everyRow(12)
    await sink.write(records(rows), writing())
    const without = (found: readonly Row[]) => found.map(({ _id, ...row }) => row)
    expect(without(await answer(store, name, everyType, {}))).toEqual(rows)
    const literals = {
      text: JSON.stringify(rows[5]!['text']),
      yes: String(rows[5]!['yes']),
      large: String(rows[5]!['large']),
    }
    const others = {
      price: `decimal("${String(rows[5]!['price'])}", 38, 2)`,
      day: `date("${String(rows[5]!['day'])}")`,
      at: `timestamp("${new Date(rows[5]!['at'] as number).toISOString()}")`,
    }
    for (const [field, literal] of Object.entries({ ...literals, ...others })) {
      const expected = rows.filter((row) => row[field] === rows[5]![field])
      expect(without(await answer(store, name, everyType, { where: `${field} == ${literal}` })), field).toEqual(
        expected,
      )
    }
    for (const field of ['large', 'price', 'at']) {
      const found = await answer(store, name, everyType, { sort: [`-${field}`] })
      const ns = [...rows.keys()]
      expect(
        found.map((row) => row['n']),
        field,
      ).toEqual(field === 'price' ? ns : ns.toReversed())
    }
  },
)

test('a value that is none of its type is shown as it is', async () => {
  const store = await filled()
  const type: RecordType = { fields: { line: { type: { kind: 'timestamp' }, optional: false }, gone: string() } }
  expect((await answer(store, 'lines', type, { limit: 1 }))[0]).toEqual({ _id: 'p/in/s@0', ...lines[0] })
})

test('a missing store or collection is told, with what there is', async () => {
  const store = makeStore()
  await expect(answer(store, 'lines', line, {})).rejects.toMatchObject({ code: 'not_found' })
  await store.open({ collection: 'Lines' }, line)
  await expect(answer(store, 'lines', line, {})).rejects.toMatchObject({
    code: 'unknown_collection',
    hint: 'it has Lines',
  })
})

test('a look-up ends with its signal', async () => {
  const store = await filled()
  const abort = new AbortController()
  const seen: Row[] = []
  const asking = async () => {
    for await (const row of definition!.query!(resolved({}), store.env(), { collection: 'lines' }, abort.signal)) {
      seen.push(row)
      abort.abort()
    }
  }
  await expect(asking()).rejects.toThrow(/abort/i)
  expect(seen.length).toBeLessThanOrEqual(500)
})

test('the probe says what is there, and makes nothing', async () => {
  const store = makeStore()
  const probe = () => definition!.probe!(resolved({}), store.env(), new AbortController().signal)
  expect(await probe()).toMatch(/no store yet/)
  expect(await probe()).toMatch(/no store yet/)
  await store.open({ collection: 'c' }, line)
  expect(await probe()).toMatch(/store\.db: 0\.\d MB, c \(SQLite 3\./)
})

test('a field named rowid is a column like any other', async () => {
  const store = makeStore()
  const type: RecordType = { fields: { rowid: string(), n: integer() } }
  const rows = Array.from({ length: 1300 }, (_, n): Row => ({ rowid: 'same', n }))
  const sink = await store.open({ table: 'typed', write: 'merge', key: 'n' }, type)
  await sink.write(records(rows), writing())
  expect(await answer(store, 'typed', type, {})).toEqual(rows)
  const sorted = await answer(store, 'typed', type, { sort: ['-n'] })
  expect(sorted).toEqual(rows.toReversed())
})
