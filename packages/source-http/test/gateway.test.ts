import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Row, Secret } from '@millrace/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { problems } from '../src/options.ts'
import { defaults, type Gateway, gateway, good } from './run-gateway.ts'

let { home, address, store, start, stop, post } = {} as Gateway
beforeEach(async () => {
  ;({ home, address, store, start, stop, post } = await gateway())
})

describe('the HTTP gateway', () => {
  it('answers 201 with the record as it is at the named step, when the store has it', async () => {
    await start()
    const { status, body } = await post(good(1), { 'idempotency-key': 'k1' })
    expect([status, body]).toEqual([201, { InvoiceNo: 'i1', Quantity: 1, seen: true }])
    expect([...store.keys()]).toEqual(['test/source/k1'])
    expect((await post([good(2), good(3)], { 'idempotency-key': 'k2' })).body).toHaveLength(2)
    expect([...store.keys()]).toEqual(['test/source/k1', 'test/source/k2/0', 'test/source/k2/1'])
  })

  it('does not answer before the store has the record', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await start({ onWrite: () => held })
    const answer = post(good(1))
    expect(
      await Promise.race([
        answer.then(() => 'answered'),
        new Promise((resolve) => setTimeout(resolve, 150, 'waiting')),
      ]),
    ).toBe('waiting')
    release()
    expect((await answer).status).toBe(201)
  })

  it.each([
    ['no JSON', '{"InvoiceNo": ', 400, 'bad_json', undefined],
    ['a field of another type', JSON.stringify({ InvoiceNo: 'a', Quantity: 'x' }), 422, 'refused', ['Quantity']],
    ['several faults', JSON.stringify({ Quantity: 1.5 }), 422, 'refused', ['InvoiceNo', 'Quantity']],
    ['a bad date', JSON.stringify({ InvoiceNo: 'a', Quantity: 1, when: 'never' }), 400, 'refused', ['when']],
    ['an empty list', '[]', 400, 'empty', undefined],
  ])('refuses %s, names it and forwards nothing', async (_what, text, status, code, fields) => {
    await start()
    const answer = await post(text, {}, true)
    expect(answer.status).toBe(status)
    const body = answer.body as { error: string; errors?: { field: string; message: string }[] }
    expect(body.error === code || body.error === 'refused').toBe(true)
    if (fields) expect(body.errors!.map((e) => e.field)).toEqual(fields)
    expect(store.size).toBe(0)
  })

  it('refuses a request of several whole when one of them is bad, and lists every bad one', async () => {
    await start()
    const { status, body } = await post([
      good(1),
      { Quantity: 2 },
      good(3),
      { InvoiceNo: 'x', Quantity: 1, when: 'never' },
    ])
    expect(status).toBe(422)
    expect((body as { errors: { item: number }[] }).errors.map((e) => e.item)).toEqual([1, 3])
    expect(store.size).toBe(0)
  })

  it('lets a resend wait for the answer of the first, each for its own time', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await start({ more: { answer_timeout: 300 }, onWrite: () => held })
    const first = post(good(1), { 'idempotency-key': 'k1' })
    await new Promise((resolve) => setTimeout(resolve, 200))
    const second = post(good(1), { 'idempotency-key': 'k1' })
    expect((await first).status).toBe(503)
    release()
    expect((await second).status).toBe(201)
    expect([...store.keys()]).toEqual(['test/source/k1'])
  })

  it('gives a resend the first answer and forwards nothing, also after a restart', async () => {
    await start()
    const first = await post(good(1), { 'idempotency-key': 'k1' })
    store.clear()
    expect(await post(good(1), { 'idempotency-key': 'k1' })).toMatchObject({ status: 201, body: first.body })
    expect(await post(good(2), { 'idempotency-key': 'k1' })).toMatchObject({
      status: 422,
      body: { error: 'key_reused' },
    })
    await stop()
    await start()
    expect(await post(good(1), { 'idempotency-key': 'k1' })).toMatchObject({ status: 201, body: first.body })
    expect(store.size).toBe(0)
  })

  it.each(['dated', 'source'])(
    'gives a resend of many records the same bytes, also after a restart, of %s',
    async (from) => {
      await start({ more: { max_body: 100_000, wrap: 'data' }, from })
      const send = async () => {
        const response = await fetch(`http://${address}/invoices`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': 'k1' },
          body: Array.from({ length: 500 }, (_, n) => JSON.stringify({ ...good(n), when: n % 2 ? 'é' : null })).join(
            '\n',
          ),
        })
        return [response.status, await response.text()] as const
      }
      const first = await send()
      const seen = from === 'dated' ? { seen: true } : {}
      const records = (JSON.parse(first[1]) as { data: Row[] }).data
      expect([first[0], records.length, records[0], records[1]]).toEqual([
        201,
        500,
        { InvoiceNo: 'i0', Quantity: 0, ...seen },
        { InvoiceNo: 'i1', Quantity: 1, when: 'é', ...seen },
      ])
      store.clear()
      expect(await send()).toEqual(first)
      await stop()
      await start({ more: { max_body: 100_000, wrap: 'data' }, from })
      expect(await send()).toEqual(first)
      expect(store.size).toBe(0)
    },
  )

  it('forgets the oldest keys first', async () => {
    await start({ more: { keys: { max: 3 } } })
    for (let n = 0; n < 6; n++) await post(good(n), { 'idempotency-key': `k${n}` })
    store.clear()
    await post(good(0), { 'idempotency-key': 'k0' })
    await post(good(5), { 'idempotency-key': 'k5' })
    expect([...store.keys()]).toEqual(['test/source/k0'])
  })

  it('has a clear answer for everything else', async () => {
    await start()
    expect((await post(good(1), { 'content-type': 'text/xml' })).status).toBe(415)
    expect((await post({ ...good(1), InvoiceNo: 'x'.repeat(3000) })).status).toBe(413)
    const bomb = await fetch(`http://${address}/invoices`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: gzipSync('x'.repeat(1_000_000)),
    })
    expect(bomb.status).toBe(413)
    expect((await fetch(`http://${address}/nowhere`)).status).toBe(404)
    const wrong = await fetch(`http://${address}/invoices`)
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await fetch(`http://${address}/`)).status).toBe(200)
    expect(await (await fetch(`http://${address}/openapi.json`)).json()).toMatchObject({
      paths: { '/invoices': { post: {} } },
    })
    expect(store.size).toBe(0)
  })

  it('takes only requests with the right token or signature', async () => {
    await start({
      more: { token: new Secret('t0ken'), signature: { scheme: 'hmac', secret: new Secret('s3cret'), tolerance: 1 } },
    })
    const body = JSON.stringify(good(1))
    const signature = createHmac('sha256', 's3cret').update(body).digest('hex')
    expect((await post(body, { authorization: 'Bearer t0ken' }, true)).status).toBe(401)
    expect((await post(body, { authorization: 'Bearer t0kem', 'x-signature-256': signature }, true)).status).toBe(401)
    expect(
      (await post(body, { authorization: 'Bearer t0ken', 'x-signature-256': `sha256=${signature}` }, true)).status,
    ).toBe(201)
  })

  it('answers 503 with Retry-After while it is full', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await start({ more: { max_in_flight: 2 }, onWrite: () => held })
    const waiting = [post(good(1)), post(good(2))]
    await new Promise((resolve) => setTimeout(resolve, 100))
    const full = await post(good(3))
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '1'])
    release()
    expect((await Promise.all(waiting)).map((a) => a.status)).toEqual([201, 201])
  })

  it('answers what it has taken when it is asked to stop', async () => {
    let began = () => {}
    const isTaken = new Promise<void>((resolve) => (began = resolve))
    await start({
      onWrite: () => {
        began()
        return new Promise((resolve) => setTimeout(resolve, 100))
      },
    })
    const waiting = post(good(1))
    await isTaken
    void stop()
    expect((await waiting).status).toBe(201)
  })

  it('writes a line for every request that was accepted or refused', async () => {
    await start({ more: { log: 'logs/ingestion.jsonl' } })
    await post(good(1))
    await post('{', {}, true)
    await stop()
    const lines = readFileSync(join(home, 'logs/ingestion.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((l) => JSON.parse(l) as Row)
    expect(lines.map((l) => [l['event'], l['level'], l['status']])).toEqual([
      ['accepted', 'info', 201],
      ['refused', 'warn', 400],
    ])
  })

  it.each([
    ['lines', (n: number) => '{}\n'.repeat(n), 'application/x-ndjson'],
    ['lines and empty ones', (n: number) => '{}\n\n'.repeat(n), 'application/x-ndjson'],
    ['an array', (n: number) => `[${Array.from({ length: n }, () => '{}').join(' , ')}]`, 'application/json'],
  ])('takes as many records in a request as max_items says, and no more: %s', async (_what, bodyOf, type) => {
    await start({ more: { max_items: 200, max_body: 1 << 20 } })
    const send = async (n: number) => {
      const method = { method: 'POST', headers: { 'content-type': type }, body: bodyOf(n) }
      const response = await fetch(`http://${address}/invoices`, method)
      return [response.status, ((await response.json()) as { error: string }).error]
    }
    expect(await send(200)).toEqual([422, 'refused'])
    expect(await send(201)).toEqual([413, 'too_many_items'])
    expect(await send(150_000)).toEqual([413, 'too_many_items'])
  })

  it('names every record that is bad, but not a thousand faults of each, and logs a few', async () => {
    await start({ more: { max_body: 1 << 20, log: 'logs/ingestion.jsonl' } })
    const { status, body } = await post(Array.from({ length: 2000 }, () => ({})))
    const { errors, note } = body as { errors: { item: number; field: string }[]; note: string }
    // Two fields are missing in each record.
    expect([status, errors.length, new Set(errors.map(({ item }) => item)).size]).toEqual([422, 1000 + 1500, 2000])
    expect(note).toContain('1000 faults')
    await stop()
    const logged = JSON.parse(readFileSync(join(home, 'logs/ingestion.jsonl'), 'utf8')) as { body: Row }
    expect([logged.body['faults'], (logged.body['errors'] as unknown[]).length]).toEqual([2500, 10])
  })

  it('refuses a key of more than 255 bytes, before it reads the records', async () => {
    await start()
    expect(await post(good(1), { 'idempotency-key': 'k'.repeat(256) })).toMatchObject({
      status: 400,
      body: { error: 'key_too_long' },
    })
    expect((await post(good(1), { 'idempotency-key': 'k'.repeat(255) })).status).toBe(201)
  })

  it('counts a client that hung up as answered', async () => {
    await start()
    const body = JSON.stringify(good(9))
    const socket = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) })
    socket.end(
      `POST /invoices HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nidempotency-key: gone\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await new Promise((resolve) => setTimeout(resolve, 30))
    socket.destroy()
    for (let n = 0; n < 100 && !store.has('test/source/gone'); n++)
      await new Promise((resolve) => setTimeout(resolve, 10))
    expect(store.has('test/source/gone')).toBe(true)
  })

  it('is not opened to others without a token, a signature, or the word', () => {
    const open = { ...defaults, address: '0.0.0.0:8080', path: '/x' } as never
    expect(problems(open)).toMatchObject([{ code: 'open_to_all', at: ['address'] }])
    expect(problems({ ...(open as object), insecure: true } as never)).toEqual([])
    expect(problems({ ...(open as object), token: new Secret('x') } as never)).toEqual([])
    expect(problems({ ...(open as object), address: '[::1]:80' } as never)).toEqual([])
  })
})
