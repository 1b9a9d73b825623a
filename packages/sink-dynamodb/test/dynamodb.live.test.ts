import type { Row } from '@millrace/core'
import { liveUrl } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { records, standInAt, writing } from './stand-in.ts'

const url = liveUrl('DYNAMODB')
const string = { type: { kind: 'string' }, optional: true } as const
const integer = { type: { kind: 'integer' }, optional: true } as const
const line = { fields: { InvoiceNo: string, StockCode: string, Quantity: integer, CustomerID: integer } }
const row = (InvoiceNo: string | null, StockCode: string, more: Row = {}): Row => ({
  InvoiceNo,
  StockCode,
  Quantity: 1,
  CustomerID: 17850,
  ...more,
})

async function failuresOf(written: Promise<void> | void) {
  try {
    await written
    return []
  } catch (error) {
    const { failures } = error as { failures: { index: number; kind: string; code: string }[] }
    return failures.map(({ index, kind, code }) => [index, kind, code])
  }
}

describe.skipIf(!url)('documents in DynamoDB', () => {
  const at = standInAt(url ?? 'http://127.0.0.1:1')

  test('are found by the key of their table, or by `_id`', async () => {
    const keys = [
      { key: undefined, stored: '_id (S)', id: 'p/in/s@7' },
      { key: 'CustomerID', stored: 'CustomerID (N)', id: '17850' },
      { key: ['InvoiceNo', 'CustomerID'], stored: 'InvoiceNo (S), CustomerID (N)', id: '["1",17850]' },
      { key: ['InvoiceNo', 'CustomerID', 'StockCode'], stored: '_id (S)', id: '["1",17850,"a"]' },
    ]
    for (const { key, stored, id } of keys) {
      const options = at.options({ collection: 'lines', key })
      const sink = await at.open(options, line)
      await sink.write(records([row('1', 'a')], 7), writing)
      const { KeySchema, AttributeDefinitions } = await at.describe(`${options.table_prefix}lines`)
      const typeOf = (name: string | undefined) =>
        AttributeDefinitions!.find((each) => each.AttributeName === name)!.AttributeType
      expect(KeySchema!.map(({ AttributeName: name }) => `${name} (${typeOf(name)})`).join(', ')).toBe(stored)
      for (const type of [line, undefined]) {
        const query = { collection: 'lines', scan: true, ...(type ? { type } : {}) }
        expect(await at.query(options, query)).toEqual([{ _id: id, ...row('1', 'a') }])
      }
    }
  })

  test('are upserted, inserted, deleted; the last record of a key stays', async () => {
    const options = at.options({ collection: 'c', key: 'InvoiceNo' })
    const sink = await at.open(options, line)
    await sink.write(records([row('1', 'a'), row('2', 'b'), row('1', 'c')]), writing)
    const all = async () =>
      (await at.items(`${options.table_prefix}c`)).map((i) => `${i['InvoiceNo']!.S}${i['StockCode']!.S}`)
    expect((await all()).toSorted()).toEqual(['1c', '2b'])
    const inserts = await at.open({ ...options, write: 'insert' }, line)
    const batch = [row('2', 'x'), row('3', 'd'), row('3', 'e'), row('4', 'f')]
    const taken = [
      [0, 'data', 'key_exists'],
      [2, 'data', 'key_exists'],
    ]
    expect(await failuresOf(inserts.write(records(batch), writing))).toEqual(taken)
    // The answer was lost: the same records find their own.
    expect(await failuresOf(inserts.write(records(batch), writing))).toEqual(taken)
    expect((await all()).toSorted()).toEqual(['1c', '2b', '3d', '4f'])
    const deletes = await at.open({ ...options, write: 'delete' }, line)
    await deletes.write(records([row('1', ''), row('9', ''), row('3', '')]), writing)
    expect((await all()).toSorted()).toEqual(['2b', '4f'])
  })

  test('gather any attributes, in as few updates as fit, and name the record that makes an item too large', async () => {
    const long = { fields: { ...line.fields, Description: string } }
    const options = at.options({
      collection: 'wide',
      write: 'set',
      key: 'CustomerID',
      attribute: { name: 'StockCode', value: ['Quantity', 'Description'] },
    })
    const sink = await at.open(options, long)
    const names = Array.from({ length: 1000 }, (_, n) => `${n}.$a [x] #:${n}`)
    const rows = names.map((name, n) => row('1', name, { Quantity: n, Description: null }))
    await sink.write(records(rows), writing)
    const [item] = await at.items(`${options.table_prefix}wide`)
    const value = (n: number) => ({ M: { Quantity: { N: String(n) }, Description: { NULL: true } } })
    expect(item).toEqual({
      CustomerID: { N: '17850' },
      ...Object.fromEntries(names.map((name, n) => [name, value(n)])),
    })

    const large = (CustomerID: number, length: number) =>
      row('1', `x${length}`, { CustomerID, Description: 'x'.repeat(length) })
    const mixed = [large(1, 300_000), large(2, 5), large(1, 350_000), large(1, 7)]
    expect(await failuresOf(sink.write(records(mixed), writing))).toEqual([[2, 'data', 'too_large']])
    const found = (await at.items(`${options.table_prefix}wide`)).filter((each) => each['CustomerID']!.N === '1')
    expect(found.map((each) => Object.keys(each).toSorted())).toEqual([['CustomerID', 'x300000', 'x7']])
  })

  test('leave out nulls if told so, and merge the fields that are named', async () => {
    const options = at.options({ collection: 'some', key: 'InvoiceNo', nulls: 'omit' })
    const sink = await at.open(options, line)
    await sink.write(records([row('1', 'a', { CustomerID: null })]), writing)
    const merges = await at.open({ ...options, write: 'set', fields: ['Quantity'] }, line)
    await merges.write(records([row('1', 'b', { Quantity: 7 }), row('2', 'b', { Quantity: null })]), writing)
    // A scan has no order.
    const found = await at.query(options, { collection: 'some', scan: true })
    expect(found.toSorted((a, b) => (String(a['_id']) < String(b['_id']) ? -1 : 1))).toEqual([
      { _id: '1', InvoiceNo: '1', StockCode: 'a', Quantity: 7 },
      { _id: '2', InvoiceNo: '2' },
    ])
  })

  test('are looked up by an index; a null is not in it', async () => {
    const options = at.options({ collection: 'indexed', indexes: [['CustomerID'], ['InvoiceNo', 'Quantity']] })
    const sink = await at.open(options, line)
    await sink.write(
      records([row('1', 'a'), row('2', 'b', { CustomerID: null }), row('1', 'c', { CustomerID: 5 })]),
      writing,
    )
    const look = (equals: Row) =>
      at.query(options, {
        collection: 'indexed',
        type: line,
        where: Object.entries(equals).map(([field, value]) => ({ field, is: '==' as const, value })),
      })
    expect((await look({ CustomerID: 17850 })).map((found) => found['StockCode'])).toEqual(['a'])
    expect((await look({ InvoiceNo: '1' })).map((found) => String(found['StockCode'])).toSorted()).toEqual(['a', 'c'])
    const sets = await at.open({ ...options, write: 'set', key: undefined }, line)
    await sets.write(records([row('1', 'a', { CustomerID: null })]), writing)
    expect(await look({ CustomerID: 17850 })).toEqual([])
    const stored = await at.items(`${options.table_prefix}indexed`)
    expect(Object.fromEntries(stored.map((each) => [each['StockCode']!.S, each['CustomerID']]))).toEqual({
      a: undefined,
      b: undefined,
      c: { N: '5' },
    })
    await expect(at.query(options, { collection: 'indexed' })).rejects.toMatchObject({ code: 'query_reads_all' })
    expect(await at.query(options, { collection: 'indexed', scan: true })).toHaveLength(3)
  })

  test('go to a table that is there, if its key is known', async () => {
    const options = at.options({ collection: 'there', key: 'InvoiceNo' })
    await at.open(options, line)
    const warnings: string[] = []
    await at.open({ ...options, indexes: [['CustomerID']] }, line, warnings)
    expect(warnings).toEqual([expect.stringContaining('has no index CustomerID')])
    const other = at.open({ ...options, key: ['InvoiceNo', 'StockCode'] }, line)
    await expect(other).rejects.toMatchObject({
      code: 'store_failed',
      message: expect.stringContaining('is InvoiceNo (S), not InvoiceNo (S), StockCode (S)'),
    })
    const missing = at.query(options, { collection: 'nowhere' })
    await expect(missing).rejects.toMatchObject({ code: 'unknown_collection', hint: 'there are there' })
  })
})
