/**
 * Mutated requests over real connections: none ends the gateway, none is answered with a server's error, and what was
 * accepted is in the store. `MILLRACE_REQUESTS` says how many, `MILLRACE_SEED` which.
 */
import { connect } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { mulberry32 } from '@millrace/testkit'
import { expect, it } from 'vitest'
import { gateway, good } from './run-gateway.ts'

const total = Number(process.env['MILLRACE_REQUESTS'] ?? 20_000)
const seed = Number(process.env['MILLRACE_SEED'] ?? 1)
const atOnce = 64

/** What was done to a request; those of one kind are counted. */
const counts = new Map<string, number>()

class Mutator {
  readonly #random: () => number
  constructor(start: number) {
    this.#random = mulberry32(start)
  }
  below(n: number): number {
    return Math.floor(this.#random() * n)
  }
  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!
  }
  is(share: number): boolean {
    return this.#random() < share
  }
  /** Bytes with some of them replaced, removed, repeated or added. */
  bent(bytes: Buffer): Buffer {
    let made = Buffer.from(bytes)
    for (let n = 1 + this.below(4); n > 0; n--) {
      const at = this.below(made.length + 1)
      const [before, after] = [made.subarray(0, at), made.subarray(at)]
      const added = this.pick([
        Buffer.of(this.below(256)),
        Buffer.from(
          this.pick(['"', '{', '[', '\\u0000', '\0', '\r\n', 'é', '1e999', '__proto__', '-0', ',,', '\ufeff']),
        ),
        made.subarray(0, this.below(20)),
      ])
      made = Buffer.concat(
        this.pick([
          [before, added, after],
          [before, after.subarray(1 + this.below(8))],
          [before, added, after.subarray(added.length)],
        ]),
      )
    }
    return made
  }
}

const strangeHeaders = [
  'content-type: text/plain',
  'content-type: application/json; charset=utf-16',
  'content-encoding: gzip',
  'content-encoding: br, gzip',
  'content-encoding: ',
  'transfer-encoding: chunked',
  'transfer-encoding: gzip, chunked',
  'content-length: 0',
  'content-length: -1',
  'content-length: 9999999999999999999',
  'content-length: 1e1',
  'idempotency-key: ',
  'idempotency-key: a, b',
  `idempotency-key: ${'k'.repeat(5000)}`,
  'idempotency-key: \u00ff\u00fe',
  'millrace-ids: ["a"]',
  'millrace-ids: a,b,c',
  'millrace-ids: %',
  'expect: 100-continue',
  'expect: nothing',
  'upgrade: websocket',
  'connection: upgrade',
  'connection: close',
  'host: ',
  `x-long: ${'y'.repeat(20_000)}`,
  ': empty',
  ' folded: x',
  'no colon',
  'x\0: nul',
]

interface Mutated {
  readonly bytes: Buffer
  /** Its head and its length are right, so that it gets an answer. */
  readonly isWhole: boolean
}

function requestOf(m: Mutator, n: number): Mutated {
  let isWhole = true
  const note = (what: string) => {
    counts.set(what, (counts.get(what) ?? 0) + 1)
    if (what === 'headers' || what === 'chunks' || what === 'wire') isWhole = false
  }
  const record = (k: number) => ({
    ...good(0),
    InvoiceNo: `f${n}-${k}`,
    ...m.pick([{}, {}, { when: 'never' }, { x: 1 }]),
  })
  const form = m.pick(['object', 'list', 'lines'])
  const several = Array.from({ length: 1 + m.below(4) }, (_, k) => record(k))
  const text =
    form === 'object'
      ? JSON.stringify(record(0))
      : form === 'list'
        ? JSON.stringify(several)
        : several.map((each) => JSON.stringify(each)).join('\n')
  let body: Buffer = Buffer.from(text)
  if (m.is(0.4)) {
    note('body')
    body = m.is(0.05) ? Buffer.from('['.repeat(1000 + m.below(900))) : m.bent(body)
  }
  const encoding = m.is(0.25) ? m.pick(['gzip', 'deflate', 'br']) : undefined
  if (encoding) {
    note('encoding')
    body = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }[encoding as 'gzip'](body)
    if (m.is(0.3)) body = m.bent(body)
  }
  const isChunked = m.is(0.3)
  const headers = [
    'host: gateway',
    `content-type: ${form === 'lines' ? 'application/x-ndjson' : 'application/json'}`,
    ...(encoding ? [`content-encoding: ${encoding}`] : []),
    ...(m.is(0.5) ? [`idempotency-key: k${m.below(total)}`] : []),
    isChunked ? 'transfer-encoding: chunked' : `content-length: ${body.length}`,
  ]
  if (m.is(0.4)) {
    note('headers')
    for (let k = 1 + m.below(2); k > 0; k--)
      headers.splice(m.below(headers.length + 1), m.below(2), m.pick(strangeHeaders))
  }
  const line = m.is(0.9)
    ? 'POST /invoices HTTP/1.1'
    : m.pick([
        'PUT /invoices HTTP/1.1',
        'POST /%zz HTTP/1.1',
        'POST http://x/invoices HTTP/1.1',
        'POST /invoices HTTP/9',
        'G',
        '',
      ])
  const head = Buffer.from(`${line}\r\n${headers.join('\r\n')}\r\n\r\n`, 'latin1')
  const sent = isChunked ? Buffer.concat([head, chunked(m, body, note)]) : Buffer.concat([head, body])
  if (!m.is(0.15)) return { bytes: sent, isWhole }
  note('wire')
  return { bytes: m.bent(sent), isWhole: false }
}

function chunked(m: Mutator, body: Buffer, note: (what: string) => void): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const size = 1 + m.below(40)
    const part = body.subarray(at, at + size)
    const told = m.is(0.03)
      ? (note('chunks'), m.pick(['zz', '-1', 'ffffffffffffffffff', '0', `${part.length};x=1`]))
      : part.length.toString(16)
    parts.push(Buffer.from(`${told}\r\n`), part, Buffer.from('\r\n'))
    at += size
  }
  return Buffer.concat([...parts, Buffer.from(m.is(0.05) ? '0\r\ntrailer: x\r\n\r\n' : '0\r\n\r\n')])
}

/** How long a request that may be incomplete is waited for: the gateway waits for its rest. */
const quietMs = 300

/** Sends the bytes, and its end when no more answers come; resolves with all of them. */
const send = (port: number, { bytes, isWhole }: Mutated): Promise<string> =>
  new Promise((resolve) => {
    let answer = ''
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    let quiet: NodeJS.Timeout | undefined
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      clearTimeout(quiet)
      quiet = setTimeout(() => socket.end(), 20)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(quiet)
      resolve(answer)
    })
    socket.write(bytes, () => {
      clearTimeout(quiet)
      if (answer === '') quiet = setTimeout(() => socket.end(), isWhole ? 60_000 : quietMs)
    })
  })

/** Bodies and statuses of the answers on a connection. */
function answersIn(text: string): { readonly status: number; readonly body: string }[] {
  return text.split(/(?=HTTP\/1\.1 \d{3} )/).flatMap((each) => {
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(each)?.[1])
    return status >= 200 ? [{ status, body: each.slice(each.indexOf('\r\n\r\n') + 4) }] : []
  })
}

/** The invoices that an answer says were taken. */
function takenIn({ status, body }: { readonly status: number; readonly body: string }): string[] {
  if (status !== 201 && status !== 207) return []
  const found = JSON.parse(Buffer.from(body, 'latin1').toString()) as Json | Json[]
  const records = (Array.isArray(found) ? found : [found]).map((each) => (status === 207 ? each.record : each))
  return records.flatMap((record) => (record?.InvoiceNo === undefined ? [] : [record.InvoiceNo]))
}
interface Json {
  readonly InvoiceNo?: string
  readonly record?: { readonly InvoiceNo?: string }
}

it(`${total} mutated requests: none ends the gateway, and every accepted record is in the store`, async () => {
  const { address, start, post, store } = await gateway()
  // A key that is forgotten may be used again, for another record of the same id.
  await start({ more: { keys: { max: 1_000_000 }, answer_timeout: 120_000 } })
  const port = Number(address.split(':')[1])
  const statuses = new Map<number, number>()
  const taken = new Set<string>()
  const wrong: string[] = []
  let next = 0
  const worker = async () => {
    while (next < total) {
      const n = next++
      const request = requestOf(new Mutator(seed * 1_000_003 + n), n)
      for (const answer of answersIn(await send(port, request))) {
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        if (answer.status >= 500) wrong.push(`request ${n}: ${answer.status} ${answer.body}`)
        for (const invoice of takenIn(answer)) taken.add(invoice)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  expect(wrong.slice(0, 5)).toEqual([])
  expect((await post(good(1))).status).toBe(201)
  const stored = new Set([...store.values()].map((row) => row['InvoiceNo'] as string))
  expect([...taken].filter((invoice) => !stored.has(invoice))).toEqual([])
  console.log(JSON.stringify({ statuses: Object.fromEntries(statuses), mutated: Object.fromEntries(counts) }))
  // The requests reach the decoder often enough to mean something.
  expect(taken.size).toBeGreaterThan(total / 10)
  expect((statuses.get(400) ?? 0) / total).toBeGreaterThan(0.1)
  for (const kind of ['body', 'headers', 'encoding', 'wire']) expect(counts.get(kind)! / total).toBeGreaterThan(0.1)
}, 600_000)
