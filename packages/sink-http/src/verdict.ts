/**
 * Interprets the answer to a request for each of its records.
 *
 * A Millrace gateway reports the outcome of each item in a 207, `[{ item, outcome, errors?, record? }, ...]`, and names
 * the faulty items if it refuses the whole request, `{ error, message, errors: [{ item, field, code, message }, ...]
 * }`. Other servers usually answer for the whole request only.
 */
import { SystemError, type WriteFailure } from '@millrace/core'
import { type Answer, headerOf, retryAfterMs } from '@millrace/client-http'

/** Why a record was not accepted. */
export type Fault = Pick<WriteFailure, 'code' | 'message' | 'field' | 'waitMs'>

/** Faults by the index of the record in the request. */
export type Faults = ReadonlyMap<number, Fault>

export type Verdict =
  | { readonly kind: 'taken' }
  /** Some have failed, the outcome of some is unknown, the others were accepted. */
  | { readonly kind: 'told'; readonly faults: Faults; readonly untold: readonly number[] }
  /** Nothing was accepted, because of these. */
  | { readonly kind: 'refused'; readonly faults: Faults }
  /** Nothing was accepted, because of one of them, or because they are too many. */
  | { readonly kind: 'refused_unnamed'; readonly fault: Fault }
  /** It may be accepted later; `rest`: the rest of the write is not accepted now either. */
  | { readonly kind: 'later'; readonly fault: Fault; readonly rest: boolean }
  /** No request like this will ever be accepted. */
  | { readonly kind: 'wrong'; readonly error: SystemError }

/** The meaning of an answer to a request of `count` records at `where`. */
export function verdictOf(answer: Answer, count: number, where: string): Verdict {
  const { status } = answer
  if (status >= 200 && status < 300 && status !== 207) return { kind: 'taken' }
  const body = answer.body.toString('utf8')
  if (status === 207) return outcomes(body, count, where)
  const fault = { code: `http_${status}`, message: `${where} answered ${status}: ${body.slice(0, 500)}` }
  if (status >= 500 || passing.has(status)) {
    const waitMs = retryAfterMs(headerOf(answer, 'retry-after'))
    if (waitMs === undefined) return { kind: 'later', fault, rest: false }
    const message = `${where} answered ${status} and asks to wait ${Math.ceil(waitMs / 1000)} s`
    return { kind: 'later', fault: { code: 'asked_to_wait', message, waitMs }, rest: true }
  }
  const error = addressFault(answer, where, fault.message)
  if (error) return { kind: 'wrong', error }
  if (status === 413) return { kind: 'refused_unnamed', fault: { ...fault, code: 'too_large' } }
  return refusal(body, count, where, fault)
}

/** Transient statuses. */
const passing = new Set([408, 425, 429])

/**
 * Statuses that mean that the address, the method, the credentials or the headers are wrong, independent of the
 * records.
 */
const hints: Readonly<Record<number, string>> = {
  401: 'check `auth`, `headers`, or the name and password in `url`',
  403: 'check `auth`, `headers`, or the name and password in `url`',
  404: 'check the path of `url`',
  405: 'check `method` and the path of `url`',
  406: 'check `headers`',
  407: 'a proxy between here and the server requires its own login',
  410: 'the resource at the path of `url` is gone',
  411: 'a proxy between here and the server removes `content-length`',
  415: 'the server expects another `body`, or another content type',
  421: 'check the host of `url`',
  426: 'the server requires another protocol: check the scheme of `url`',
  431: 'the headers are too large for the server: set `ids: false`, or shorten `headers`',
}

function addressFault(answer: Answer, where: string, message: string): SystemError | undefined {
  const { status } = answer
  if (status >= 300 && status < 400) {
    const location = headerOf(answer, 'location')
    const hint = location ? `set \`url\` to the target of the redirect: ${location}` : 'check `url`'
    return new SystemError(`http_${status}`, `${where} answered ${status}: records are not sent after a redirect`, {
      hint,
    })
  }
  const hint = hints[status]
  if (hint === undefined) return undefined
  return new SystemError([401, 403, 407].includes(status) ? 'unauthorized' : `http_${status}`, message, { hint })
}

/** A JSON body; undefined: it is not one. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The outcome of each item; a list of other values has no outcomes. */
function outcomes(body: string, count: number, where: string): Verdict {
  const items = parsed(body)
  const faults = new Map<number, Fault>()
  const known = new Set<number>()
  for (const parsedBody of Array.isArray(items) ? items : []) {
    const item = isObject(parsedBody) ? itemOf(parsedBody, count) : undefined
    if (item === undefined) continue
    const { outcome, errors } = parsedBody as Readonly<Record<string, unknown>>
    if (outcome === 'refused' || outcome === 'failed') {
      const [first] = Array.isArray(errors) ? (errors as unknown[]) : []
      faults.set(item, faultOf(first, `http_207`, where, `the record is ${outcome}`))
    } else if (outcome !== 'taken' && outcome !== 'dropped') continue
    known.add(item)
  }
  const untold = Array.from({ length: count }, (_, item) => item).filter((item) => !known.has(item))
  if (untold.length === 0 && faults.size === 0) return { kind: 'taken' }
  if (untold.length === 1 && count === 1) {
    const message = `${where} answered 207 without the outcome of the record: ${body.slice(0, 500)}`
    return { kind: 'told', faults: new Map([[0, { code: 'http_207', message }]]), untold: [] }
  }
  return { kind: 'told', faults, untold }
}

function refusal(body: string, count: number, where: string, fault: Fault): Verdict {
  const parsedBody = parsed(body)
  if (!isObject(parsedBody)) return { kind: 'refused_unnamed', fault }
  const errors = Array.isArray(parsedBody['errors']) ? parsedBody['errors'].filter(isObject) : []
  if (count === 1) {
    const only = errors[0] ?? { code: parsedBody['error'], message: parsedBody['message'] }
    return { kind: 'refused_unnamed', fault: faultOf(only, fault.code, where, body.slice(0, 500)) }
  }
  const faults = new Map<number, Fault>()
  for (const error of errors) {
    const item = itemOf(error, count)
    if (item !== undefined && !faults.has(item)) faults.set(item, faultOf(error, fault.code, where, 'refused'))
  }
  return faults.size > 0 ? { kind: 'refused', faults } : { kind: 'refused_unnamed', fault }
}

function itemOf(parsedBody: Readonly<Record<string, unknown>>, count: number): number | undefined {
  const item = parsedBody['item']
  return Number.isInteger(item) && (item as number) >= 0 && (item as number) < count ? (item as number) : undefined
}

/** What a server says about a record: its own code and message, if it has them. */
function faultOf(parsedBody: unknown, code: string, where: string, message: string): Fault {
  const said = isObject(parsedBody) ? parsedBody : {}
  const { code: itsCode, message: itsMessage, field } = said
  return {
    code: typeof itsCode === 'string' && /^[\w.-]{1,64}$/.test(itsCode) ? itsCode : code,
    message: `${where}: ${typeof itsMessage === 'string' ? itsMessage.slice(0, 500) : message}`,
    field: typeof field === 'string' && field !== '' ? field : undefined,
  }
}
