/**
 * The embedded store and MongoDB, given the same records under the same options, hold the same documents under the same
 * keys.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  batch,
  type PartialWriteError,
  type QueryText,
  Records,
  type RecordType,
  type Row,
  type SinkDefinition,
  type Type,
} from '@millrace/core'
import mongodb from '@millrace/sink-mongodb'
import sqlite from '@millrace/sink-sqlite'
import { ask, askedStore, liveUrl, sameSet } from '@millrace/testkit'
import { MongoClient } from 'mongodb'
import { afterAll, describe, expect, test } from 'vitest'

const url = liveUrl('MONGODB')
const database = `swap-${randomUUID().slice(0, 13)}`
const root = mkdtempSync(join(tmpdir(), 'millrace-swap-'))
afterAll(async () => {
  rmSync(root, { recursive: true, force: true })
  if (!url) return
  const client = new MongoClient(url)
  await client.db(database).dropDatabase()
  await client.close()
})

const field = (
  kind: Exclude<Type['kind'], 'decimal' | 'fine_timestamp' | 'list' | 'map' | 'object'>,
  optional = false,
) => ({
  type: { kind },
  optional,
})
const schema: RecordType = {
  fields: {
    InvoiceNo: field('string', true),
    StockCode: field('string', true),
    Quantity: field('integer'),
    large: field('bigint', true),
    price: { type: { kind: 'decimal', precision: 12, scale: 2 }, optional: true },
    day: field('date'),
    at: field('timestamp', true),
    raw: field('bytes', true),
    any: field('json', true),
  },
}
const row = (i: number, more: Row = {}): Row => ({
  InvoiceNo: `${536_365 + (i % 5)}`,
  StockCode: ['85123A', 'a.b', '$x', '22423', '__proto__'][i % 5],
  Quantity: i,
  large: i % 2 ? 9007199254740993n + BigInt(i) : null,
  price: `${i}.50`,
  day: '2010-12-01',
  at: i % 3 ? Date.UTC(2010, 11, 1) + i : null,
  raw: i % 4 ? new Uint8Array([i, 255]) : null,
  any: { list: [i, 'x', null] },
  ...more,
})
const rows = [
  ...Array.from({ length: 23 }, (_, i) => row(i)),
  row(23, { InvoiceNo: null }),
  row(24, { StockCode: 'x\ud800' }),
  row(25, { StockCode: null }),
]
const { signal } = new AbortController()

/** Writes twice, as after a crash, and returns what was refused and what a lookup finds. */
async function written(
  definition: SinkDefinition,
  own: Row,
  options: Row,
  query: QueryText,
): Promise<{ refused: string[]; found: readonly Row[] }> {
  const resolved = { write: 'upsert', nulls: 'write', existing: 'stop', ...own, ...options }
  const env = {
    root,
    home: root,
    profile: 'swap',
    pipeline: 'p',
    id: 'out',
    resolve: (path: string) => join(root, path),
  }
  const sink = definition.create(resolved, { ...env, schema })
  const refused: string[] = []
  try {
    await sink.open!({ signal, incarnation: 1, start: 'test', instance: { i: 0, n: 1 }, warn: () => {} })
    for (let again = 0; again < 2; again++) {
      const records = new Records({
        rows,
        from: [{ source: 'in', batch: batch({ split: 's', rows, positionAt: (i) => i }) }],
        pipeline: 'p',
      })
      try {
        await sink.write(records, { signal, epoch: 1 })
      } catch (error) {
        for (const { index, kind, code, field: at } of (error as PartialWriteError).failures)
          refused.push(`${index} ${kind} ${code} ${at}`)
      }
    }
  } finally {
    await sink.close?.()
  }
  const source = askedStore(definition, resolved, env, String(options['collection']), schema)
  const found = await ask(source, schema, query)
  return { refused, found }
}

describe.skipIf(!url)('a profile that swaps the store changes nothing', () => {
  test.each<[string, Row, QueryText?]>([
    ['documents by record id', { collection: 'by-id' }],
    ['the last document of a key', { collection: 'by-key', key: ['InvoiceNo', 'StockCode'] }],
    ['without nulls', { collection: 'without-nulls', nulls: 'omit' }],
    ['inserted once', { collection: 'inserted', write: 'insert', key: 'InvoiceNo' }],
    ['merged', { collection: 'merged', write: 'set', key: 'InvoiceNo', fields: ['Quantity', 'price'] }],
    [
      'one attribute a record',
      {
        collection: 'gathered',
        write: 'set',
        key: 'InvoiceNo',
        attribute: { name: 'StockCode', value: ['Quantity', 'any'] },
      },
    ],
    ['found by a decimal', { collection: 'found', indexes: [['price']] }, { where: 'price == decimal("7.50", 4, 2)' }],
    ['found by what is null', { collection: 'null' }, { where: 'at == null' }],
    ['the largest of exact numbers', { collection: 'sorted' }, { sort: ['-price'], limit: 3 }],
  ])('%s', async (_name, options, query = {}) => {
    const embedded = await written(sqlite[0] as SinkDefinition, {}, options, query)
    const real = await written(mongodb[0] as SinkDefinition, { url, database }, options, query)
    expect(embedded.found.length).toBeGreaterThan(0)
    expect(real.refused).toEqual(embedded.refused)
    sameSet(real.found, embedded.found, 'in MongoDB')
  })
})
