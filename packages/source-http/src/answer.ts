/** What a request is answered: a status and a JSON body that names each fault. */
import type { Answer, Done, Json, RecordType, Row } from '@millrace/core'
import { compileEncoder, OutputBytes } from '@millrace/formats'
import { type Decoded, itemOf } from './decode.ts'

export interface Reply {
  readonly status: number
  /** JSON: made once, for all who wait for it and for those who ask again. */
  readonly body: string | Buffer
  readonly retryAfter?: number
}

export const refusal = (
  status: number,
  code: string,
  message: string,
  more: Readonly<Record<string, Json>> = {},
): Reply => ({
  status,
  body: JSON.stringify({ error: code, message, ...more }),
})

export const busy = (message: string): Reply => ({ ...refusal(503, 'unavailable', message), retryAfter: 1 })

/** Faults that are the body's or a date's, not the schema's. */
const bad = new Set(['bad_json', 'not_object', 'duplicate_key', 'bad_date', 'bad_encoding'])

/**
 * Makes the answers of requests whose outcome is known, from records of the type `shown`. All taken: `status` with the record, or the list of them, without their
 * empty fields. Refused: 422 where a field breaks the schema, else 400, with every field and why, and the items as they were received. Some refused where that is
 * allowed: 207 with an outcome each.
 */
export function replier(
  shown: RecordType,
  o: { readonly status: number; readonly wrap?: string | undefined },
): (done: Pick<Done, 'taken' | 'answers'>, request: Pick<Decoded, 'texts' | 'list'>) => Reply {
  const encode = compileEncoder(shown, { nulls: 'omit', before: ',' })
  const out = new OutputBytes()
  /** Rows as JSON objects, each with a comma before it. */
  const encoded = (rows: readonly Row[]): Buffer => {
    out.clear()
    encode(rows, out)
    return out.seen()
  }
  const recordOf = (row: Row): string => encoded([row]).toString('utf8', 1)
  const [before, after] = o.wrap ? [`{"statusCode":${o.status},${JSON.stringify(o.wrap)}:`, '}'] : ['', '']
  const accepted = (body: string): Reply => ({ status: o.status, body: before + body + after })
  const acceptedAll = (rows: readonly Row[]): Reply => {
    // The first comma becomes the bracket.
    const records = encoded(rows)
    records[0] = 0x5b
    return { status: o.status, body: Buffer.concat([Buffer.from(before), records, Buffer.from(`]${after}`)]) }
  }

  return ({ taken: all, answers = [] }, request) => {
    const { list } = request
    if (all) return list ? acceptedAll(all) : accepted(recordOf(all[0]!))
    const { texts } = request
    const sorted = [...answers].sort((a, b) => Number(a.position) - Number(b.position))
    const faults = sorted.flatMap((a) =>
      (a.errors ?? []).map((e) => ({
        item: Number(a.position),
        ...(e.field ? { field: e.field } : {}),
        code: e.code,
        message: e.message ?? e.code,
      })),
    )
    const refused = sorted.some((a) => a.outcome === 'refused')
    const taken = sorted.filter((a) => a.outcome === 'taken' || a.outcome === 'dropped')
    const record = (a: Answer): string => (a.row ? recordOf(a.row) : JSON.stringify(itemOf(texts, Number(a.position))))
    if (!refused && faults.length === 0)
      return accepted(list ? `[${sorted.map(record).join()}]` : sorted[0] ? record(sorted[0]) : 'null')
    if (refused && taken.length === 0) {
      const status = faults.every((f) => bad.has(f.code)) ? 400 : 422
      const message = faults.length === 1 ? faults[0]!.message : `${faults.length} faults`
      return refusal(status, 'refused', message, { errors: faults, ...(list ? {} : { item: itemOf(texts, 0) }) })
    }
    const outcome = (a: Answer): string => {
      const { item, ...more } = {
        item: Number(a.position),
        outcome: a.outcome,
        ...(a.errors ? { errors: a.errors } : {}),
      }
      return `{"item":${item},${a.outcome === 'taken' ? `"record":${record(a)},` : ''}${JSON.stringify(more).slice(1)}`
    }
    return { status: 207, body: `[${sorted.map(outcome).join()}]` }
  }
}
