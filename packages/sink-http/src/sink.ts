/**
 * Posts records to an address. A request carries one record, or several as an array or as JSON lines; several requests
 * are on their way at once, but of one key only one where `order: per_key` asks for it.
 */
import { connect } from 'node:net'
import {
  aborted,
  compileKey,
  defineSink,
  pause,
  type Records,
  type RecordType,
  type Row,
  type Sink,
  SystemError,
  throwFailures,
  type WriteFailure,
} from '@millrace/core'
import { jsonForm, keyProblems } from '@millrace/kinds'
import { type Client, createClient } from '@millrace/client-http'
import { type Options, options, problems } from './options.ts'
import { postAll } from './posting.ts'
import { requestMaker } from './requests.ts'

/** The longest that is waited because a server asks to be left alone; then it is asked again. */
const longestWaitMs = 5 * 60_000

export const sinkHttp = defineSink({
  kind: 'sink',
  type: 'http',
  serves: ['endpoint'],
  summary: 'Posts records to an HTTP address, each known by its id.',
  options,
  check: problems,
  capabilities: (o) => ({
    label: 'at-least-once',
    how:
      o.body === 'object'
        ? 'a repeated request names the same Idempotency-Key; a server that remembers keys takes it once'
        : 'a repeated record comes under the same id in Millrace-Ids; a gateway of Millrace takes it once',
    key: 'record_id',
  }),
  accepts: ({ key }, input) => keyProblems({ key }, input),
  writes: (o) => [`http:${new URL(o.url).host}${new URL(o.url).pathname}`],
  async probe(o, _env, signal) {
    const url = new URL(o.url)
    await portAnswers(url, 0, signal)
    return `${url.host} answers; nothing was posted`
  },
  mapping: jsonForm,
  create: (o, ctx): Sink => {
    const url = new URL(o.url)
    const make = requestMaker(url, o, ctx.schema)
    const most = o.body === 'object' ? 1 : o.batch
    const lanesOf = compileLanes(o, most, ctx.schema)
    let client: Client | undefined
    /** The server asked to be left alone until then, ms of `performance.now()`. */
    let notBeforeMs = 0
    return {
      open: ({ signal }) => portAnswers(url, o.wait, signal),
      async write(records, { signal }) {
        const leftMs = Math.min(longestWaitMs, notBeforeMs - performance.now())
        if (leftMs > 0) await pause(leftMs, signal, `${url.host} asks to wait`)
        const { send, close } = (client ??= createClient(url, o.timeout))
        const stop = () => close(aborted(`posting to ${url.host}`))
        signal.addEventListener('abort', stop)
        let failures: WriteFailure[]
        try {
          failures = await postAll(records, lanesOf(records), signal, {
            where: url.host,
            concurrency: o.concurrency,
            most,
            make,
            send,
            askedToWait: (untilMs) => (notBeforeMs = Math.max(notBeforeMs, untilMs)),
          })
        } catch (error) {
          // Nothing of this kind will ever be taken, or the run stops: what is on its way is given up.
          close(error as Error)
          throw error
        } finally {
          signal.removeEventListener('abort', stop)
        }
        throwAll(failures, records.length)
      },
      async close() {
        client?.close()
      },
    }
  },
})

/** What failed; as a failure of the write where that is all of it. */
function throwAll(failures: readonly WriteFailure[], records: number): void {
  const first = failures.find(({ code }) => code !== 'held') ?? failures[0]
  if (first && failures.length === records && failures.every(({ kind }) => kind === 'system'))
    throw new SystemError(first.code, first.message, {
      retry: true,
      hint: 'is the server running, and able to answer?',
    })
  throwFailures(failures)
}

/** Makes the function that lays out records as lanes: places of records that have to follow one another. */
function compileLanes(o: Options, size: number, schema: RecordType): (records: Records) => number[][] {
  const key = o.order === 'per_key' ? compileKey(schema, [o.key!]) : undefined
  const keyOf = (row: Row): string | undefined => {
    try {
      return key!(row)
    } catch {
      // A key without a text form: the record has no form either.
      return undefined
    }
  }
  return ({ rows, length }) => {
    const all = Array.from({ length }, (_, i) => i)
    if (o.order === 'strict') return [all]
    if (o.order === 'none')
      return Array.from({ length: Math.ceil(length / size) }, (_, k) => all.slice(k * size, k * size + size))
    const lanes = new Map<string | undefined, number[]>()
    for (const i of all) {
      const value = keyOf(rows[i]!)
      const lane = lanes.get(value)
      if (lane) lane.push(i)
      else lanes.set(value, [i])
    }
    return [...lanes.values()]
  }
}

/** Resolves when something listens there. Throws `SystemError`. */
async function portAnswers(url: URL, ms: number, signal: AbortSignal): Promise<void> {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const doing = `waiting for ${url.host}`
  for (const untilMs = performance.now() + ms; ; ) {
    const error = await new Promise<Error | undefined>((resolve) => {
      const socket = connect({ host, port, signal, timeout: Math.max(5000, untilMs - performance.now()) })
      const done = (failure?: Error) => {
        socket.destroy()
        resolve(failure)
      }
      socket.on('connect', () => done())
      socket.on('timeout', () => done(new Error('it does not answer')))
      socket.on('error', done)
    })
    if (!error) return
    if (signal.aborted) throw aborted(doing)
    if (performance.now() >= untilMs)
      throw new SystemError('http_unreachable', `nothing answers at ${url.host}: ${error.message}`, {
        hint: 'is the server running, and the address right?',
      })
    await pause(100, signal, doing)
  }
}
