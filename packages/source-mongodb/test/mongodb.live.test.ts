import { freshRead, isBatch } from '@millrace/core'
import { Binary, Decimal128, Long, MinKey, MongoClient, ObjectId } from 'mongodb'
import { afterEach, describe, expect, test } from 'vitest'
import type { Json, RecordType } from '@millrace/core'
import { liveUrl } from '@millrace/testkit'
import { contextOf, definition, putDocuments, readAll, rowsOf } from './server.ts'

const url = liveUrl('MONGODB')
const schema: RecordType = { fields: { n: { type: { kind: 'integer' }, optional: false } } }
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})
const put = (documents: Parameters<typeof putDocuments>[1]) =>
  putDocuments(url!, documents, (cleanup) => cleanups.push(cleanup))

describe.skipIf(!url)('a collection of MongoDB', () => {
  test('with keys of many types is read whole, in the order of its index, from every position', async () => {
    const keys = [
      new MinKey(),
      -1.5,
      3,
      Long.fromString('9007199254740993'),
      Decimal128.fromString('1E+20'),
      '',
      'a',
      'z',
      { a: 1 },
      { a: 'x' },
      new Binary(Buffer.from([1])),
      new ObjectId('000000000000000000000001'),
      new ObjectId('0123456789abcdef01234567'),
      false,
      true,
      new Date(0),
    ]
    const options = await put(keys.map((_id, n) => ({ _id: _id as never, n })).toReversed())
    const all = await readAll(options, schema)
    expect(rowsOf(all).map((row) => row['n'])).toEqual([...keys.keys()])
    const ids = all.flatMap((batch) => batch.rows.map((_, i) => batch.positionAt(i)))
    expect(new Set(ids).size).toBe(keys.length)
    const { collection } = all[0]!.position as { readonly collection: string }
    for (const [n, id] of ids.entries()) {
      const position: Json = {
        collection,
        after: typeof keys[n] === 'string' ? id : { key: `{"_id":${String(id)}}` },
      }
      expect(
        rowsOf(await readAll(options, schema, { at: position })).map((row) => row['n']),
        String(id),
      ).toEqual([...keys.keys()].slice(n + 1))
    }
  })

  test('is read to the end it had, and a document that is gone moves nothing', async () => {
    const options = await put(
      Array.from({ length: 2500 }, (_, n) => ({ _id: `k${String(n).padStart(5, '0')}` as never, n })),
    )
    const client = new MongoClient(url!)
    cleanups.push(() => client.close())
    const collection = client.db(options.database).collection('docs')
    let first = true
    const batches = await readAll(options, schema, {
      onBatch: async (batch) => {
        await collection.insertOne({ _id: new ObjectId(), n: -1 })
        const { after } = batch.position as { readonly after: string }
        if (first) await collection.deleteMany({ _id: { $in: [after as never, 'k01000' as never] } })
        first = false
      },
    })
    expect(rowsOf(batches).map((row) => row['n'])).toEqual(
      [...Array.from({ length: 2500 }).keys()].filter((n) => n !== 1000),
    )
  })

  test('that is empty ends at once; one that is not there says what is', async () => {
    const options = await put([])
    expect(await readAll(options, schema)).toEqual([])
    await expect(readAll({ ...options, collection: 'x' }, schema)).rejects.toMatchObject({
      code: 'unknown_collection',
      hint: 'it has docs',
    })
  })

  test('with large documents is read a few at a time', async () => {
    const text = 'x'.repeat(500_000)
    const options = await put(Array.from({ length: 60 }, (_, n) => ({ _id: n as never, n, text })))
    const batches = await readAll(options, {
      fields: { ...schema.fields, text: { type: { kind: 'string' }, optional: false } },
    })
    expect(rowsOf(batches).map((row) => row['n'])).toEqual([...Array.from({ length: 60 }).keys()])
    for (const { bytes } of batches) expect(bytes).toBeLessThan(1.6e6)
    expect(batches.at(-1)!.end).toBe(true)
  })

  test('with documents of which a reply of the server holds one only is read whole', async () => {
    const text = 'x'.repeat(15_000_000)
    const options = await put(Array.from({ length: 4 }, (_, n) => ({ _id: n as never, n, text })))
    expect(rowsOf(await readAll(options, schema)).map((row) => row['n'])).toEqual([0, 1, 2, 3])
  })

  test('stops within a second while the server is silent', async () => {
    const { cuttingProxy } = await import('@millrace/testkit')
    const options = await put(Array.from({ length: 2500 }, (_, n) => ({ n })))
    const { hostname, port } = new URL(url!)
    const proxy = await cuttingProxy(Number(port), hostname)
    cleanups.push(() => proxy.close())
    const source = definition!.create(
      { ...options, url: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true` as never },
      contextOf(schema),
    )
    const abort = new AbortController()
    const reading = async () => {
      for await (const batch of source.read(freshRead(abort.signal))) {
        if (!isBatch(batch)) continue
        await proxy.set('black_hole')
        setTimeout(() => abort.abort(), 50)
      }
    }
    const startedMs = performance.now()
    await reading()
    expect(performance.now() - startedMs).toBeLessThan(2000)
  })

  test('tells its type and its size', async () => {
    const options = await put([
      { _id: 'a' as never, n: 1, price: Decimal128.fromString('1.5'), at: new Date(0), any: 1, big: Long.MAX_VALUE },
      {
        _id: 'b' as never,
        n: 1.5,
        price: Decimal128.fromString('1.25'),
        at: new Date(1),
        any: 'x',
        big: 5,
        raw: new Binary(Buffer.from([1])),
      },
    ])
    const { fields } = await definition!.infer!(options, contextOf(schema), new AbortController().signal)
    const { typeText } = await import('@millrace/core')
    expect(
      Object.fromEntries(
        Object.entries(fields).map(([name, { type, optional }]) => [name, typeText(type) + (optional ? '?' : '')]),
      ),
    ).toEqual({
      _id: 'string',
      n: 'number',
      price: 'decimal(34,2)',
      at: 'timestamp',
      any: 'json',
      big: 'bigint',
      raw: 'bytes?',
    })
    expect(await definition!.probe!(options, contextOf(schema), new AbortController().signal)).toBe(
      `about 2 documents in docs of ${options.database}`,
    )
  })
})
