/** Options of the HTTP gateway, each tried by a few requests. */
import { createHmac } from 'node:crypto'
import { connect } from 'node:net'
import { Secret } from '../../packages/core/src/index.ts'
import { gateway as startGateway, good } from '../../packages/source-http/test/run-gateway.ts'
import type { Entry, Pair } from './entry.ts'

type Config = Readonly<Record<string, unknown>>

/**
 * The responses to requests: a valid one, one without a key, one with a different method, path or token, and the
 * greeting.
 */
async function answers(more: Config): Promise<unknown> {
  const { address, start, stop } = await startGateway()
  const { path = '/invoices', ...options } = more
  await start({ more: { path, ...options } })
  const sent = JSON.stringify(good(1))
  const json = { 'content-type': 'application/json' }
  const signature = createHmac('sha256', 's3cret').update(sent).digest('hex')
  const ask = async (to: string, init: RequestInit): Promise<unknown> => {
    const response = await fetch(`http://${address}${to}`, init)
    return [response.status, await response.text()]
  }
  const seen = []
  for (const [to, init] of [
    ['/invoices', { method: 'POST', headers: { ...json, 'idempotency-key': 'k' }, body: sent }],
    ['/invoices', { method: 'POST', headers: json, body: sent }],
    ['/invoices', { method: 'PUT', headers: { ...json, 'idempotency-key': 'p' }, body: sent }],
    ['/other', { method: 'POST', headers: { ...json, 'idempotency-key': 'o' }, body: sent }],
    [
      '/invoices',
      { method: 'POST', headers: { ...json, authorization: 'Bearer t', 'idempotency-key': 't' }, body: sent },
    ],
    [
      '/invoices',
      { method: 'POST', headers: { ...json, 'x-signature-256': signature, 'idempotency-key': 's' }, body: sent },
    ],
    ['/invoices', { method: 'POST', headers: { ...json, 'x-signed': signature, 'idempotency-key': 's2' }, body: sent }],
    ['/', {}],
  ] as const)
    seen.push(await ask(to, init as RequestInit))
  await stop()
  return JSON.parse(
    JSON.stringify(seen)
      .replaceAll(/"(key|id)\\":\\"[^"]*"/g, '')
      .replaceAll(/\d{5,}/g, 'N'),
  )
}

const answered = (b: Config, a: Config = {}): Pair<Config> => ({ a, b, see: answers })
const signature = (more: Config = {}) => ({
  signature: { scheme: 'hmac', secret: new Secret('s3cret'), tolerance: 300_000, ...more },
})

/** Whether a second connection is accepted while a first is open. */
async function connections(max_connections: number): Promise<unknown> {
  const { address, start, stop } = await startGateway()
  await start({ more: { max_connections } })
  const [host, port] = address.split(':') as [string, string]
  const open = () =>
    new Promise<string>((resolve) => {
      const socket = connect({ host, port: Number(port) })
      socket.on('error', () => resolve('closed'))
      socket.on('close', () => resolve('closed'))
      socket.on('data', () => resolve('answered'))
      socket.on('connect', () => socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n'))
    })
  // `fetch` keeps the connection of the readiness probe open: that one counts too.
  const seen = [await open(), await open(), await open(), await open()]
  await stop()
  return seen.includes('closed')
}

const named = (test: string, file = 'gateway.test.ts'): Entry => ({ file: `packages/source-http/test/${file}`, test })

export const gateway: Readonly<Record<string, Entry>> = {
  'source http address': named('is not opened to others without a token, a signature, or the word'),
  'source http path': answered({ path: '/other' }),
  'source http method': answered({ method: 'PUT' }),
  'source http status': answered({ status: 202 }),
  'source http wrap': answered({ wrap: 'data' }),
  'source http greeting': answered({ greeting: 'welcome' }),
  'source http token': answered({ token: new Secret('t') }),
  'source http signature': answered(signature()),
  'source http signature.secret': answered(signature({ secret: new Secret('other') }), signature()),
  'source http signature.header': answered(signature({ header: 'x-signed' }), signature()),
  'source http signature.scheme': named(
    'takes a request that is signed as the service says: $scheme, $from',
    'signature.test.ts',
  ),
  'source http signature.tolerance': named(
    'refuses a signature that is too old, or from the future: $scheme, $from',
    'signature.test.ts',
  ),
  'source http insecure': named('is not opened to others without a token, a signature, or the word'),
  'source http max_body': answered({ max_body: 10 }),
  'source http max_items': named('takes as many records in a request as max_items says, and no more: %s'),
  'source http max_buffered': answered({ max_buffered: 10 }),
  'source http max_in_flight': named('answers 503 with Retry-After while it is full'),
  'source http max_connections': { a: 1000, b: 3, see: connections },
  'source http answer_timeout': named('lets a resend wait for the answer of the first, each for its own time'),
  'source http keys': answered({ keys: { required: true } }),
  'source http keys.required': answered({ keys: { required: true } }, { keys: { required: false } }),
  'source http keys.keep': named(
    'forgets what is too old, though there is room, and removes it from what is saved',
    'keys.test.ts',
  ),
  'source http keys.max': named('forgets the oldest keys first'),
  'source http log': named('writes a line for every request that was accepted or refused'),
  'source http log_rotation': named('rotates, and keeps so many older files', 'log.test.ts'),
  'source http log_rotation.size': named('rotates, and keeps so many older files', 'log.test.ts'),
  'source http log_rotation.keep': named('rotates, and keeps so many older files', 'log.test.ts'),
}
