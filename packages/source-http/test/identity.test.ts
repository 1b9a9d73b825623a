/** What requests and their records are known by. */
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { encodeIds, idsHeader } from '@millrace/kinds'
import { beforeEach, describe, expect, it } from 'vitest'
import { sourceHttp } from '../src/source.ts'
import { configOf, type Gateway, gateway, good } from './run-gateway.ts'

let { address, store, start, stop, post } = {} as Gateway
beforeEach(async () => {
  ;({ address, store, start, stop, post } = await gateway())
})

/** Posts with headers that may come several times. */
function postWith(
  body: unknown,
  headers: Record<string, string | string[]>,
): Promise<{ status: number; body: unknown }> {
  const [host, port] = address.split(':')
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path: '/invoices', method: 'POST' }, async (response) =>
      resolve({ status: response.statusCode!, body: JSON.parse(await text(response)) as unknown }),
    )
    sent.setHeader('content-type', 'application/json')
    for (const [name, value] of Object.entries(headers)) sent.setHeader(name, value)
    sent.on('error', reject).end(JSON.stringify(body))
  })
}

describe("a client's key", () => {
  it('counts for the gateway and route that took it, and no item of one is another', async () => {
    await start()
    await post(good(1), { 'idempotency-key': '1' })
    await post([good(2), good(3)], { 'idempotency-key': 'A' })
    await post(good(4), { 'idempotency-key': 'A/0' })
    await post(good(5), { 'idempotency-key': 'a@b#c%d' })
    expect([...store].map(([id, row]) => [id, row['Quantity']])).toEqual([
      ['test/source/1', 1],
      ['test/source/A/0', 2],
      ['test/source/A/1', 3],
      ['test/source/A%2F0', 4],
      ['test/source/a%40b%23c%25d', 5],
    ])
  })

  it('that comes twice in one request is one where both are equal, else 400', async () => {
    await start()
    expect(await postWith(good(1), { 'idempotency-key': ['k, 1', 'k, 1'] })).toMatchObject({ status: 201 })
    expect(await postWith(good(1), { 'idempotency-key': 'k, 1' })).toMatchObject({ status: 201 })
    expect([...store.keys()]).toEqual(['test/source/k, 1'])
    expect(await postWith(good(2), { 'idempotency-key': ['k', 'l'] })).toMatchObject({
      status: 400,
      body: { error: 'keys_differ' },
    })
    expect(store.size).toBe(1)
  })

  it('can be required: a request without it, and without ids of its records, is 400', async () => {
    await start({ more: { keys: { required: true } } })
    expect(await post(good(1))).toMatchObject({ status: 400, body: { error: 'key_missing' } })
    expect((await post(good(1), { 'idempotency-key': 'k' })).status).toBe(201)
    expect((await post(good(1), { [idsHeader]: encodeIds(['p/s/a@1'])! })).status).toBe(201)
    expect([...store.keys()]).toEqual(['test/source/k', 'p/s/a@1'])
  })

  it('tells whether a record can come again as another one', () => {
    const repeats = (required: boolean) => sourceHttp.capabilities(configOf('x:1', { keys: { required } })).repeats
    expect([repeats(false)!.id, repeats(true)!.id]).toEqual(['new', 'same'])
  })
})

describe('ids that records arrive with', () => {
  it('are their ids, whatever the key of the request and however requests are cut', async () => {
    await start()
    const ids = ['p/s/a@1', 'p/s/a@2', 'other/gateway/%2F1']
    const headers = (some: readonly string[], key: string) => ({
      [idsHeader]: encodeIds(some)!,
      'idempotency-key': key,
    })
    expect((await post([good(1), good(2)], headers(ids.slice(0, 2), 'a'))).status).toBe(201)
    expect((await post([good(2), good(3)], headers(ids.slice(1), 'b'))).status).toBe(201)
    expect((await post(good(4), { [idsHeader]: encodeIds(['p/s/a@4'])! })).status).toBe(201)
    expect([...store.keys()]).toEqual([...ids, 'p/s/a@4'])
  })

  it('are taken only where there are as many as items, and the header is well-formed', async () => {
    await start()
    for (const value of [encodeIds(['a'])!, encodeIds(['a', 'b', 'c'])!, 'nonsense', `${encodeIds(['a'])!}, b`])
      expect(await post([good(1), good(2)], { [idsHeader]: value }), value).toMatchObject({
        status: 400,
        body: { error: 'bad_ids' },
      })
    expect(store.size).toBe(0)
  })

  it('stay with the items, some of which are no records', async () => {
    await start({ onError: 'drop' })
    const ids = ['p/s/a@1', 'p/s/a@2', 'p/s/a@3']
    const { status } = await post([good(1), { Quantity: 2 }, good(3)], { [idsHeader]: encodeIds(ids)! })
    expect([status, ...store.keys()]).toEqual([201, 'p/s/a@1', 'p/s/a@3'])
    await stop()
  })
})
