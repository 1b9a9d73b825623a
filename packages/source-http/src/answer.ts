/** What a request is answered: a status and a JSON body that names each fault. */
import type { Answer, Json } from '@millrace/core'
import { type Decoded, itemOf } from './decode.ts'

export interface Reply {
  readonly status: number
  readonly body: Json
  readonly retryAfter?: number
}

export const refusal = (status: number, code: string, message: string, more: Readonly<Record<string, Json>> = {}): Reply => ({
  status,
  body: { error: code, message, ...more },
})

export const busy = (message: string): Reply => ({ ...refusal(503, 'unavailable', message), retryAfter: 1 })

/** Faults that are the body's or a date's, not the schema's. */
const bad = new Set(['bad_json', 'not_object', 'bad_date', 'bad_encoding'])

/**
 * The answer of a request whose outcome is known. All taken: `status` with the record, or the list of them. Refused: 422 where a field breaks the schema, else 400,
 * with every field and why, and the items as they were received. Some refused where that is allowed: 207 with an outcome each.
 */
export function replyOf(
  answers: readonly Answer[],
  request: Pick<Decoded, 'texts' | 'list'>,
  o: { readonly status: number; readonly wrap?: string | undefined },
): Reply {
  const only = answers.length === 1 && !request.list ? answers[0]! : undefined
  if (only?.row && only.outcome === 'taken') return accepted(only.row as Json, o)
  const sorted = [...answers].sort((a, b) => Number(a.position) - Number(b.position))
  const faults = sorted.flatMap((a) =>
    (a.errors ?? []).map((e) => ({ item: Number(a.position), ...(e.field ? { field: e.field } : {}), code: e.code, message: e.message ?? e.code })),
  )
  const refused = sorted.some((a) => a.outcome === 'refused')
  const taken = sorted.filter((a) => a.outcome === 'taken' || a.outcome === 'dropped')
  const record = (a: Answer): Json => (a.row as Json | undefined) ?? itemOf(request.texts, Number(a.position))
  if (!refused && faults.length === 0) {
    const records = sorted.map(record)
    return accepted(request.list ? records : (records[0] ?? null), o)
  }
  if (refused && taken.length === 0) {
    const status = faults.every((f) => bad.has(f.code)) ? 400 : 422
    const message = faults.length === 1 ? faults[0]!.message : `${faults.length} faults`
    return refusal(status, 'refused', message, { errors: faults, ...(request.list ? {} : { item: itemOf(request.texts, 0) }) })
  }
  return {
    status: 207,
    body: sorted.map((a) => ({
      item: Number(a.position),
      outcome: a.outcome,
      ...(a.outcome === 'taken' ? { record: record(a) } : {}),
      ...(a.errors ? { errors: a.errors as unknown as Json } : {}),
    })),
  }
}

const accepted = (body: Json, o: { readonly status: number; readonly wrap?: string | undefined }): Reply => ({
  status: o.status,
  body: o.wrap ? { statusCode: o.status, [o.wrap]: body } : body,
})
