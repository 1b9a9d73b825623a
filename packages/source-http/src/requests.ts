/** Pending requests: from their arrival until their outcome is durable. */
import { randomUUID } from 'node:crypto'
import { busy, type Reply } from './reply.ts'
import type { Decoded } from './decode.ts'

/** A request whose outcome is not known yet. */
export interface Pending {
  readonly split: string
  readonly key: string | undefined
  /** Ids that its items arrived with. */
  readonly ids: readonly string[] | undefined
  readonly hash: string
  readonly decoded: Decoded
  /** Size of the body. */
  readonly bytes: number
  /** What it takes in memory, about. */
  readonly memory: number
  /** When it arrived, ms of `performance.now()`. */
  readonly sinceMs: number
  /** Set when the outcome is known, before it is saved. */
  outcome?: Reply
}

/** The senders: the first, and those that repeated it meanwhile. */
interface Waiting {
  readonly answer: (reply: Reply) => void
  /** When it is answered 503, ms of `performance.now()`. */
  readonly dueMs: number
}

export interface Requests {
  /** Adds a request. Undefined: too many are pending. */
  add(request: Omit<Pending, 'split' | 'sinceMs'>): Pending | undefined
  /** The pending request with this key. */
  withKey(key: string): Pending | undefined
  get(split: string): Pending | undefined
  /** Resolves with the answer, or with 503 if it takes too long. */
  wait(request: Pending): Promise<Reply>
  /** Those that arrived since the last call, in order. */
  take(): readonly Pending[]
  /** How many `take` would return. */
  readonly queued: { readonly requests: number; readonly bytes: number }
  /** Requests whose outcome is not known. */
  readonly size: number
  /** How long the oldest of them has waited, ms; 0: there is none. */
  readonly oldestMs: number
  /** Resolves when a request has arrived, or `stir` is called, or after `ms`. */
  changed(ms: number): Promise<void>
  stir(): void
  answerRequest(request: Pending, reply: Reply): void
  /** Settles all of these, or every one. */
  settleAll(reply: Reply, some?: readonly Pending[]): void
  /** Answers those who have waited too long; the outcome of their records is not known yet. */
  answerLate(): void
}

export function createRequests(o: {
  readonly max_in_flight: number
  readonly max_buffered: number
  readonly answer_timeout: number
}): Requests {
  const pending = new Map<string, Pending>()
  const waiting = new Map<Pending, Waiting[]>()
  const byKey = new Map<string, Pending>()
  let queue: Pending[] = []
  let pendingMemory = 0
  let queuedBytes = 0
  let wake = () => {}
  const answerRequest = (request: Pending, reply: Reply) => {
    if (!pending.delete(request.split)) return
    pendingMemory -= request.memory
    if (request.key) byKey.delete(request.key)
    for (const { answer } of waiting.get(request)!) answer(reply)
    waiting.delete(request)
  }
  return {
    add(given) {
      const isFull = pendingMemory > 0 && pendingMemory + given.memory > o.max_buffered
      if (pending.size >= o.max_in_flight || isFull) return undefined
      const request: Pending = { ...given, split: randomUUID(), sinceMs: performance.now() }
      pendingMemory += request.memory
      queuedBytes += request.bytes
      pending.set(request.split, request)
      waiting.set(request, [])
      if (request.key) byKey.set(request.key, request)
      queue.push(request)
      wake()
      return request
    },
    withKey: (key) => byKey.get(key),
    get: (split) => pending.get(split),
    wait(request) {
      const dueMs = performance.now() + o.answer_timeout
      return new Promise((answer) => void waiting.get(request)!.push({ answer, dueMs }))
    },
    take() {
      const taken = queue
      queue = []
      queuedBytes = 0
      return taken
    },
    get queued() {
      return { requests: queue.length, bytes: queuedBytes }
    },
    get size() {
      return pending.size
    },
    get oldestMs() {
      const oldest = pending.values().next().value
      return oldest ? performance.now() - oldest.sinceMs : 0
    },
    changed: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      }),
    stir: () => wake(),
    answerRequest,
    settleAll(reply, some = [...pending.values()]) {
      for (const request of some) answerRequest(request, reply)
    },
    answerLate() {
      const now = performance.now()
      for (const all of waiting.values())
        while (all.length > 0 && all[0]!.dueMs <= now)
          all.shift()!.answer(busy('the outcome is not known yet: send it again with the same Idempotency-Key'))
    },
  }
}
