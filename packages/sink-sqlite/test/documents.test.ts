import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { batch, Records, type RecordType, type Row } from '@millrace/core'
import { everyRow, everyType, failuresOf, integer, makeStore, records, string, writing } from './store.ts'

const line: RecordType = {
  fields: {
    InvoiceNo: string(),
    StockCode: string(),
    Quantity: integer(),
    CustomerID: integer(true),
    Country: string(true),
  },
}
const row = (InvoiceNo: string, StockCode: string, Quantity = 1, more: Row = {}): Row => ({
  InvoiceNo,
  StockCode,
  Quantity,
  CustomerID: 17850,
  Country: 'UK',
  ...more,
})

test('a document is stored under its record id as JSON, large and exact numbers as strings', async () => {
  const store = makeStore()
  const sink = await store.open({ collection: 'c' }, everyType)
  await sink.write(records(everyRow(1), 7), writing())
  expect(store.documents('c')).toEqual({
    'p/in/s@7': {
      n: 0,
      text: null,
      yes: true,
      large: '9007199254740993',
      ratio: 0,
      price: '-1345678901234567.10',
      day: '2010-12-01',
      at: '2010-12-01T08:00:00.000Z',
      clock: '08:00:00',
      micros: '2010-12-01T08:26:00.000001Z',
      nanos: '1969-12-31T23:59:59.999999999Z',
      raw: 'AP8A',
      list: ['1', null, '-9223372036854775808'],
      map: { 'a.b': '9007199254740993', '10': null },
      inner: { at: '1970-01-01T00:00:00.000Z', name: null },
      any: null,
    },
  })
})

test('a key of one field is its text, of several a JSON array', async () => {
  const store = makeStore()
  const one = await store.open({ collection: 'one', key: 'CustomerID' }, line)
  await one.write(records([row('1', 'a')]), writing())
  const two = await store.open({ collection: 'two', key: ['InvoiceNo', 'CustomerID'] }, line)
  await two.write(records([row('1', 'a')]), writing())
  expect(Object.keys(store.documents('one'))).toEqual(['17850'])
  expect(Object.keys(store.documents('two'))).toEqual(['["1",17850]'])
})

test('a null part of the key and half of a surrogate pair are data errors of their record, the others are written', async () => {
  const store = makeStore()
  const sink = await store.open({ collection: 'c', key: ['InvoiceNo', 'CustomerID'] }, line)
  const rows = [
    row('1', 'a'),
    row('2', 'b', 1, { CustomerID: null }),
    row('3\ud800', 'c'),
    row('4', 'x\udc00y'),
    row('5', '\\ud800 spelt out \u{1F600}'),
  ]
  expect(await failuresOf(sink.write(records(rows), writing()))).toEqual([
    { index: 1, code: 'null_key', field: 'CustomerID' },
    { index: 2, code: 'bad_text', field: 'InvoiceNo' },
    { index: 3, code: 'bad_text', field: 'StockCode' },
  ])
  expect(Object.values(store.documents('c')).map((doc) => (doc as Row)['StockCode'])).toEqual([
    'a',
    '\\ud800 spelt out \u{1F600}',
  ])
})

test('a time that has no text form is a data error', async () => {
  const store = makeStore()
  const schema: RecordType = { fields: { at: { type: { kind: 'timestamp' }, optional: false } } }
  const rows = [{ at: 8.64e15 }, { at: 0 }]
  for (const options of [
    { collection: 'a' },
    { collection: 'b', key: 'at' },
    { collection: 'c', key: 'at', write: 'set' },
    { table: 'd' },
  ] as const) {
    const sink = await store.open(options, schema, { id: Object.values(options)[0] as string })
    expect(await failuresOf(sink.write(records(rows), writing()))).toMatchObject([{ index: 0, code: 'out_of_range' }])
  }
})

test('nulls can be left out', async () => {
  const store = makeStore()
  const sink = await store.open({ collection: 'c', key: 'InvoiceNo', nulls: 'omit' }, line)
  await sink.write(records([row('1', 'a', 1, { CustomerID: null })]), writing())
  expect(store.documents('c')).toEqual({ 1: { InvoiceNo: '1', StockCode: 'a', Quantity: 1, Country: 'UK' } })
})

test('fields that a record type leaves open are kept', async () => {
  const store = makeStore()
  const sink = await store.open({ collection: 'c' }, { fields: { a: string() }, open: true })
  await sink.write(records([{ a: 'x', b: { c: [1] }, ['__proto__']: 1 }]), writing())
  expect(store.all('SELECT doc FROM c')).toEqual([{ doc: '{"a":"x","b":{"c":[1]},"__proto__":1}' }])
})

test('insert: a record that comes again replaces what it inserted, another record finds the key taken', async () => {
  const store = makeStore()
  const sink = await store.open({ collection: 'c', key: 'InvoiceNo', write: 'insert' }, line)
  const rows = [row('1', 'a'), row('2', 'b'), row('1', 'c')]
  const taken = [{ index: 2, code: 'key_exists' }]
  expect(await failuresOf(sink.write(records(rows), writing()))).toEqual(taken)
  expect(await failuresOf(sink.write(records(rows), writing()))).toEqual(taken)
  expect(await failuresOf(sink.write(records([row('1', 'changed')]), writing()))).toEqual([])
  expect(await failuresOf(sink.write(records([row('2', 'x')], 50), writing()))).toEqual([
    { index: 0, code: 'key_exists' },
  ])
  expect(Object.values(store.documents('c')).map((doc) => (doc as Row)['StockCode'])).toEqual(['changed', 'b'])
})

test('insert leaves alone what was upserted under the same key', async () => {
  const store = makeStore()
  const upsert = await store.open({ collection: 'c', key: 'InvoiceNo' }, line)
  await upsert.write(records([row('1', 'upserted')]), writing())
  const insert = await store.open({ collection: 'c', key: 'InvoiceNo', write: 'insert' }, line)
  expect(await failuresOf(insert.write(records([row('1', 'a')]), writing()))).toEqual([
    { index: 0, code: 'key_exists' },
  ])
})

test('set merges the named fields into the document and makes it where it is missing', async () => {
  const store = makeStore()
  const all = await store.open({ collection: 'c', key: 'InvoiceNo' }, line)
  await all.write(records([row('1', 'a', 5)]), writing())
  const some = await store.open({ collection: 'c', key: 'InvoiceNo', write: 'set', fields: ['Quantity'] }, line, {
    id: 'some',
  })
  await some.write(records([row('1', 'z', 6), row('2', 'z', 7), row('1', 'z', 8)]), writing())
  expect(store.documents('c')).toEqual({ 1: row('1', 'a', 8), 2: { InvoiceNo: '2', Quantity: 7 } })
})

test('one attribute per record is gathered in the document of its key, the last of a name wins', async () => {
  const store = makeStore()
  const sink = await store.open(
    {
      collection: 'customer',
      key: 'CustomerID',
      write: 'set',
      attribute: { name: 'InvoiceNo', value: ['Quantity', 'Country'] },
    },
    line,
  )
  const rows = [
    row('536365', 'a'),
    row('C5', 'b', 2, { CustomerID: 1 }),
    row('536365', 'c', 3, { Country: null }),
    row('a.$b', 'd', 4),
  ]
  for (let again = 0; again < 2; again++) await sink.write(records(rows), writing())
  expect(store.documents('customer')).toEqual({
    1: { CustomerID: 1, C5: { Quantity: 2, Country: 'UK' } },
    17850: { CustomerID: 17850, 536365: { Quantity: 3, Country: null }, 'a.$b': { Quantity: 4, Country: 'UK' } },
  })
})

test('an attribute without a name, or with the name of a key field, is a data error', async () => {
  const store = makeStore()
  const sink = await store.open(
    { collection: 'c', key: 'CustomerID', write: 'set', attribute: { name: 'Country', value: ['Quantity'] } },
    line,
  )
  const rows = [
    row('1', 'a', 1, { Country: null }),
    row('1', 'a', 1, { Country: '' }),
    row('1', 'a', 1, { Country: 'CustomerID' }),
    row('1', 'a', 1, { Country: '__proto__' }),
  ]
  expect(await failuresOf(sink.write(records(rows), writing()))).toEqual([
    { index: 0, code: 'null_name', field: 'Country' },
    { index: 1, code: 'null_name', field: 'Country' },
    { index: 2, code: 'name_taken', field: 'Country' },
  ])
  expect(store.all('SELECT doc FROM c')).toEqual([{ doc: '{"CustomerID":17850,"__proto__":{"Quantity":1}}' }])
})

test('delete removes documents by key, twice is harmless', async () => {
  const store = makeStore()
  const put = await store.open({ collection: 'c', key: 'InvoiceNo' }, line)
  await put.write(records([row('1', 'a'), row('2', 'b')]), writing())
  const remove = await store.open({ collection: 'c', key: 'InvoiceNo', write: 'delete' }, line, { id: 'remove' })
  for (let again = 0; again < 2; again++) await remove.write(records([row('1', 'x'), row('9', 'x')]), writing())
  expect(Object.keys(store.documents('c'))).toEqual(['2'])
})

test('a batch larger than a statement is written whole, the last document of a key wins', async () => {
  const store = makeStore()
  const sink = await store.open({ collection: 'c', key: 'InvoiceNo' }, line)
  await sink.write(records(Array.from({ length: 1234 }, (_, i) => row(String(i % 1000), 'a', i))), writing())
  const found = store.documents('c') as Record<string, Row>
  expect(Object.keys(found)).toHaveLength(1000)
  expect([found['0']!['Quantity'], found['233']!['Quantity'], found['234']!['Quantity']]).toEqual([1000, 1233, 234])
})

test('a document nested too deep for an index is refused alone', async () => {
  const store = makeStore()
  const schema: RecordType = { fields: { a: string(), any: { type: { kind: 'json' }, optional: true } } }
  const sink = await store.open({ collection: 'c', key: 'a', indexes: [['a']] }, schema)
  let deep: unknown = 1
  for (let i = 0; i < 1500; i++) deep = [deep]
  const rows: Row[] = Array.from({ length: 120 }, (_, i) => ({ a: String(i), any: i === 60 ? deep : null }))
  expect(await failuresOf(sink.write(records(rows), writing()))).toEqual([{ index: 60, code: 'too_deep' }])
  expect(Object.keys(store.documents('c'))).toHaveLength(119)
})

test('names are only ever names', async () => {
  const store = makeStore()
  const schema: RecordType = { fields: { "x'); DROP TABLE c; --": string() } }
  const collection = "c'; DROP TABLE c; --"
  const sink = await store.open({ collection, indexes: [["x'); DROP TABLE c; --"]] }, schema)
  await sink.write(records([{ "x'); DROP TABLE c; --": 'y' }]), writing())
  expect(store.all('SELECT name FROM sqlite_schema WHERE sql IS NOT NULL')).toEqual([
    { name: collection },
    { name: `${collection}: x'); DROP TABLE c; --` },
    { name: '_millrace_ids' },
  ])
})

test('a table of another shape, or of a name that differs in case only, is left alone', async () => {
  const store = makeStore()
  await (await store.open({ table: 'Invoice', write: 'merge', key: 'InvoiceNo' }, line)).close?.()
  await expect(store.open({ collection: 'Invoice' }, line)).rejects.toMatchObject({ code: 'name_taken' })
  await expect(store.open({ collection: 'invoice' }, line)).rejects.toMatchObject({ code: 'name_taken' })
})

test('a file that is no store is an error with a hint, and stays as it is', async () => {
  const store = makeStore()
  const { writeFileSync, readFileSync } = await import('node:fs')
  writeFileSync(store.path, 'not a database, but long enough to be read as one'.repeat(100))
  const before = readFileSync(store.path, 'utf8')
  await expect(store.open({ collection: 'c' }, line)).rejects.toMatchObject({
    name: 'SystemError',
    code: 'store_corrupt',
    retry: false,
  })
  expect(readFileSync(store.path, 'utf8')).toBe(before)
})

test('a table that is dropped under a running sink is a system error, no flood of bad records', async () => {
  const store = makeStore()
  const sink = await store.open({ collection: 'c' }, line)
  const { DatabaseSync } = await import('node:sqlite')
  const other = new DatabaseSync(store.path)
  other.exec('DROP TABLE c')
  other.close()
  await expect(sink.write(records([row('1', 'a')]), writing())).rejects.toMatchObject({
    name: 'SystemError',
    code: 'store_changed',
    retry: false,
  })
})

test('an id that holds half of a surrogate pair is refused, since the store would take two such ids for one', async () => {
  const store = makeStore()
  const sink = await store.open({ collection: 'c' }, line)
  const rows = [row('1', 'a'), row('2', 'b'), row('3', 'c')]
  const ids = ['\ud83d', '\ud83e', 'sound']
  const from = [{ source: 'in', batch: batch({ split: 's', rows, positionAt: (i) => i, idAt: (i) => ids[i]! }) }]
  expect(await failuresOf(sink.write(new Records({ rows, from, pipeline: 'p' }), writing()))).toEqual([
    { index: 0, code: 'bad_text' },
    { index: 1, code: 'bad_text' },
  ])
  expect(Object.keys(store.documents('c'))).toEqual(['sound'])
})

test('set: what is stored under a key and is no object is left as it is, and its records are refused', async () => {
  const store = makeStore()
  const sink = await store.open({ collection: 'c', write: 'set', key: 'InvoiceNo' }, line)
  const db = new DatabaseSync(store.path)
  db.exec(`INSERT INTO c (id, doc) VALUES ('1', 'no JSON'), ('2', 'null'), ('3', '[1]')`)
  db.close()
  const rows = ['1', '2', '3', '4'].map((no) => row(no, 'a'))
  expect(await failuresOf(sink.write(records(rows), writing()))).toEqual(
    [0, 1, 2].map((index) => ({ index, code: 'bad_json' })),
  )
  expect(store.all('SELECT id, doc FROM c ORDER BY id').map(({ doc }) => doc)).toEqual([
    'no JSON',
    'null',
    '[1]',
    JSON.stringify(rows[3]),
  ])
})
