/**
 * Takes records over HTTP. A request is a split of its own: it cannot be read twice, so it is answered only when its epoch is saved, with what became of it
 * (invariant 6). Who does not hear an answer sends it again under the same `Idempotency-Key`, and gets the first answer.
 */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { type Batch, defineSource, type Done, type Json, type ReadContext, type Source, type SourceContext } from '@millrace/core'
import { busy, type Reply, refusal, replyOf } from './answer.ts'
import { bodyDecoder, type Decoded } from './decode.ts'
import { createKeys, hashOf, type Keys } from './keys.ts'
import { type IngestionLog, openIngestionLog } from './log.ts'
import { type Options, options, problems } from './options.ts'
import { addRoute, type Route } from './server.ts'

export const sourceHttp = defineSource({
  kind: 'source',
  type: 'http',
  serves: ['endpoint'],
  summary: 'Takes records that are posted to it, and answers when they are durable.',
  options,
  check: problems,
  listens: true,
  capabilities: () => ({ bounded: false, replayable: true, lanes: 'one', answers: true, refuses: true, commit: 'duty' }),
  reads: (o) => [`http:${o.address}${o.path}`],
  create: (o, ctx) => createGateway(o, ctx),
})

/** A request whose outcome is not known yet. */
interface Pending {
  readonly key: string | undefined
  readonly hash: string
  readonly decoded: Decoded
  resolve(reply: Reply): void
  readonly reply: Promise<Reply>
  /** Set when the outcome is known, before it is saved. */
  outcome?: Reply
}

const emptyEvery = 50

function createGateway(o: Options, ctx: SourceContext): Source {
  const decode = bodyDecoder(ctx)
  const pending = new Map<string, Pending>()
  const byKey = new Map<string, Pending>()
  let queue: { split: string; request: Pending }[] = []
  let wake = () => {}
  let keys: Keys | undefined
  let log: IngestionLog | undefined
  let stopping = true
  let remove: (() => Promise<void>) | undefined

  const take: Route['take'] = async ({ body, headers }) => {
    const key = headers['idempotency-key']
    const reply = await takeOne(body, headers, typeof key === 'string' && key ? key : undefined)
    log?.line({
      level: reply.status < 400 ? 'info' : 'warn',
      event: reply.status < 400 ? 'accepted' : 'refused',
      path: o.path,
      status: reply.status,
      key,
      ...(reply.status < 400 ? {} : { body: reply.body }),
    })
    return reply
  }
  const takeOne = async (body: Buffer, headers: Readonly<Record<string, unknown>>, key: string | undefined): Promise<Reply> => {
    if (!authorized(o, body, headers)) return refusal(401, 'unauthorized', 'the token or signature is missing or wrong')
    const decoded = decode(body, headers['content-type'] as string | undefined)
    if ('status' in decoded) return decoded
    if (decoded.items.length === 0) return refusal(400, 'empty', 'the body holds no record')
    const hash = hashOf(body)
    if (key) {
      const known = byKey.get(key) ?? keys?.find(key)
      if (known && known.hash !== hash) return refusal(422, 'key_reused', 'this Idempotency-Key came with another body before')
      if (known) return 'reply' in known ? inTime(known.reply, o.answer_timeout) : known
    }
    if (stopping) return busy('the gateway is stopping: send it again later')
    if (pending.size >= o.max_in_flight) return busy('too many requests wait for their answer: send it again later')
    const { promise, resolve } = Promise.withResolvers<Reply>()
    const request: Pending = { key, hash, decoded, resolve, reply: promise }
    const split = randomUUID()
    pending.set(split, request)
    if (key) byKey.set(key, request)
    queue.push({ split, request })
    wake()
    return inTime(promise, o.answer_timeout)
  }

  const settle = (split: string, request: Pending, reply: Reply) => {
    pending.delete(split)
    if (request.key) byKey.delete(request.key)
    request.resolve(reply)
  }
  const outcomeOf = ({ split, answers }: Done): Reply => {
    const request = pending.get(split)!
    return (request.outcome ??= replyOf(answers ?? [], request.decoded, o))
  }

  return {
    async *read(read: ReadContext) {
      keys = createKeys(read.recall, o.keys)
      if (o.log) log ??= openIngestionLog(ctx.resolve(o.log))
      stopping = false
      remove = await addRoute(
        o.address,
        { method: o.method, path: o.path, schema: ctx.schema, status: o.status, greeting: o.greeting, maxBody: o.max_body, take },
        { maxConnections: o.max_connections },
      )
      const stop = () => {
        stopping = true
        wake()
      }
      read.signal.addEventListener('abort', stop)
      while (!read.signal.aborted) {
        const taken = queue
        queue = []
        for (const [i, { split, request }] of taken.entries()) yield batchOf(split, request, i === taken.length - 1 && queue.length === 0)
        if (queue.length > 0 || read.signal.aborted) continue
        if (pending.size === 0) yield { split: 'idle', rows: [], bytes: 0, positionAt: () => 0, caughtUp: true } satisfies Batch
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, emptyEvery)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
        // One turn of the event loop: every request that is at hand shares an epoch, and its two disk syncs, with the first.
        await turn()
      }
      // Requests that came in but were not read: nothing of them is stored.
      for (const { split, request } of queue.splice(0)) settle(split, request, busy('the gateway is stopping: send it again later'))
    },
    remember(done) {
      const entries: (readonly [string, Json | null])[] = []
      for (const one of done) {
        const { key, hash } = pending.get(one.split)!
        const { status, body } = outcomeOf(one)
        if (key && status < 400) entries.push(...keys!.accept(key, { hash, status, body, at: Date.now() }))
      }
      return entries
    },
    async commit(done) {
      for (const one of done) {
        const request = pending.get(one.split)
        if (request) settle(one.split, request, outcomeOf(one))
      }
    },
    locate: (split, position) => Promise.resolve(`request ${split}, item ${position}`),
    async close() {
      stopping = true
      for (const [split, request] of pending) settle(split, request, busy('the gateway has stopped before this was durable: send it again later'))
      await remove?.()
      await log?.close()
    },
  }
}

function batchOf(split: string, { key, decoded }: Pending, last: boolean): Batch {
  const { rows, indexes, bad, list } = decoded
  const id = key ?? split
  return {
    split,
    rows,
    bytes: 200 * (rows.length + bad.length),
    positionAt: (i) => indexes[i]!,
    idAt: (i) => (list ? `${id}/${indexes[i]!}` : id),
    arrivals: new Float64Array(rows.length).fill(Date.now()),
    ...(bad.length ? { bad } : {}),
    ...(last ? { caughtUp: true } : {}),
  }
}

/** The reply, or 503 when it takes too long: then what becomes of the request is not known yet. */
function inTime(reply: Promise<Reply>, ms: number): Promise<Reply> {
  let timer: NodeJS.Timeout
  const late = new Promise<Reply>((resolve) => {
    timer = setTimeout(() => resolve(busy('the outcome is not known yet: send it again with the same Idempotency-Key')), ms)
  })
  return Promise.race([reply, late]).finally(() => clearTimeout(timer))
}

function authorized(o: Options, body: Uint8Array, headers: Readonly<Record<string, unknown>>): boolean {
  if (o.token && !same(String(headers['authorization'] ?? ''), `Bearer ${o.token.reveal()}`)) return false
  if (!o.hmac) return true
  const given = String(headers[o.hmac.header.toLowerCase()] ?? '').replace(/^sha256=/, '')
  return same(given, createHmac('sha256', o.hmac.secret.reveal()).update(body).digest('hex'))
}

/** Compares in a time that does not tell how much of it was right. */
function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
