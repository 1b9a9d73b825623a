/**
 * Interprets the answer to a request for each of its records: by the paths that the spec declares (outcomes.ts), and
 * otherwise by its status and the form that a Millrace gateway uses.
 *
 * A Millrace gateway reports the outcome of each item in a 207, `[{ item, outcome, errors?, record? }, ...]`, and names
 * the faulty items if it refuses the whole request, `{ error, message, errors: [{ item, field, code, message }, ...]
 * }`. Other servers usually answer for the whole request only.
 */
import { type RecordType, SystemError } from '@millrace/core'
import { type Answer, headerOf, retryAfterMs } from '@millrace/client-http'
import type { Answers } from './answers.ts'
import { type Fault, faultOf, type Judge, type Verdict } from './fault.ts'
import { compileOutcomes } from './outcomes.ts'

/** Makes the judge of answers. Throws `MillraceError` if the schema lacks a field that `answers` names. */
export function compileVerdict(answers: Answers | undefined, schema: RecordType): Judge {
  const declared = answers && compileOutcomes(answers, schema)
  return (answer, rows, where) => {
    const { status } = answer
    if (status >= 200 && status < 300) {
      if (declared) return declared.accepted(answer, rows, where)
      return status === 207 ? outcomes(answer.body.toString('utf8'), rows.length, where) : { kind: 'taken' }
    }
    const body = answer.body.toString('utf8')
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
    return declared?.refused(answer, rows, where) ?? refusal(body, rows.length, where, fault)
  }
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
    const hint = location
      ? `set \`url\` to the target of the redirect, ${location}; \`redirects\` follows 307 and 308`
      : 'check `url`'
    return new SystemError(`http_${status}`, `${where} answered ${status}, a redirect that is not followed`, { hint })
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

const objectOf = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {})
const none: ReadonlyMap<number, Fault> = new Map()

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
      faults.set(item, faultOf(objectOf(first), { code: 'http_207', message: `the record is ${outcome}` }, where))
    } else if (outcome !== 'taken' && outcome !== 'dropped') continue
    known.add(item)
  }
  const untold = Array.from({ length: count }, (_, item) => item).filter((item) => !known.has(item))
  if (untold.length === 0 && faults.size === 0) return { kind: 'taken' }
  if (untold.length === 1 && count === 1) {
    const message = `${where} answered 207 without the outcome of the record: ${body.slice(0, 500)}`
    return { kind: 'told', faults: new Map([[0, { code: 'http_207', message }]]), later: none, untold: [] }
  }
  return { kind: 'told', faults, later: none, untold }
}

function refusal(body: string, count: number, where: string, fault: Fault): Verdict {
  const parsedBody = parsed(body)
  if (!isObject(parsedBody)) return { kind: 'refused_unnamed', fault }
  const errors = Array.isArray(parsedBody['errors']) ? parsedBody['errors'].filter(isObject) : []
  if (count === 1) {
    const only = errors[0] ?? { code: parsedBody['error'], message: parsedBody['message'] }
    return { kind: 'refused_unnamed', fault: faultOf(only, { code: fault.code, message: body.slice(0, 500) }, where) }
  }
  const faults = new Map<number, Fault>()
  for (const error of errors) {
    const item = itemOf(error, count)
    if (item !== undefined && !faults.has(item))
      faults.set(item, faultOf(error, { code: fault.code, message: 'refused' }, where))
  }
  return faults.size > 0 ? { kind: 'refused', faults } : { kind: 'refused_unnamed', fault }
}

function itemOf(parsedBody: Readonly<Record<string, unknown>>, count: number): number | undefined {
  const item = parsedBody['item']
  return Number.isInteger(item) && (item as number) >= 0 && (item as number) < count ? (item as number) : undefined
}
