/**
 * Receives records over HTTP. A request is a split of its own: it cannot be read twice, so it is answered only when its
 * epoch is saved, with its outcome (invariant 6). A client that gets no answer sends it again with the same
 * `Idempotency-Key`, and gets the first answer.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import {
  type BadRecord,
  type Batch,
  defineSource,
  type Done,
  type ReadContext,
  type Source,
  type SourceContext,
} from '@millrace/core'
import { replier } from './answer.ts'
import { busy, type Reply, refusal, stopped } from './reply.ts'
import { bodyDecoder, type Decoded, itemDecoder } from './decode.ts'
import { type Headers, idsOf, itemId, keyOf, longestKey } from './identity.ts'
import { createKeys, hashOf, type Keys, type Remembered } from './keys.ts'
import { bodyToLog, type IngestionLog, openIngestionLog, standardOutput } from './log.ts'
import { type Options, options, problems } from './options.ts'
import { createRequests, type Pending, type Requests } from './requests.ts'
import { addRoute, type Route } from './server.ts'
import { hasOwnKeys, same, verifier } from './signature.ts'

export const sourceHttp = defineSource({
  kind: 'source',
  type: 'http',
  serves: ['endpoint'],
  summary: 'Receives records over HTTP and answers when they are durable.',
  options,
  check: problems,
  listens: true,
  capabilities: (o) => ({
    bounded: false,
    replayable: true,
    lanes: 'one',
    contentSplits: true,
    repeats:
      o.keys.required || (o.signature && hasOwnKeys(o.signature))
        ? { id: 'same', why: 'a sender may repeat a record under its key or id after the key has expired' }
        : { id: 'new', why: 'a repeated request without an Idempotency-Key creates new records' },
    answers: true,
    refuses: true,
    commit: 'action',
  }),
  reads: (o) => [`http:${o.address}${o.path}`],
  decoder: (_o, ctx) => itemDecoder(ctx),
  create: (o, ctx) => createGateway(o, ctx),
})

/** A request that waits for its answer for so long waits for something that does not work. */
const stalledMs = 3000

/** How often an idle gateway reports it, and checks for requests that wait too long. */
const emptyEvery = 50

/**
 * How long requests are gathered after the first of an epoch: about as long as one of the disk syncs that they share.
 */
const gatherMs = 3
const gatherRequests = 1000
const gatherBytes = 1 << 20

/** What an item of a request takes in memory beside its bytes, at least. */
const itemBytes = 128

function createGateway(o: Options, ctx: SourceContext): Source {
  const decode = bodyDecoder(ctx, o.max_items)
  const replyTo = replier(ctx.answer ?? ctx.schema, o)
  const requests = createRequests(o)
  let keys: Keys | undefined
  let log: IngestionLog | undefined
  let isStopping = true
  let remove: (() => Promise<void>) | undefined
  let lateTimer: NodeJS.Timeout | undefined

  const verify = o.signature && verifier(o.signature, ctx.id)
  const isTokenRight = (headers: IncomingHttpHeaders) =>
    !o.token || same(String(headers['authorization'] ?? ''), `Bearer ${o.token.reveal()}`)

  const authorize: Route['authorize'] = (wire, { headers }) => {
    const signed = isTokenRight(headers) ? (verify ? verify(wire, headers, Date.now()) : {}) : undefined
    if (signed) return signed
    const refused = refusal(401, 'unauthorized', 'the token or signature is missing, wrong or too old')
    log?.line('warn', 'refused', { path: o.path, status: 401, body: bodyToLog(refused) })
    return refused
  }
  const take: Route['take'] = (body, request, signed) => {
    const key = signed.key ?? keyOf(request)
    const reply = takeOne(body, request, key)
    if (!log) return reply
    const note = (outcome: Reply): Reply => {
      const more = { path: o.path, status: outcome.status, key: typeof key === 'string' ? key : undefined }
      if (outcome.status < 400) log!.line('info', 'accepted', more)
      else log!.line('warn', 'refused', { ...more, body: bodyToLog(outcome) })
      return outcome
    }
    return reply instanceof Promise ? reply.then(note) : note(reply)
  }
  const takeOne = (body: Buffer, request: Headers, key: string | Reply | undefined): Reply | Promise<Reply> => {
    const { headers } = request
    if (typeof key === 'string' && Buffer.byteLength(key) > longestKey)
      return refusal(400, 'key_too_long', `the Idempotency-Key is longer than ${longestKey} bytes`)
    const decoded = decode(body, headers['content-type'])
    if ('status' in decoded) return decoded
    if (decoded.count === 0) return refusal(400, 'empty', 'the body has no records')
    if (typeof key === 'object') return key
    const ids = idsOf(request, decoded.count)
    if (ids && 'status' in ids) return ids
    if (o.keys.required && key === undefined && !ids)
      return refusal(400, 'key_missing', 'the request has no Idempotency-Key, and its records have no ids')
    const hash = hashOf(body)
    if (key !== undefined) {
      const known = requests.withKey(key) ?? keys?.find(key)
      if (known && known.hash !== hash)
        return refusal(422, 'key_reused', 'a different body has already been accepted under this key')
      if (known) return 'split' in known ? requests.wait(known) : again(known, decoded)
    }
    if (isStopping) return stopped('the gateway is stopping')
    const memory = body.length + decoded.count * itemBytes
    const pending = requests.add({ key, ids, hash, decoded, bytes: body.length, memory })
    return pending ? requests.wait(pending) : busy('too many requests are waiting for an answer: send it again later')
  }
  /** The answer to a request accepted before: as saved, or made again if the answer is the body itself. */
  const again = ({ status, body }: Remembered, decoded: Decoded): Reply => {
    if (body !== undefined) return { status, body }
    if (decoded.faults.size === 0) return replyTo({ taken: decoded.rows }, decoded)
    // The schema was changed since.
    return { status, body: decoded.list ? `[${decoded.texts.join()}]` : decoded.texts[0]! }
  }
  const outcomeOf = (request: Pending, done: Done): Reply => (request.outcome ??= replyTo(done, request.decoded))

  return {
    async *read(read: ReadContext) {
      keys = createKeys(read.recall, o.keys)
      if (o.log !== undefined)
        log ??= openIngestionLog(o.log === standardOutput ? o.log : ctx.resolve(o.log), o.log_rotation, read.warn)
      isStopping = false
      const stalled = Math.min(stalledMs, o.answer_timeout)
      clearInterval(lateTimer)
      lateTimer = setInterval(() => {
        requests.answerLate()
        read.holds({ waiting: requests.size, remembered: keys!.size })
        const isStalled = requests.oldestMs > stalled
        read.cannotAnswer(
          isStalled
            ? { code: 'answers_late', message: `a request has waited ${stalled / 1000} s for its answer` }
            : undefined,
        )
      }, emptyEvery)
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
          authorize,
          take,
          async troubles() {
            const stopping = {
              node: ctx.id,
              code: 'unavailable',
              message: 'the gateway is stopping',
              sinceMs: Date.now(),
            }
            const found = isStopping ? [stopping] : await read.outOfReach()
            return found.map((trouble) => ({ pipeline: ctx.pipeline, ...trouble }))
          },
        },
        { maxConnections: o.max_connections },
      )
      const stop = () => {
        isStopping = true
        requests.stir()
      }
      read.signal.addEventListener('abort', stop)
      if (read.signal.aborted) stop()
      while (!read.signal.aborted) {
        const taken = requests.take()
        for (const [i, request] of taken.entries())
          yield batchOf(request, ctx, i === taken.length - 1 && requests.queued.requests === 0)
        if (requests.queued.requests > 0 || read.signal.aborted) continue
        if (requests.size === 0) yield { caughtUp: [] }
        await requests.changed(emptyEvery)
        await gather(requests)
      }
      // Requests that arrived but were not read: nothing of them is stored.
      requests.settleAll(stopped('the gateway is stopping'), requests.take())
    },
    remember(done) {
      const accepted: [string, Omit<Remembered, 'at'>][] = []
      for (const one of done) {
        const request = requests.get(one.split)
        if (request?.key === undefined) continue
        const { status, body } = outcomeOf(request, one)
        // A record that has failed is accepted again when it is repeated, corrected or not.
        if (status >= 400 || one.answers?.some(({ outcome }) => outcome === 'failed')) continue
        const isWhatCame = one.taken?.length === request.decoded.count && !ctx.answer
        accepted.push([request.key, { hash: request.hash, status, body: isWhatCame ? undefined : body }])
      }
      return keys!.accept(accepted, Date.now())
    },
    async commit(done) {
      for (const one of done) {
        const request = requests.get(one.split)
        if (request) requests.answerRequest(request, outcomeOf(request, one))
      }
    },
    locate: (split, position) => Promise.resolve(`request ${split}, item ${position}`),
    async close() {
      isStopping = true
      requests.settleAll(stopped('the gateway has stopped before this was durable'))
      clearInterval(lateTimer)
      await remove?.()
      await log?.close()
    },
  }
}

/** Lets the event loop turn until nothing more arrives: available requests share an epoch, and its disk syncs. */
async function gather(requests: Requests): Promise<void> {
  const untilMs = performance.now() + gatherMs
  for (let quiet = 0, before = requests.queued; quiet < 2 && performance.now() < untilMs; ) {
    if (before.requests >= gatherRequests || before.bytes >= gatherBytes) return
    await turn()
    const now = requests.queued
    quiet = now.requests === before.requests ? quiet + 1 : 0
    before = now
  }
}

function batchOf(request: Pending, ctx: SourceContext, isLast: boolean): Batch {
  const { split, decoded, bytes } = request
  const { rows, indexes, faults, unknown } = decoded
  const idOf = itemId(ctx, request)
  const arrival = Date.now()
  const rawOf = (item: number) => Buffer.from(decoded.texts[item]!)
  // For an item with several faults the first is reported; the answer names them all.
  const bad = Array.from(faults, ([item, [fault]]): BadRecord => {
    return { ...fault!, position: item, bytes: rawOf(item), arrival, ...(idOf ? { id: idOf(item) } : {}) }
  })
  return {
    split,
    rows,
    bytes,
    positionAt: (i) => indexes[i]!,
    rawAt: (i) => rawOf(indexes[i]!),
    idAt: idOf ? (i) => idOf(indexes[i]!) : undefined,
    arrivals: new Float64Array(rows.length).fill(arrival),
    bad: bad.length > 0 ? bad : undefined,
    unknown: unknown > 0 ? unknown : undefined,
    caughtUp: isLast,
  }
}
