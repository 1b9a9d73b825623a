import { createHmac } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { Secret } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { problems } from '../src/options.ts'
import { type SignatureOptions, verifier } from '../src/signature.ts'
import { defaults, gateway, good } from './run-gateway.ts'

type Scheme = SignatureOptions['scheme']

const verify = (scheme: Scheme, secret: string, tolerance = 300_000) =>
  verifier({ scheme, secret: new Secret(secret), tolerance }, 'source')

interface Vector {
  readonly scheme: Scheme
  readonly from: string
  readonly secret: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** s UTC. */
  readonly at?: number
  readonly key: string
}

const vectors: readonly Vector[] = [
  {
    scheme: 'github',
    from: 'GitHub, "Validating webhook deliveries"',
    secret: "It's a Secret to Everybody",
    body: 'Hello, World!',
    headers: { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' },
    key: 'github:sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
  },
  {
    scheme: 'shopify',
    from: 'SQLPage, examples of webhooks',
    secret: 'test-webhook-secret',
    body: '{"id":1234567890,"email":"customer@example.com","total_price":"123.45"}',
    headers: { 'x-shopify-hmac-sha256': 'QNyObTlKbMx2qDlPF/ZOZcBqg5OgPg+2oky3zldc0Gw=' },
    key: 'shopify:QNyObTlKbMx2qDlPF/ZOZcBqg5OgPg+2oky3zldc0Gw=',
  },
  {
    scheme: 'svix',
    from: 'Svix, "Verifying webhooks manually"',
    secret: 'whsec_plJ3nmyCDGBKInavdOK15jsl',
    body: '{"event_type":"ping","data":{"success":true}}',
    headers: {
      'svix-id': 'msg_loFOjxBNrRLzqYUf',
      'svix-timestamp': '1731705121',
      'svix-signature': 'v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=',
    },
    at: 1_731_705_121,
    key: 'svix:msg_loFOjxBNrRLzqYUf',
  },
  {
    scheme: 'svix',
    from: 'Svix, its libraries, with the headers of Standard Webhooks and an older key beside it',
    secret: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    body: '{"test": 2432232314}',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,AAAA',
    },
    at: 1_614_265_330,
    key: 'svix:msg_p5jXN8AQM9LWM0D4loKWxJek',
  },
  {
    scheme: 'stripe',
    from: 'computed with the hmac of Python: Stripe publishes none',
    secret: 'whsec_test_secret',
    body: '{"id":"evt_1","object":"event","type":"charge.succeeded"}',
    headers: {
      'stripe-signature':
        't=1492774577,v1=91110bb4292e56d95b06660f55b3f65c0157840684729f1271e6da44c1ed57eb,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39',
    },
    at: 1_492_774_577,
    key: 'stripe:evt_1',
  },
]

describe('signatures of services', () => {
  it.each(vectors)('takes a request that is signed as the service says: $scheme, $from', (vector) => {
    const { scheme, secret, body, headers, at = 0, key } = vector
    expect(verify(scheme, secret)(Buffer.from(body), headers, at * 1000)).toEqual({ key })
    expect(verify(scheme, secret)(Buffer.from(`${body} `), headers, at * 1000)).toBeUndefined()
    expect(verify(scheme, Buffer.from('other').toString('base64'))(Buffer.from(body), headers, at * 1000)).toBe(
      undefined,
    )
    expect(verify(scheme, secret)(Buffer.from(body), {}, at * 1000)).toBeUndefined()
    for (const [name, value] of Object.entries(headers))
      expect(verify(scheme, secret)(Buffer.from(body), { ...headers, [name]: `x${value}` }, at * 1000)).toBeUndefined()
  })

  it.each(vectors.filter(({ at }) => at))(
    'refuses a signature that is too old, or from the future: $scheme, $from',
    ({ scheme, secret, body, headers, at }) => {
      const isTaken = (s: number, tolerance?: number) =>
        verify(scheme, secret, tolerance)(Buffer.from(body), headers, (at! + s) * 1000) !== undefined
      expect([-301, -300, 300, 301].map((s) => isTaken(s))).toEqual([false, true, true, false])
      expect([-11, 10].map((s) => isTaken(s, 10_000))).toEqual([false, true])
    },
  )

  it('refuses an empty secret, and one that is not of its scheme', () => {
    for (const scheme of ['hmac', 'github', 'shopify', 'stripe', 'svix'] as const)
      expect(() => verify(scheme, '')).toThrow(expect.objectContaining({ code: 'bad_secret' }))
    for (const secret of ['whsec_', 'whsec_ä', 'not base64!'])
      expect(() => verify('svix', secret)).toThrow(expect.objectContaining({ code: 'bad_secret' }))
  })

  it('has its own headers, so that another one is a finding', () => {
    const signature = { scheme: 'stripe', secret: new Secret('s'), header: 'x', tolerance: 1 }
    const found = problems({ ...defaults, address: '127.0.0.1:1', path: '/', signature } as never)
    expect(found).toMatchObject([{ code: 'bad_value', at: ['signature', 'header'] }])
  })
})

describe('the gateway takes webhooks', () => {
  const stripe = (body: string, time = Math.floor(Date.now() / 1000)) => {
    const v1 = createHmac('sha256', 'whsec').update(`${time}.${body}`).digest('hex')
    return { 'stripe-signature': `t=${time},v1=${v1}` }
  }
  const started = async (scheme: Scheme, keys = {}) => {
    const made = await gateway()
    await made.start({ more: { signature: { scheme, secret: new Secret('whsec'), tolerance: 300_000 }, keys } })
    return made
  }

  it('once, however often one is sent again, and under whatever key', async () => {
    const { post, store } = await started('stripe')
    const body = JSON.stringify({ id: 'evt_1', ...good(1) })
    const first = stripe(body)
    for (const headers of [first, first, { ...first, 'idempotency-key': 'other' }])
      expect((await post(body, headers, true)).status).toBe(201)
    // The service signs it anew when it got no answer.
    expect((await post(body, stripe(body, Math.floor(Date.now() / 1000) - 60), true)).status).toBe(201)
    expect([...store.keys()]).toEqual(['test/source/stripe:evt_1'])
    const forged = await post(body.replace('i1', 'i2'), first, true)
    expect([forged.status, forged.body]).toMatchObject([401, { error: 'unauthorized' }])
    expect(store.size).toBe(1)
  })

  it('by the bytes that were sent: compressed ones are signed compressed', async () => {
    const { address, store } = await started('github')
    const body = gzipSync(JSON.stringify(good(1)))
    const send = (signed: string | Uint8Array) =>
      fetch(`http://${address}/invoices`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          'x-hub-signature-256': `sha256=${createHmac('sha256', 'whsec').update(signed).digest('hex')}`,
        },
      })
    expect((await send(JSON.stringify(good(1)))).status).toBe(401)
    expect((await send(body)).status).toBe(201)
    expect((await send(body)).status).toBe(201)
    expect(store.size).toBe(1)
  })
})
