/**
 * Posts the records of a write until each was accepted or has failed.
 *
 * If a request is refused because of some records, the others must not suffer: the records that the answer names have
 * failed, and the rest is sent again without them. If it names none, or refuses again, the records are halved until the
 * faulty ones are alone; so are requests that are too large. Transient failures are reported to the engine, which
 * writes those records again, together with those that have to follow them.
 */
import { aborted, type Records, SystemError, type WriteFailure } from '@millrace/core'
import { type IdParts } from '@millrace/kinds'
import type { Request } from './requests.ts'
import type { Answer, Call } from '@millrace/client-http'
import type { Fault, Judge, Verdict } from './fault.ts'

export interface Posting {
  /** The address, for messages. */
  readonly where: string
  readonly concurrency: number
  /** Maximum records of a request. */
  readonly most: number
  readonly make: (rows: Records['rows'], ids: IdParts) => Request
  readonly call: (call: Call) => Promise<Answer>
  readonly judge: Judge
  /** Later records of a lane must not be in the system for good before earlier ones. */
  readonly isOrdered: boolean
}

const waits: Fault = { code: 'held', message: 'waiting for an earlier record' }

/** `lanes`: indexes of records that have to stay in order. Throws `SystemError` if nothing can be accepted at all. */
export async function postAll(
  records: Records,
  lanes: readonly (readonly number[])[],
  signal: AbortSignal,
  posting: Posting,
): Promise<WriteFailure[]> {
  const { where, make, call, judge } = posting
  const ids: IdParts = records.idParts() ?? { common: '', rests: records.ids() }
  const failures: WriteFailure[] = []
  const note = (index: number, kind: 'data' | 'system', fault: Fault) => failures.push({ ...fault, index, kind })
  /** The server does not answer, or asks to wait: no more requests are started. */
  let pause: Fault | undefined
  let wrong: Error | undefined

  /** Posts these, in order. False: some of them have to be repeated, and the following ones wait. */
  async function deliver(indexes: readonly number[], again = true): Promise<boolean> {
    for (let at = 0; at < indexes.length; ) {
      if (signal.aborted) throw aborted(`posting to ${where}`)
      if (wrong) throw wrong
      if (pause) return hold(indexes.slice(at), pause)
      const next = indexes.slice(at, at + posting.most)
      const request = make(
        next.map((i) => records.rows[i]!),
        { common: ids.common, rests: next.map((i) => ids.rests[i]!) },
      )
      at += request.through
      for (const { place, ...why } of request.refused) note(next[place]!, 'data', why)
      if (!request.call) continue
      const carried = request.carried.map((place) => next[place]!)
      const said = await ask(request.call, carried)
      if (!(await applyVerdict(carried, said, again))) return hold(indexes.slice(at), pause ?? waits)
    }
    return true
  }

  async function ask(request: Call, indexes: readonly number[]): Promise<Verdict> {
    try {
      const answer = await call(request)
      return judge(
        answer,
        indexes.map((i) => records.rows[i]!),
        where,
      )
    } catch (error) {
      // What another try cannot change is no record's fault: an untrusted certificate, refused credentials.
      if (!(error instanceof SystemError) || !error.retry) return { kind: 'wrong', error: error as Error }
      const { code, message, waitMs } = error
      return { kind: 'later', fault: { code, message, waitMs }, rest: true }
    }
  }

  /** Records the outcome of a request's records, and sends again those that need it. */
  async function applyVerdict(indexes: readonly number[], said: Verdict, again: boolean): Promise<boolean> {
    switch (said.kind) {
      case 'taken':
        return true
      case 'told':
        for (const [item, fault] of said.faults) note(indexes[item]!, 'data', fault)
        if (said.later.size > 0) return holdSome(indexes, said)
        return divide(said.untold.map((item) => indexes[item]!))
      case 'refused': {
        for (const [item, fault] of said.faults) note(indexes[item]!, 'data', fault)
        const sound = indexes.filter((_, item) => !said.faults.has(item))
        return again ? deliver(sound, false) : divide(sound)
      }
      case 'refused_unnamed':
        if (indexes.length > 1) return divide(indexes)
        note(indexes[0]!, 'data', said.fault)
        return true
      case 'later':
        if (said.rest) pause = said.fault
        return hold(indexes, said.fault)
      case 'wrong':
        throw (wrong = said.error)
    }
  }

  async function divide(indexes: readonly number[]): Promise<boolean> {
    const middle = Math.ceil(indexes.length / 2)
    if (!(await deliver(indexes.slice(0, middle)))) return hold(indexes.slice(middle), pause ?? waits)
    return deliver(indexes.slice(middle))
  }

  /** In order, what follows a record that has to be sent again is sent again after it, though it was accepted. */
  function holdSome(indexes: readonly number[], { faults, later, untold }: Extract<Verdict, { kind: 'told' }>): false {
    const first = posting.isOrdered ? Math.min(...later.keys()) : indexes.length
    const waiting = new Set(untold)
    for (const [item, index] of indexes.entries()) {
      const again = later.get(item) ?? (item > first || waiting.has(item) ? waits : undefined)
      if (again && !faults.has(item)) note(index, 'system', again)
    }
    return false
  }

  function hold(indexes: readonly number[], fault: Fault): false {
    for (const index of indexes) note(index, 'system', fault)
    return false
  }

  let next = 0
  const worker = async () => {
    while (next < lanes.length) await deliver(lanes[next++]!)
  }
  await Promise.all(Array.from({ length: Math.min(posting.concurrency, lanes.length) }, worker))
  return failures
}
