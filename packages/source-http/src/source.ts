/**
 * Takes records over HTTP. A request is a split of its own: it cannot be read twice, so it is answered only when its epoch is saved, with what became of it
 * (invariant 6). Who does not hear an answer sends it again under the same `Idempotency-Key`, and gets the first answer.
 */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import {
  type Batch,
  defineSource,
  type Done,
  type Json,
  type ReadContext,
  type Source,
  type SourceContext,
} from '@millrace/core'
import { busy, type Reply, refusal, replier } from './answer.ts'
import { bodyDecoder, type Decoded } from './decode.ts'
import { createKeys, hashOf, type Keys, type Remembered } from './keys.ts'
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
  capabilities: () => ({
    bounded: false,
    replayable: true,
    lanes: 'one',
    answers: true,
    refuses: true,
    commit: 'duty',
  }),
  reads: (o) => [`http:${o.address}${o.path}`],
  create: (o, ctx) => createGateway(o, ctx),
})

/** A request whose outcome is not known yet. */
interface Pending {
  readonly key: string | undefined
  readonly hash: string
  readonly decoded: Decoded
  /** Size of the body. */
  readonly bytes: number
  /** Who sent it, and who sent it again meanwhile. */
  readonly waiting: Waiting[]
  /** Set when the outcome is known, before it is saved. */
  outcome?: Reply
}

interface Waiting {
  readonly answer: (reply: Reply) => void
  /** When it is answered 503, ms of `performance.now()`. */
  readonly dueMs: number
}

/** How often an idle gateway says so, and how often it looks for requests that wait too long. */
const emptyEvery = 50

/** How long requests are gathered once the first of an epoch is there: about as long as one of the disk syncs that they share. */
const gatherMs = 3
const gatherRequests = 1000

function createGateway(o: Options, ctx: SourceContext): Source {
  const decode = bodyDecoder(ctx)
  const replyTo = replier(ctx.answer ?? ctx.schema, o)
  const pending = new Map<string, Pending>()
  const byKey = new Map<string, Pending>()
  let queue: { split: string; request: Pending }[] = []
  let pendingBytes = 0
  let wake = () => {}
  let keys: Keys | undefined
  let log: IngestionLog | undefined
  let stopping = true
  let remove: (() => Promise<void>) | undefined
  let lateTimer: NodeJS.Timeout | undefined

  const take: Route['take'] = (body, headers) => {
    const given = headers['idempotency-key']
    const key = typeof given === 'string' && given ? given : undefined
    const reply = takeOne(body, headers, key)
    if (!log) return reply
    if (!(reply instanceof Promise)) {
      note(log, reply, key)
      return reply
    }
    return reply.then((outcome) => {
      note(log!, outcome, key)
      return outcome
    })
  }
  const note = (to: IngestionLog, { status, body }: Reply, key: string | undefined) => {
    if (status < 400) to.line('info', 'accepted', { path: o.path, status, key })
    else to.line('warn', 'refused', { path: o.path, status, key, body: JSON.parse(String(body)) as Json })
  }
  const takeOne = (
    body: Buffer,
    headers: Readonly<Record<string, unknown>>,
    key: string | undefined,
  ): Reply | Promise<Reply> => {
    if (!authorized(o, body, headers)) return refusal(401, 'unauthorized', 'the token or signature is missing or wrong')
    const decoded = decode(body, headers['content-type'] as string | undefined)
    if ('status' in decoded) return decoded
    if (decoded.rows.length === 0 && decoded.bad.length === 0) return refusal(400, 'empty', 'the body holds no record')
    const hash = hashOf(body)
    if (key) {
      const known = byKey.get(key) ?? keys?.find(key)
      if (known && known.hash !== hash)
        return refusal(422, 'key_reused', 'this Idempotency-Key came with another body before')
      if (known) return 'waiting' in known ? wait(known) : again(known, decoded)
    }
    if (stopping) return busy('the gateway is stopping: send it again later')
    if (pending.size >= o.max_in_flight || pendingBytes + body.length > o.max_buffered)
      return busy('too many requests wait for their answer: send it again later')
    const request: Pending = { key, hash, decoded, bytes: body.length, waiting: [] }
    pendingBytes += body.length
    const split = randomUUID()
    pending.set(split, request)
    if (key) byKey.set(key, request)
    queue.push({ split, request })
    wake()
    return wait(request)
  }
  const wait = ({ waiting }: Pending): Promise<Reply> => {
    const dueMs = performance.now() + o.answer_timeout
    return new Promise((answer) => void waiting.push({ answer, dueMs }))
  }
  /** Answers those who have waited too long; what becomes of their records is not known yet. */
  const answerLate = () => {
    const now = performance.now()
    for (const { waiting } of pending.values()) {
      while (waiting.length > 0 && waiting[0]!.dueMs <= now)
        waiting.shift()!.answer(busy('the outcome is not known yet: send it again with the same Idempotency-Key'))
    }
  }

  const settle = (split: string, request: Pending, reply: Reply) => {
    if (pending.delete(split)) pendingBytes -= request.bytes
    if (request.key) byKey.delete(request.key)
    for (const { answer } of request.waiting) answer(reply)
  }
  /** The answer to what was accepted before: as it was kept, or made again where the answer is what came. */
  const again = ({ status, body }: Remembered, decoded: Decoded): Reply => {
    if (body !== undefined) return { status, body }
    if (decoded.bad.length === 0) return replyTo({ taken: decoded.rows }, decoded)
    // The schema was changed since.
    return { status, body: decoded.list ? `[${decoded.texts.join()}]` : decoded.texts[0]! }
  }
  const outcomeOf = (done: Done): Reply => {
    const request = pending.get(done.split)!
    return (request.outcome ??= replyTo(done, request.decoded))
  }

  return {
    async *read(read: ReadContext) {
      keys = createKeys(read.recall, o.keys)
      if (o.log) log ??= openIngestionLog(ctx.resolve(o.log))
      stopping = false
      lateTimer ??= setInterval(answerLate, emptyEvery)
      remove = await addRoute(
        o.address,
        {
          method: o.method,
          path: o.path,
          schema: ctx.schema,
          status: o.status,
          greeting: o.greeting,
          maxBody: o.max_body,
          maxBuffered: o.max_buffered,
          take,
        },
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
        for (const [i, { split, request }] of taken.entries())
          yield batchOf(split, request, i === taken.length - 1 && queue.length === 0)
        if (queue.length > 0 || read.signal.aborted) continue
        if (pending.size === 0)
          yield { split: 'idle', rows: [], bytes: 0, positionAt: () => 0, caughtUp: true } satisfies Batch
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, emptyEvery)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
        await gather(() => queue.length)
      }
      // Requests that came in but were not read: nothing of them is stored.
      for (const { split, request } of queue.splice(0))
        settle(split, request, busy('the gateway is stopping: send it again later'))
    },
    remember(done) {
      const accepted: [string, Omit<Remembered, 'at'>][] = []
      for (const one of done) {
        const { key, hash } = pending.get(one.split)!
        const { status, body } = outcomeOf(one)
        if (key && status < 400) accepted.push([key, { hash, status, ...(one.taken && !ctx.answer ? {} : { body }) }])
      }
      return keys!.accept(accepted, Date.now())
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
      for (const [split, request] of pending)
        settle(split, request, busy('the gateway has stopped before this was durable: send it again later'))
      clearInterval(lateTimer)
      await remove?.()
      await log?.close()
    },
  }
}

/** Lets the event loop go round until it brings nothing more: requests that are at hand share an epoch, and its disk syncs. */
async function gather(size: () => number): Promise<void> {
  const untilMs = performance.now() + gatherMs
  for (let quiet = 0, before = size(); quiet < 2 && before < gatherRequests && performance.now() < untilMs; ) {
    await turn()
    const now = size()
    quiet = now === before ? quiet + 1 : 0
    before = now
  }
}

function batchOf(split: string, { key, decoded, bytes }: Pending, last: boolean): Batch {
  const { rows, indexes, bad, unknown, list } = decoded
  const id = key ?? split
  return {
    split,
    rows,
    bytes,
    positionAt: (i) => indexes[i]!,
    idAt: (i) => (list ? `${id}/${indexes[i]!}` : id),
    arrivals: new Float64Array(rows.length).fill(Date.now()),
    ...(bad.length ? { bad } : {}),
    ...(unknown > 0 ? { unknown } : {}),
    ...(last ? { caughtUp: true } : {}),
  }
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
