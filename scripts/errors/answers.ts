/** Examples of a gateway's answers: requests to a real one, and the request that is accepted instead. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { main } from '../../packages/cli/src/main.ts'
import { freePort } from '../../packages/testkit/src/port.ts'

/** A request as it goes over the wire, without `host` and `content-length`. */
interface Request {
  readonly line?: string
  readonly headers?: readonly string[]
  readonly body?: string
}

export interface AnswerExample {
  /** The answer shown is that of the last one. */
  readonly requests: readonly Request[]
  readonly mend: Request
  /** The gateway accepts only requests with a key. */
  readonly keys?: true
}

const json = 'Content-Type: application/json'
const order = (id: string, more: Partial<Request> = {}): Request => ({
  headers: [json],
  body: `{"id":${id},"n":1}`,
  ...more,
})

/** By code. */
export const answerExamples: Readonly<Record<string, AnswerExample>> = {
  refused: { requests: [order('"first"')], mend: order('1') },
  failed: { requests: [order('null')], mend: order('2') },
  key_reused: {
    requests: [
      order('3', { headers: [json, 'Idempotency-Key: a'] }),
      order('4', { headers: [json, 'Idempotency-Key: a'] }),
    ],
    mend: order('4', { headers: [json, 'Idempotency-Key: b'] }),
  },
  keys_differ: {
    requests: [order('5', { headers: [json, 'Idempotency-Key: c', 'Idempotency-Key: d'] })],
    mend: order('5', { headers: [json, 'Idempotency-Key: c'] }),
  },
  key_missing: { keys: true, requests: [order('6')], mend: order('6', { headers: [json, 'Idempotency-Key: e'] }) },
  empty: { requests: [{ headers: [json], body: '[]' }], mend: order('7') },
  bad_body: { requests: [order('8', { headers: [json, 'Content-Encoding: gzip'] })], mend: order('8') },
  unsupported_type: { requests: [order('10', { headers: ['Content-Type: text/xml'] })], mend: order('10') },
  unsupported_encoding: {
    requests: [order('11', { headers: [json, 'Content-Encoding: compress'] })],
    mend: order('11'),
  },
  method_not_allowed: { requests: [order('12', { line: 'PUT /orders HTTP/1.1' })], mend: order('12') },
}

const spec = (port: number, keys: boolean): string =>
  [
    'version: 1',
    'name: gateway',
    'source:',
    '  type: http',
    `  config: { address: "127.0.0.1:${port}", path: /orders${keys ? ', keys: { required: true }' : ''} }`,
    '  schema: { fields: { id: integer?, n: integer } }',
    'sinks:',
    '  store: { type: sqlite, config: { collection: orders, key: id } }',
    '',
  ].join('\n')

/** The request as a page shows it. */
export const requestText = ({ line = 'POST /orders HTTP/1.1', headers = [], body = '' }: Request): string =>
  [line, ...headers, '', body].join('\n')

/** Status and body of the answer. */
function send(port: number, request: Request): Promise<string> {
  const { line = 'POST /orders HTTP/1.1', headers = [], body = '' } = request
  const head = [line, 'Host: 127.0.0.1', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close', ...headers]
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(`${head.join('\r\n')}\r\n\r\n${body}`))
    socket.setEncoding('utf8').on('data', (text: string) => void (answer += text))
    socket.on('error', reject)
    socket.on('close', () => {
      const [top = '', ...rest] = answer.split('\r\n\r\n')
      const text = rest.join('').replaceAll(/^[0-9a-f]+\r\n|\r\n(?:0)?(?:\r\n)*$/g, '')
      resolve(`${top.split('\r\n')[0]}\n\n${text.trim()}`)
    })
  })
}

/** Runs a gateway while `body` sends it requests. */
async function withGateway<T>(keys: boolean, body: (port: number) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-gateway-'))
  const port = await freePort()
  const stop = new AbortController()
  writeFileSync(join(folder, 'gateway.yaml'), spec(port, keys))
  const ignore = () => {}
  const ended = main(['run', 'gateway.yaml'], {
    cwd: folder,
    env: {},
    out: ignore,
    err: ignore,
    terminal: false,
    columns: 100,
    stopSignal: () => stop.signal,
  })
  try {
    for (let tries = 0; tries < 600; tries++) {
      const isUp = await send(port, { line: 'GET /health HTTP/1.1' }).then(
        (answer) => answer.includes(' 200 '),
        () => false,
      )
      if (isUp) break
      await sleep(50)
    }
    return await body(port)
  } finally {
    stop.abort()
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The answer to each example and to its fix, by code. */
export async function shownAnswers(): Promise<ReadonlyMap<string, { readonly wrong: string; readonly right: string }>> {
  const answers = new Map<string, { wrong: string; right: string }>()
  for (const keys of [false, true])
    await withGateway(keys, async (port) => {
      for (const [code, example] of Object.entries(answerExamples)) {
        if ((example.keys ?? false) !== keys) continue
        let wrong = ''
        for (const request of example.requests) wrong = await send(port, request)
        answers.set(code, { wrong, right: await send(port, example.mend) })
      }
    })
  return answers
}
