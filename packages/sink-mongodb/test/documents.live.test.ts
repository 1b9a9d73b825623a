import { describe, expect, test } from 'vitest'
import type { QueryText, RecordType, Row, SinkDefinition } from '@millrace/core'
import { ask, askedStore, liveUrl } from '@millrace/testkit'
import definitions from '../src/index.ts'
import { failuresOf, makeServer, records, resolved, writing } from './server.ts'

const url = liveUrl('MONGODB')
const [definition] = definitions
const string = { type: { kind: 'string' }, optional: true } as const
const integer = { type: { kind: 'integer' }, optional: true } as const
const line: RecordType = { fields: { InvoiceNo: string, StockCode: string, Quantity: integer, CustomerID: integer } }
const row = (InvoiceNo: string, StockCode: string, Quantity = 1, more: Row = {}): Row => ({
  InvoiceNo,
  StockCode,
  Quantity,
  CustomerID: 17850,
  ...more,
})
const env = { root: '/', home: '/', profile: 'live', pipeline: 'p', id: 'out', resolve: (path: string) => path }

describe.skipIf(!url)('documents in MongoDB', () => {
  const server = makeServer(url ?? 'mongodb://127.0.0.1')

  test('are stored under the record id, or the key as text', async () => {
    const { sink, database } = await server.open({ collection: 'by-id' }, line)
    await sink.write(records([row('1', 'a')], 7), writing)
    expect(await server.documents(database, 'by-id')).toEqual([{ _id: 'p/in/s@7', ...row('1', 'a') }])
    const { sink: keyed } = await server.open(
      { database, collection: 'by-key', key: ['InvoiceNo', 'CustomerID'], nulls: 'omit' },
      line,
    )
    await keyed.write(records([row('1', 'a', 1, { StockCode: null })]), writing)
    expect(await server.documents(database, 'by-key')).toEqual([
      { _id: '["1",17850]', InvoiceNo: '1', Quantity: 1, CustomerID: 17850 },
    ])
  })

  test('keep exact types: decimals, 64-bit integers, dates', async () => {
    const schema: RecordType = {
      fields: {
        price: { type: { kind: 'decimal', precision: 34, scale: 2 }, optional: false },
        large: { type: { kind: 'bigint' }, optional: false },
        day: { type: { kind: 'date' }, optional: false },
        at: { type: { kind: 'timestamp' }, optional: false },
        raw: { type: { kind: 'bytes' }, optional: false },
      },
    }
    const { sink, database } = await server.open({ collection: 'c' }, schema)
    const given = {
      price: '12345678901234567890123456789012.34',
      large: 9223372036854775807n,
      day: '2010-12-01',
      at: 5,
      raw: new Uint8Array([0, 255]),
    }
    expect(await failuresOf(sink.write(records([given, { ...given, at: 1e16 }]), writing))).toEqual([
      { index: 1, kind: 'data', code: 'out_of_range' },
    ])
    const types = await server.client
      .db(database)
      .collection('c')
      .aggregate([
        {
          $project: {
            _id: 0,
            types: { $map: { input: { $objectToArray: '$$ROOT' }, in: { $type: '$$this.v' } } },
            price: { $toString: '$price' },
          },
        },
      ])
      .toArray()
    expect(types).toEqual([
      { types: ['string', 'decimal', 'long', 'date', 'date', 'binData'], price: '12345678901234567890123456789012.34' },
    ])
  })

  test('a bad record is named at every place of a batch, the others are stored', async () => {
    const bad = [row('x', 'x\ud800'), row('x', 'x', 1, { InvoiceNo: null })]
    const { sink, database } = await server.open({ collection: 'c', key: 'InvoiceNo' }, line)
    for (let at = 0; at < 12; at++) {
      const rows = Array.from({ length: 12 }, (_, i) => (i === at ? bad[at % 2]! : row(`${at}-${i}`, 'a')))
      expect(await failuresOf(sink.write(records(rows), writing))).toEqual([
        { index: at, kind: 'data', code: at % 2 ? 'null_key' : 'bad_text' },
      ])
    }
    expect(await server.documents(database, 'c')).toHaveLength(12 * 11)
  })

  test('a document that is too large, nested too deep or against the validator is found, wherever it stands', async () => {
    const schema: RecordType = { fields: { ...line.fields, any: { type: { kind: 'json' }, optional: true } } }
    let deep: unknown = 1
    for (let i = 0; i < 250; i++) deep = { d: deep }
    const faulty = [row('a', 'a', 1, { any: 'x'.repeat(17 << 20) }), row('b', 'b', 1, { any: deep }), row('c', 'c', -1)]
    const { sink, database } = await server.open(
      { collection: 'c', key: 'InvoiceNo', collection_options: { validator: { Quantity: { $gte: 0 } } } },
      schema,
    )
    for (const at of [0, 7, 19]) {
      const rows = Array.from({ length: 20 }, (_, i) => row(`${at}-${i}`, 'x'))
      rows.splice(at, 0, ...faulty)
      expect(await failuresOf(sink.write(records(rows), writing))).toEqual([
        { index: at, kind: 'data', code: 'too_large' },
        { index: at + 1, kind: 'data', code: 'refused' },
        { index: at + 2, kind: 'data', code: 'validation' },
      ])
    }
    expect(await server.documents(database, 'c')).toHaveLength(60)
  })

  test('the last sound record of a key wins; what came before a bad one is kept', async () => {
    const { sink, database } = await server.open(
      { collection: 'c', key: 'InvoiceNo', collection_options: { validator: { Quantity: { $gte: 0 } } } },
      line,
    )
    const rows = [
      row('1', 'a', 1),
      row('1', 'b', 2),
      row('2', 'a', 1),
      row('1', 'c', -1),
      row('1', 'd', -2),
      row('2', 'b', 2),
      row('3', 'x', -1),
    ]
    expect(await failuresOf(sink.write(records(rows), writing))).toEqual(
      [3, 4, 6].map((index) => ({ index, kind: 'data', code: 'validation' })),
    )
    expect((await server.documents(database, 'c')).map((doc) => `${doc['InvoiceNo']} ${doc['StockCode']}`)).toEqual([
      '1 b',
      '2 b',
    ])
  })

  test('insert: a record that comes again replaces what it inserted, another record finds the key taken', async () => {
    const { sink, database } = await server.open({ collection: 'c', key: 'InvoiceNo', write: 'insert' }, line)
    const rows = [row('1', 'a'), row('2', 'b'), row('1', 'c'), row('1', 'd')]
    const taken = [2, 3].map((index) => ({ index, kind: 'data', code: 'key_exists' }))
    expect(await failuresOf(sink.write(records(rows), writing))).toEqual(taken)
    expect(await failuresOf(sink.write(records(rows), writing))).toEqual(taken)
    expect(await failuresOf(sink.write(records([row('1', 'changed')]), writing))).toEqual([])
    expect(await failuresOf(sink.write(records([row('2', 'x')], 50), writing))).toEqual([
      { index: 0, kind: 'data', code: 'key_exists' },
    ])
    expect((await server.documents(database, 'c')).map((doc) => doc['StockCode'])).toEqual(['changed', 'b'])
  })

  test('set merges named fields; an attribute may have any name', async () => {
    const { sink, database } = await server.open({ collection: 'c', key: 'InvoiceNo' }, line)
    await sink.write(records([row('1', 'a', 5)]), writing)
    const { sink: some } = await server.open(
      { database, collection: 'c', key: 'InvoiceNo', write: 'set', fields: ['Quantity'] },
      line,
    )
    await some.write(records([row('1', 'z', 6), row('2', 'z', 7), row('1', 'z', 8)]), writing)
    expect(await server.documents(database, 'c')).toEqual([
      { _id: '1', ...row('1', 'a', 8) },
      { _id: '2', InvoiceNo: '2', Quantity: 7 },
    ])
    const attribute = { name: 'StockCode', value: ['Quantity'] }
    const { sink: wide } = await server.open(
      { database, collection: 'wide', key: 'InvoiceNo', write: 'set', attribute },
      line,
    )
    const names = ['85123A', 'a.b', '$set', '$$ROOT', '$a.b', '__proto__', 'caf\u00e9', '22423']
    for (let again = 1; again <= 2; again++)
      await wide.write(records(names.map((name) => row('1', name, again))), writing)
    await wide.write(records([row('2', 'plain', 1), row('2', 'plain', 2)]), writing)
    const [first, second] = await server.documents(database, 'wide')
    expect(Object.keys(first!).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
      ['_id', 'InvoiceNo', ...names].toSorted((a, b) => (a < b ? -1 : 1)),
    )
    expect(names.map((name) => Object.entries(first!).find(([key]) => key === name)![1])).toEqual(
      names.map(() => ({ Quantity: 2 })),
    )
    expect(second).toEqual({ _id: '2', InvoiceNo: '2', plain: { Quantity: 2 } })
  })

  test('of several records merged into one document, the one that cannot be is found', async () => {
    const options = {
      collection: 'c',
      key: 'InvoiceNo',
      write: 'set',
      collection_options: { validator: { Quantity: { $gte: 0 } } },
    } as const
    const { sink, database } = await server.open(options, line)
    const rows = [row('1', 'a', 1), row('1', 'b', 2), row('1', 'c', -1), row('2', 'd', 1)]
    expect(await failuresOf(sink.write(records(rows), writing))).toEqual([
      { index: 2, kind: 'data', code: 'validation' },
    ])
    expect((await server.documents(database, 'c')).map((doc) => doc['StockCode'])).toEqual(['b', 'd'])
  })

  test('delete removes documents by key, twice is harmless', async () => {
    const { sink, database } = await server.open({ collection: 'c', key: 'InvoiceNo' }, line)
    await sink.write(records([row('1', 'a'), row('2', 'b')]), writing)
    const { sink: remove } = await server.open({ database, collection: 'c', key: 'InvoiceNo', write: 'delete' }, line)
    for (let again = 0; again < 2; again++)
      await remove.write(records([row('1', 'x'), row('9', 'x'), row('1', 'x')]), writing)
    expect((await server.documents(database, 'c')).map((doc) => doc['_id'])).toEqual(['2'])
  })

  test('a unique index of its own makes a data error, no endless repetition', async () => {
    const { sink, database } = await server.open({ collection: 'c', key: 'InvoiceNo' }, line)
    await server.client.db(database).collection('c').createIndex({ StockCode: 1 }, { unique: true })
    expect(await failuresOf(sink.write(records([row('1', 'a'), row('2', 'a'), row('3', 'b')]), writing))).toEqual([
      { index: 1, kind: 'data', code: 'constraint' },
    ])
  })

  test('several writers of the same keys at once lose nothing', async () => {
    const { sink, database } = await server.open({ collection: 'c', key: 'InvoiceNo' }, line)
    const { sink: other } = await server.open({ database, collection: 'c', key: 'InvoiceNo' }, line)
    const rows = Array.from({ length: 300 }, (_, i) => row(String(i), 'a'))
    await Promise.all([sink, other, sink, other].map(async (each) => each.write(records(rows), writing)))
    expect(await server.documents(database, 'c')).toHaveLength(300)
  })

  test('collection and indexes are made at the start, again is harmless', async () => {
    const options = {
      collection: 'c',
      indexes: [['CustomerID'], ['InvoiceNo', 'StockCode']],
      collection_options: { collation: { locale: 'de' } },
    }
    const { database } = await server.open(options, line)
    await server.open({ database, ...options }, line)
    const collection = server.client.db(database).collection('c')
    expect((await collection.indexes()).map((index) => index['name'])).toEqual([
      '_id_',
      'CustomerID_1',
      'InvoiceNo_1_StockCode_1',
    ])
    expect((await collection.options())['collation']).toMatchObject({ locale: 'de' })
  })

  test('look-ups find by equality, test, sort and limit, and show rows of JSON values', async () => {
    const schema: RecordType = {
      fields: {
        ...line.fields,
        price: { type: { kind: 'decimal', precision: 10, scale: 2 }, optional: true },
        at: { type: { kind: 'timestamp' }, optional: true },
        large: { type: { kind: 'bigint' }, optional: true },
      },
    }
    const { sink, database } = await server.open({ collection: 'c', indexes: [['CustomerID']] }, schema)
    const rows = Array.from({ length: 20 }, (_, i) =>
      row(`${i % 3}`, 's', i, {
        CustomerID: i % 5 ? i % 5 : null,
        price: `${i}.50`,
        at: i,
        large: 9007199254740993n + BigInt(i),
      }),
    )
    await sink.write(records(rows), writing)
    const options = resolved({ url: url as never, database, collection: 'c' })
    const source = askedStore(definition as SinkDefinition, options, env, 'c', schema)
    const quantities = async (text: QueryText) => (await ask(source, schema, text)).map((each) => each['Quantity'])
    expect((await quantities({ where: 'CustomerID == 2' })).toSorted((a, b) => Number(a) - Number(b))).toEqual([
      2, 7, 12, 17,
    ])
    expect(await quantities({ where: 'CustomerID == null', sort: ['-Quantity'], limit: 2 })).toEqual([15, 10])
    expect(await quantities({ where: 'Quantity != null && Quantity % 20 == 19' })).toEqual([19])
    const typed = { CustomerID: 2, price: '7.50', at: 7, large: 9007199254741000n }
    const where = [
      'CustomerID == 2',
      'price == decimal("7.50", 4, 2)',
      'at == timestamp("1970-01-01T00:00:00.007Z")',
      'large == 9007199254741000',
    ]
    expect(await ask(source, schema, { where })).toEqual([{ _id: 'p/in/s@7', ...row('1', 's', 7, typed) }])
    expect((await ask(source, schema, { sort: ['-price'], limit: 2 })).map((each) => each['price'])).toEqual([
      '19.50',
      '18.50',
    ])
    await expect(
      (async () => {
        for await (const _ of definition!.query!(
          resolved({ url: url as never, database, collection: 'c' }),
          env,
          { collection: 'x' },
          writing.signal,
        ));
      })(),
    ).rejects.toMatchObject({ code: 'unknown_collection', hint: 'it has c' })
    const said = await definition!.probe!(
      resolved({ url: url as never, database, collection: 'c' }),
      env,
      writing.signal,
    )
    expect(said).toMatch(/^MongoDB \d+\.\d+\.\d+, replica set rs0; database test-.*, about 20 documents in c$/)
  })
})
