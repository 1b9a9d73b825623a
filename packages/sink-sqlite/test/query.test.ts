import { expect, test } from 'vitest'
import type { Query, RecordType, Row } from '@millrace/core'
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
const ask = async (store: Store, query: Query): Promise<Row[]> => {
  const rows: Row[] = []
  for await (const found of definition!.query!(resolved({}), store.env(), query, new AbortController().signal))
    rows.push(found)
  return rows
}
const where = (equals: Row, test: (row: Row) => boolean = () => true) => ({ equals, test })

test('finds documents by equality, with their key as _id, in the order they were written', async () => {
  const store = await filled()
  const found = await ask(store, { collection: 'lines', where: where({ CustomerID: 17 }) })
  expect(found[0]).toEqual({ _id: 'p/in/s@17', InvoiceNo: '52', line: 17, CustomerID: 17, paid: false })
  expect(found.map((row) => row['line'])).toEqual(
    lines.filter((row) => row['CustomerID'] === 17).map((row) => row['line']),
  )
})

test.each(['lines', 'typed'])('tests, sorts, limits and takes null and boolean in %s', async (collection) => {
  const store = await filled()
  const linesOf = async (query: Omit<Query, 'collection'>) =>
    (await ask(store, { collection, ...query })).map((row) => row['line'])
  expect(await linesOf({})).toHaveLength(1300)
  expect(await linesOf({ limit: 0 })).toEqual([])
  expect(await linesOf({ limit: 3, where: where({}, (row) => (row['line'] as number) % 500 === 1) })).toEqual([
    1, 501, 1001,
  ])
  expect(await linesOf({ where: where({ CustomerID: null, paid: true }), limit: 3 })).toEqual([0, 4, 8])
  const sort = [
    { field: 'InvoiceNo', descending: true },
    { field: 'line', descending: true },
  ]
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
    expect(without(await ask(store, { collection: name, type: everyType }))).toEqual(rows)
    for (const field of ['text', 'yes', 'large', 'price', 'day', 'at']) {
      const expected = rows.filter((row) => row[field] === rows[5]![field])
      const equals = { [field]: rows[5]![field] }
      expect(
        without(
          await ask(store, {
            collection: name,
            type: everyType,
            where: where(equals, (row) => row[field] === equals[field]),
          }),
        ),
        field,
      ).toEqual(expected)
    }
    for (const field of ['large', 'price', 'at']) {
      const found = await ask(store, { collection: name, type: everyType, sort: [{ field, descending: true }] })
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
  expect((await ask(store, { collection: 'lines', type, limit: 1 }))[0]).toEqual({ _id: 'p/in/s@0', ...lines[0] })
})

test('a missing store or collection is told, with what there is', async () => {
  const store = makeStore()
  await expect(ask(store, { collection: 'lines' })).rejects.toMatchObject({ code: 'not_found' })
  await store.open({ collection: 'Lines' }, line)
  await expect(ask(store, { collection: 'lines' })).rejects.toMatchObject({
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
  expect(await ask(store, { collection: 'typed', type })).toEqual(rows)
  const sorted = await ask(store, { collection: 'typed', type, sort: [{ field: 'n', descending: true }] })
  expect(sorted).toEqual(rows.toReversed())
})
