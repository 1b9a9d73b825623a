/**
 * Posts records to an address. A request carries one record, or several as an array or as JSON lines; several requests are on their way at once, but of one key only
 * one where `order: per_key` asks for it. Each request names the id of its record as `Idempotency-Key`, so that a server which remembers keys takes a
 * repeated one once.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { connect } from 'node:net'
import {
  defineSink,
  option,
  PartialWriteError,
  type Problem,
  type Records,
  type Sink,
  type Static,
  SystemError,
  type WriteFailure,
} from '@millrace/core'
import { compileEncoder, jsonForm, OutputBytes } from '@millrace/formats'
import { type Client, createClient } from './client.ts'

const options = option.object({
  url: option.text('Where to post to.', { example: 'http://127.0.0.1:8080/invoices', pattern: '^https?://' }),
  method: option.oneOf(['POST', 'PUT'], 'The method.', { default: 'POST' }),
  body: option.oneOf(
    ['object', 'array', 'json_lines'],
    'What a request carries: one record, or up to `batch` of them as a JSON array or as JSON lines.',
    {
      default: 'object',
    },
  ),
  batch: option.integer('Records a request, where it carries several.', { default: 500, min: 1, max: 10_000 }),
  nulls: option.oneOf(['write', 'omit'], 'Whether an empty field is written as null or left out.', { default: 'omit' }),
  concurrency: option.integer('Requests on their way at once.', { default: 32, min: 1, max: 1024 }),
  order: option.oneOf(
    ['none', 'per_key', 'strict'],
    '`per_key`: one request at a time for each value of `key`; `strict`: one at a time.',
    { default: 'none' },
  ),
  key: option.optional(option.field('The field whose order `per_key` keeps.', { example: 'InvoiceNo' })),
  headers: option.map(option.text('A value.'), 'Further headers.', { default: {} }),
  token: option.optional(option.secret('Sent as `Authorization: Bearer`.', { example: '${secret:gateway_token}' })),
  timeout: option.duration('How long to wait for an answer.', { default: '30s' }),
  wait: option.duration('At the start: how long to wait until the port answers.', { default: '30s' }),
})

type Options = Static<typeof options>

/** Statuses that can pass by themselves; every other one of 400 to 499 is a fault of the record. */
const passing = new Set([408, 425, 429])

export const sinkHttp = defineSink({
  kind: 'sink',
  type: 'http',
  serves: ['endpoint'],
  summary: 'Posts records to an HTTP address, with an idempotency key each.',
  options,
  check: (o) => [
    ...(o.order === 'per_key' && !o.key
      ? [
          {
            code: 'missing_option',
            message: '`order: per_key` needs `key`, the field whose order is kept',
            at: ['order'],
            hint: 'add `key: InvoiceNo`',
          },
        ]
      : []),
    ...Object.entries(o.headers).flatMap(([name, value]) => headerProblem(name, value)),
  ],
  capabilities: (o) => ({
    label: 'at-least-once',
    how:
      o.body === 'object'
        ? 'a repeated request names the same Idempotency-Key; a server that remembers keys takes it once'
        : 'requests of several records are cut anew after a crash',
  }),
  writes: (o) => [`http:${new URL(o.url).host}${new URL(o.url).pathname}`],
  async probe(o, _env, signal) {
    const url = new URL(o.url)
    await portAnswers(url, 0, signal)
    return `${url.host} answers; nothing was posted`
  },
  mapping: jsonForm,
  create: (o, ctx): Sink => {
    const url = new URL(o.url)
    const encode = compileEncoder(ctx.schema, {
      nulls: o.nulls,
      ...(o.body === 'json_lines' ? { after: '\n' } : o.body === 'array' ? { before: ',' } : {}),
    })
    const head = headOf(url, o)
    const out = new OutputBytes(64 * 1024)
    const requestOf = (records: Records, indexes: readonly number[], id: string): Buffer => {
      out.clear()
      encode(
        indexes.map((i) => records.rows[i]!),
        out,
      )
      if (o.body === 'array') {
        out.buffer[0] = 0x5b
        out.text(']')
      }
      const own = `${head}idempotency-key: ${headerText(id)}\r\ncontent-length: ${out.at}\r\n\r\n`
      const request = Buffer.allocUnsafe(own.length + out.at)
      request.write(own, 'latin1')
      request.set(out.seen(), own.length)
      return request
    }
    let client: Client | undefined
    return {
      open: ({ signal }) => portAnswers(url, o.wait, signal),
      async write(records, { signal }) {
        const ids = records.ids()
        const failures: WriteFailure[] = []
        const { send, close } = (client ??= createClient(url, o.timeout))
        const stop = () => close(signal.reason as Error)
        const post = async (indexes: readonly number[]): Promise<boolean> => {
          let failure: Omit<WriteFailure, 'index'>
          try {
            signal.throwIfAborted()
            const { status, body } = await send(requestOf(records, indexes, ids[indexes[0]!]!))
            if (status >= 200 && status < 300) return true
            const kind = status >= 500 || passing.has(status) ? 'system' : 'data'
            failure = { kind, code: `http_${status}`, message: `${url.host} answered ${status}: ${body.slice(0, 500)}` }
          } catch (error) {
            failure = { kind: 'system', code: 'http_unreachable', message: `${url.host}: ${(error as Error).message}` }
          }
          for (const index of indexes) failures.push({ index, ...failure })
          return failure.kind === 'data'
        }
        signal.addEventListener('abort', stop)
        await inLanes(lanesOf(records, o), o.concurrency, async (lane) => {
          for (const [k, indexes] of lane.entries()) {
            if (await post(indexes)) continue
            // What comes after a record that has to be repeated waits for it.
            for (const index of lane.slice(k + 1).flat())
              failures.push({ index, kind: 'system', code: 'held', message: 'waits for an earlier record of its key' })
            return
          }
        })
        signal.removeEventListener('abort', stop)
        if (failures.length) throw new PartialWriteError(failures)
      },
      async close() {
        client?.close()
      },
    }
  },
})

/** A header holds printable ASCII only. */
const headerText = (id: string): string => (/^[ -~]+$/.test(id) ? id : encodeURI(id))

/** Why these cannot stand in the head of a request. */
function headerProblem(name: string, value: string): Problem[] {
  const own = ['host', 'content-length', 'transfer-encoding', 'connection', 'content-type', 'idempotency-key']
  if (own.includes(name.toLowerCase()))
    return [{ code: 'bad_value', message: `the header ${name} is set by the sink itself`, at: ['headers', name] }]
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return []
  } catch (error) {
    return [{ code: 'bad_value', message: (error as Error).message, at: ['headers', name] }]
  }
}

/** The part of a request's head that all have: request line and headers, each with its line end. */
function headOf(url: URL, o: Options): string {
  const credentials = url.username
    ? `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`
    : undefined
  const authorization = o.token ? `Bearer ${o.token.reveal()}` : credentials
  const headers = {
    host: url.host,
    'content-type': o.body === 'json_lines' ? 'application/x-ndjson' : 'application/json',
    ...(authorization ? { authorization } : {}),
    ...Object.fromEntries(Object.entries(o.headers).map(([name, value]) => [name.toLowerCase(), value])),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${o.method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}`
}

/** Requests (lists of indexes) that have to follow one another, as lanes that need not. */
function lanesOf(records: Records, o: Pick<Options, 'body' | 'batch' | 'order' | 'key'>): number[][][] {
  const size = o.body === 'object' ? 1 : o.batch
  const cut = (indexes: readonly number[]) =>
    Array.from({ length: Math.ceil(indexes.length / size) }, (_, k) => indexes.slice(k * size, k * size + size))
  const all = Array.from({ length: records.length }, (_, i) => i)
  if (o.order === 'strict') return [cut(all)]
  if (o.order === 'none') return cut(all).map((request) => [request])
  const of = new Map<unknown, number[]>()
  for (const i of all) {
    const key = records.rows[i]![o.key!]
    const lane = of.get(key)
    if (lane) lane.push(i)
    else of.set(key, [i])
  }
  return [...of.values()].map(cut)
}

async function inLanes(
  lanes: readonly number[][][],
  concurrency: number,
  run: (lane: number[][]) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < lanes.length) await run(lanes[next++]!)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, lanes.length) }, worker))
}

/** Resolves when something listens there. */
async function portAnswers(url: URL, ms: number, signal: AbortSignal): Promise<void> {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  for (const until = Date.now() + ms; ; ) {
    const error = await new Promise<Error | undefined>((resolve) => {
      const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port, signal })
      socket.on('connect', () => resolve(socket.destroy() && undefined))
      socket.on('error', resolve)
    })
    if (!error) return
    if (signal.aborted || Date.now() >= until)
      throw new SystemError('http_unreachable', `nothing answers at ${url.host}: ${error.message}`, {
        hint: 'is the server running, and the address right?',
      })
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
