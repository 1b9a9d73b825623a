/**
 * Posts records to an address. A request has one record, or several as an array or as JSON lines; several requests are
 * in flight at once, but only one per key with `order: per_key`.
 */
import {
  aborted,
  compileKey,
  defineSink,
  type Env,
  type Records,
  type RecordType,
  type Row,
  type Sink,
  SystemError,
  throwFailures,
  unlessAborted,
  type WriteFailure,
} from '@millrace/core'
import { jsonForm, keyProblems } from '@millrace/kinds'
import { type Caller, createCaller } from '@millrace/client-http'
import { type Options, options, problems } from './options.ts'
import { postAll } from './posting.ts'
import { requestMaker } from './requests.ts'
import { compileVerdict } from './verdict.ts'

export const sinkHttp = defineSink({
  kind: 'sink',
  type: 'http',
  serves: ['endpoint'],
  summary: 'Posts records to an HTTP address, each identified by its id.',
  options,
  check: problems,
  capabilities: (o) => ({
    label: 'at-least-once',
    how:
      o.body === 'object'
        ? 'a repeated request has the same Idempotency-Key; a server that remembers keys accepts it once'
        : 'a repeated record has the same id in Millrace-Ids; a Millrace gateway accepts it once',
    key: 'record_id',
  }),
  accepts: ({ key }, input) => keyProblems({ key }, input),
  writes: (o) => [`http:${new URL(o.url).host}${new URL(o.url).pathname}`],
  async probe(o, env, signal) {
    const client = callerOf(o, env)
    try {
      await unlessAborted(client.reach(), signal, `reaching ${new URL(o.url).host}`)
      return `${new URL(o.url).host} answers; nothing was posted`
    } finally {
      client.close()
    }
  },
  mapping: jsonForm,
  create: (o, ctx): Sink => {
    const url = new URL(o.url)
    const make = requestMaker(url, o, ctx.schema)
    const most = o.body === 'object' ? 1 : o.batch
    const lanesOf = compileLanes(o, most, ctx.schema)
    const { reach, call, close } = callerOf(o, ctx)
    const judge = compileVerdict(o.answers, ctx.schema)
    return {
      open: ({ signal }) => unlessAborted(reach(), signal, `reaching ${url.host}`),
      async write(records, { signal }) {
        const stop = () => close(aborted(`posting to ${url.host}`))
        signal.addEventListener('abort', stop)
        let failures: WriteFailure[]
        try {
          failures = await postAll(records, lanesOf(records), signal, {
            where: url.host,
            concurrency: o.concurrency,
            most,
            isOrdered: o.order !== 'none',
            make,
            call,
            judge,
          })
        } catch (error) {
          // Nothing of this kind will ever be accepted, or the run stops: requests in flight are abandoned.
          close(error as Error)
          throw error
        } finally {
          signal.removeEventListener('abort', stop)
        }
        throwAll(failures, records.length)
      },
      async close() {
        close()
      },
    }
  },
})

/** The largest answer that has the outcome of each record. */
const maxBytes = 8 * 1024 * 1024

const callerOf = (o: Options, env: Pick<Env, 'resolve'>): Caller =>
  createCaller(o, env, { maxBytes: o.answers && maxBytes })

/** The failures; as a failure of the whole write if they are all the same. */
function throwAll(failures: readonly WriteFailure[], records: number): void {
  const first =
    failures.find(({ waitMs }) => waitMs !== undefined) ?? failures.find(({ code }) => code !== 'held') ?? failures[0]
  if (first && failures.length === records && failures.every(({ kind }) => kind === 'system'))
    throw new SystemError(first.code, first.message, {
      retry: true,
      waitMs: first.waitMs,
      hint: first.waitMs === undefined ? 'is the server running, and able to answer?' : undefined,
    })
  throwFailures(failures)
}

/** Makes the function that groups records into lanes: indexes of records that have to stay in order. */
function compileLanes(o: Options, size: number, schema: RecordType): (records: Records) => number[][] {
  const key = o.order === 'per_key' ? compileKey(schema, [o.key!]) : undefined
  const keyOf = (row: Row): string | undefined => {
    try {
      return key!(row)
    } catch {
      // A key without a text form: the record cannot be encoded either.
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
