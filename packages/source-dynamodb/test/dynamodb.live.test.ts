import { DeleteItemCommand } from '@aws-sdk/client-dynamodb'
import { type Json, type RecordType, type Row, type Type, typeText } from '@millrace/core'
import { cuttingProxy, httpProxy, liveUrl } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { contextOf, definition, type Item, nameOf, readAll, rowsOf, tablesAt } from './stand-in.ts'

const url = liveUrl('DYNAMODB')
const tables = tablesAt(url ?? 'http://127.0.0.1:1')
const typed = (fields: Readonly<Record<string, Type>>): RecordType => ({
  fields: Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, { type, optional: true }])),
})
const numbered = typed({ n: { kind: 'integer' } })
const many = (count: number, more: Item = {}): Item[] =>
  Array.from({ length: count }, (_, n) => ({ _id: { S: `k${n}` }, n: { N: String(n) }, ...more }))
const numbers = (rows: readonly Row[]) => rows.map((row) => row['n'] as number).toSorted((a, b) => a - b)
const never = new AbortController().signal

describe.skipIf(!url)('a table of DynamoDB', () => {
  test('is read from every position, also when the item there is gone', async () => {
    const options = await tables.filled([['_id', 'S']], many(60))
    const all = await tables.items(options)
    const table = await tables.idOf(options)
    for (const [k, item] of all.entries()) {
      const at: Json = { table, after: [item['_id']!.S!] }
      await tables.client.send(new DeleteItemCommand({ TableName: nameOf(options), Key: { _id: item['_id']! } }))
      expect(rowsOf(await readAll(options, numbered, { at })).map((row) => row['n'])).toEqual(
        all.slice(k + 1).map((each) => Number(each['n']!.N)),
      )
      await tables.put(nameOf(options), [item])
    }
  })

  test('with large items is read a megabyte at a time, and a batch has at most a thousand', async () => {
    const large = await tables.filled([['_id', 'S']], many(40, { text: { S: 'x'.repeat(390_000) } }))
    const batches = await readAll(large, numbered)
    expect(numbers(rowsOf(batches))).toEqual([...Array.from({ length: 40 }).keys()])
    for (const { bytes } of batches) expect(bytes).toBeLessThan(1.5e6)
    expect(batches.at(-1)!.end).toBe(true)
    const small = await readAll(await tables.filled([['_id', 'S']], many(2500)), numbered)
    expect(small.map((batch) => batch.rows.length)).toEqual([1000, 1000, 500])
  })

  test('keeps every digit, and refuses what a type cannot hold', async () => {
    const values = ['0', '-12.5', '9007199254740993', '0.1234567890123456789', '12345678901234567890123456789012345678']
    const options = await tables.filled(
      [['_id', 'S']],
      values.map((N, k) => ({ _id: { S: `k${k}` }, v: { N } })),
    )
    const read = async (type: Type) => {
      const batches = await readAll(options, typed({ _id: { kind: 'string' }, v: type }))
      const made = new Map<string, unknown>(rowsOf(batches).map((row) => [String(row['_id']), row['v']]))
      for (const bad of batches.flatMap((batch) => batch.bad ?? [])) made.set(String(bad.position), bad.code)
      return values.map((_, k) => made.get(`k${k}`))
    }
    const decimal = (scale: number): Type => ({ kind: 'decimal', precision: 38, scale })
    expect(await read({ kind: 'integer' })).toEqual([0, 'not_integer', 'out_of_range', 'not_integer', 'out_of_range'])
    expect(await read({ kind: 'bigint' })).toEqual([
      0n,
      'not_integer',
      9007199254740993n,
      'not_integer',
      'out_of_range',
    ])
    expect(await read(decimal(0))).toEqual(['0', expect.any(String), values[2], expect.any(String), values[4]])
    expect((await read(decimal(19)))[3]).toBe(values[3])
  })

  test('gives its key as `_id` in the text that the other stores have, and leaves out what the sink adds', async () => {
    const item: Item = {
      invoice: { S: 'a "b"' },
      line: { N: '12345678901234567890' },
      price: { N: '1.5' },
      _millrace_id: { S: 'p/in/s@1' },
    }
    const options = await tables.filled(
      [
        ['invoice', 'S'],
        ['line', 'N'],
      ],
      [item],
    )
    const key = '["a \\"b\\"","12345678901234567890"]'
    const declared = typed({
      _id: { kind: 'string' },
      invoice: { kind: 'string' },
      line: { kind: 'decimal', precision: 20, scale: 0 },
    })
    const [batch] = await readAll(options, declared)
    expect(batch!.rows).toEqual([{ _id: key, invoice: 'a "b"', line: '12345678901234567890' }])
    expect([batch!.positionAt(0), batch!.unknown]).toEqual([key, 1])
    expect(rowsOf(await readAll(options, typed({ _id: { kind: 'string' } })))).toEqual([{ _id: key }])
    const strict = await readAll(options, declared, { context: { unknownFields: 'error' } })
    expect(strict[0]!.bad).toMatchObject([{ code: 'unknown_field', field: 'price' }])
    const open = await readAll(options, numbered, { context: { unknownFields: 'keep' } })
    expect(rowsOf(open)).toEqual([{ n: null, invoice: 'a "b"', line: 12345678901234567890n, price: 1.5 }])
    // Replay decodes the bytes of a record again, away from the table.
    const decode = definition!.decoder!(options, contextOf(declared))
    expect(decode(batch!.rawAt!(0), batch!.context)).toEqual(batch!.rows[0])
  })

  test('that is empty ends at once; one that is not there says what is', async () => {
    const options = await tables.filled([['_id', 'S']], [])
    expect(await readAll(options, numbered)).toEqual([])
    const missing = { code: 'unknown_collection', hint: 'there are items', exitCode: 3 }
    await expect(readAll({ ...options, collection: 'nowhere' }, numbered)).rejects.toMatchObject(missing)
  })

  test('that cannot be read is named, with the reason, and never with the key', async () => {
    const options = await tables.filled([['_id', 'S']], many(3))
    const table = nameOf(options)
    const none = await cuttingProxy(1)
    const endpoint = `http://127.0.0.1:${none.port}`
    await none.close()
    const secret = 'wJalrXUtnFEMI'
    const credentials = { access_key_id: 'k', secret_access_key: secret }
    const unreachable = { ...options, endpoint, credentials } as unknown as typeof options
    for (const work of [
      () => readAll(unreachable, numbered),
      () => definition!.probe!(unreachable, contextOf(numbered), never),
      () => definition!.infer!(unreachable, contextOf(numbered), never),
    ]) {
      const error = await work().then(
        () => undefined,
        (thrown: unknown) => thrown as Error,
      )
      expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining(table) })
      expect(String([error!.message, error!.stack, error!.cause])).not.toContain(secret)
    }
  })

  test('of another account, or of a region that does not answer, is named with what to do', async () => {
    const options = await tables.filled([['_id', 'S']], many(3))
    const { hostname, port } = new URL(url!)
    const secret = 'wJalrXUtnFEMI'
    const credentials = { access_key_id: 'k', secret_access_key: secret }
    const refusing = await httpProxy(url!)
    const said = 'The security token included in the request is invalid.'
    const body = { __type: 'com.amazon.coral.service#UnrecognizedClientException', message: said }
    refusing.set(() => ({ status: 400, body: JSON.stringify(body) }))
    const silent = await cuttingProxy(Number(port), hostname)
    await silent.set('black_hole')
    for (const [endpoint, expected] of [
      [refusing.url, { code: 'unauthorized', retry: false, hint: expect.stringContaining('check the key') }],
      [
        `http://127.0.0.1:${silent.port}`,
        { code: 'no_answer', retry: true, hint: expect.stringContaining('`region`') },
      ],
    ] as const) {
      const from = { ...options, endpoint, credentials } as unknown as typeof options
      const error = await readAll(from, numbered).then(
        () => undefined,
        (thrown: unknown) => thrown as Error,
      )
      expect(error).toMatchObject({
        name: 'SystemError',
        ...expected,
        message: expect.stringContaining(nameOf(options)),
      })
      expect(String([error!.message, error!.stack, error!.cause])).not.toContain(secret)
    }
    refusing.close()
    await silent.close()
  }, 60_000)

  test('is read to its end when answers are lost, none twice', async () => {
    const options = await tables.filled([['_id', 'S']], many(30, { text: { S: 'x'.repeat(200_000) } }))
    const { hostname, port } = new URL(url!)
    const proxy = await cuttingProxy(Number(port), hostname)
    const through = { ...options, endpoint: `http://127.0.0.1:${proxy.port}` }
    const seen: Row[] = []
    let at: Json | undefined
    let failures = 0
    for (let done = false; !done; ) {
      await proxy.set('none')
      const from = at === undefined ? {} : { at }
      await readAll(through, numbered, {
        ...from,
        async onBatch(batch) {
          seen.push(...batch.rows)
          at = batch.position!
          done = batch.end === true
          if (!done) await proxy.set('reset')
        },
      }).catch((error: unknown) => {
        expect(error).toMatchObject({ name: 'SystemError', retry: true })
        failures++
      })
    }
    await proxy.close()
    expect(failures).toBeGreaterThan(1)
    expect(numbers(seen)).toEqual([...Array.from({ length: 30 }).keys()])
  })

  test('tells its type and its size', async () => {
    const options = await tables.filled(
      [['_id', 'S']],
      [
        { _id: { S: 'a' }, n: { N: '1' }, at: { S: '2026-01-01T00:00:00Z' }, big: { N: '9007199254740993' } },
        { _id: { S: 'b' }, n: { N: '1.5' }, at: { S: '2026-01-01' }, big: { N: '5' }, raw: { B: new Uint8Array([1]) } },
      ],
    )
    const { fields } = await definition!.infer!(options, contextOf(numbered), never)
    const told = Object.entries(fields).map(([name, each]) => [name, typeText(each.type) + (each.optional ? '?' : '')])
    expect(Object.fromEntries(told)).toEqual({ _id: 'string', n: 'number', at: 'string', big: 'bigint', raw: 'bytes?' })
    const report = await definition!.probe!(options, contextOf(numbered), never)
    expect(report).toContain(` items in the table ${nameOf(options)} by _id (S)`)
  })
})
