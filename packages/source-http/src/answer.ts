/** The answer to a request: a status and a JSON body that names each fault. */
import type { Answer, Done, Json, RecordType, Row } from '@millrace/core'
import { compileEncoder, OutputBytes } from '@millrace/formats'
import { type Decoded, mostFaults } from './decode.ts'
import { type Reply, refusal } from './reply.ts'

/** Faults of the body or a date, as opposed to the schema. */
const bad = new Set(['bad_json', 'not_object', 'duplicate_key', 'bad_date', 'bad_encoding'])

/**
 * Makes the answers of requests whose outcome is known, from records of the type `shown`. All accepted: `status` with
 * the record, or the list of them, without their empty fields. Refused: 422 if a field breaks the schema, else 400,
 * with every field and why, and the items as received. Failed after it was accepted: 422. Several of which some were
 * refused or have failed: 207 with an outcome for each.
 */
export function replier(
  shown: RecordType,
  o: { readonly status: number; readonly wrap?: string | undefined },
): (done: Pick<Done, 'taken' | 'answers'>, request: Decoded) => Reply {
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

  return ({ taken, answers }, request) => {
    const { list, count } = request
    if (taken?.length === count) return list ? acceptedAll(taken) : accepted(recordOf(taken[0]!))
    // The texts are made only when they are asked for.
    const { indexes, texts } = request
    const items = Array.from({ length: count }, (_, item): Item => ({ item, outcome: 'dropped', faults: [] }))
    for (const [k, row] of (taken ?? []).entries())
      items[indexes[k]!] = { ...items[indexes[k]!]!, outcome: 'taken', row }
    for (const answer of answers ?? []) {
      const item = Number(answer.position)
      items[item] = itemAnswered(item, answer, request)
    }
    const record = ({ item, row }: Item): string => (row ? recordOf(row) : itemAsReceived(texts[item]!))
    const has = (outcome: Item['outcome']) => items.some((each) => each.outcome === outcome)
    if (!has('refused') && !has('failed'))
      return accepted(list ? `[${items.map(record).join()}]` : items[0] ? record(items[0]) : 'null')
    const faults = items.flatMap(({ item, faults: found }) => found.map((fault) => ({ item, ...fault })))
    const isRefused = items.every(({ outcome }) => outcome === 'refused')
    if (isRefused || !list) {
      const status = isRefused && faults.every(({ code }) => bad.has(code)) ? 400 : 422
      const message = faults.length === 1 ? faults[0]!.message : `${faults.length} faults`
      const { body } = refusal(status, isRefused ? 'refused' : 'failed', message, {
        errors: faults,
        note: faults.length > mostFaults ? `beyond ${mostFaults} faults, the first of each record` : undefined,
      } as Readonly<Record<string, Json>>)
      return { status, body: list ? body : `${String(body).slice(0, -1)},"item":${itemAsReceived(texts[0]!)}}` }
    }
    const itemJson = (each: Item): string => {
      const { item, outcome, faults: errors } = each
      const shownAs = outcome === 'taken' ? `"record":${record(each)},` : ''
      return `{"item":${item},${shownAs}${JSON.stringify({ outcome, errors: errors.length > 0 ? errors : undefined }).slice(1)}`
    }
    return { status: 207, body: `[${items.map(itemJson).join()}]` }
  }
}

/** The text of an item, so that none of its numbers is rounded; null if it is not JSON. */
function itemAsReceived(text: string): string {
  try {
    JSON.parse(text)
    return text.trim()
  } catch {
    return 'null'
  }
}

/** The outcome of one item of a request. An item without one went to the dead letter, or was dropped. */
interface Item {
  readonly item: number
  readonly outcome: Answer['outcome']
  readonly row?: Row
  readonly faults: readonly { readonly field?: string; readonly code: string; readonly message: string }[]
}

function itemAnswered(item: number, { outcome, row, errors }: Answer, { faults }: Decoded): Item {
  const found = (outcome === 'refused' ? faults.get(item) : undefined) ?? errors ?? []
  return {
    item,
    outcome,
    row,
    faults: found.map(({ code, field, message }) => ({ field, code, message: message ?? code })),
  }
}
