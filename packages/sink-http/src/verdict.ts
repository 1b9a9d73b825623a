/**
 * What an answer says of the records of its request.
 *
 * A gateway of Millrace tells each item's outcome in a 207, `[{ item, outcome, errors?, record? }, ...]`, and names the
 * items at fault where it refuses the whole request, `{ error, message, errors: [{ item, field, code, message }, ...]
 * }`. Other servers mostly answer for the request alone.
 */
import { SystemError, type WriteFailure } from '@millrace/core'
import { type Answer, headerOf, retryAfterMs } from '@millrace/client-http'

/** Why a record was not taken. */
export type Fault = Pick<WriteFailure, 'code' | 'message' | 'field' | 'waitMs'>

/** Faults by the record's place in the request. */
export type Faults = ReadonlyMap<number, Fault>

export type Verdict =
  | { readonly kind: 'taken' }
  /** Some have failed, of some nothing is said, the others were taken. */
  | { readonly kind: 'told'; readonly faults: Faults; readonly untold: readonly number[] }
  /** Nothing was taken, because of these. */
  | { readonly kind: 'refused'; readonly faults: Faults }
  /** Nothing was taken, because of one of them, or because they are too many. */
  | { readonly kind: 'refused_unnamed'; readonly fault: Fault }
  /** It may be taken later; `rest`: nor is the rest of the write taken now. */
  | { readonly kind: 'later'; readonly fault: Fault; readonly rest: boolean }
  /** No request will ever be taken like this. */
  | { readonly kind: 'wrong'; readonly error: SystemError }

/** What an answer to a request of `count` records at `where` means. */
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

/** Statuses that can pass by themselves. */
const passing = new Set([408, 425, 429])

/** What the address, the method, the credentials or the headers are at fault for, whatever the records. */
const hints: Readonly<Record<number, string>> = {
  401: 'check `token`, `headers`, or the name and password in `url`',
  403: 'check `token`, `headers`, or the name and password in `url`',
  404: 'check the path of `url`',
  405: 'check `method` and the path of `url`',
  406: 'check `headers`',
  407: 'a proxy between here and the server wants a login of its own',
  410: 'what was at the path of `url` is gone',
  411: 'a proxy between here and the server removes `content-length`',
  415: 'the server takes another `body`, or another content type',
  421: 'check the host of `url`',
  426: 'the server wants another protocol: check the scheme of `url`',
  431: 'the headers are too large for the server: set `ids: false`, or shorten `headers`',
}

function addressFault(answer: Answer, where: string, message: string): SystemError | undefined {
  const { status } = answer
  if (status >= 300 && status < 400) {
    const location = headerOf(answer, 'location')
    const hint = location ? `set \`url\` to where it leads: ${location}` : 'check `url`'
    return new SystemError(`http_${status}`, `${where} answered ${status}: records are not sent after a redirect`, {
      hint,
    })
  }
  const hint = hints[status]
  if (hint === undefined) return undefined
  return new SystemError([401, 403, 407].includes(status) ? 'unauthorized' : `http_${status}`, message, { hint })
}

/** A body of JSON; undefined: it is none. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Each item's outcome; a list of other things says nothing of any. */
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
    const message = `${where} answered 207, and does not say what became of the record: ${body.slice(0, 500)}`
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

/** What a server says of a record: its own code and message, where they are such. */
function faultOf(parsedBody: unknown, code: string, where: string, message: string): Fault {
  const said = isObject(parsedBody) ? parsedBody : {}
  const { code: itsCode, message: itsMessage, field } = said
  return {
    code: typeof itsCode === 'string' && /^[\w.-]{1,64}$/.test(itsCode) ? itsCode : code,
    message: `${where}: ${typeof itsMessage === 'string' ? itsMessage.slice(0, 500) : message}`,
    ...(typeof field === 'string' && field !== '' ? { field } : {}),
  }
}
