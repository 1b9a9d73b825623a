/**
 * The outcomes of records in a foreign server's answer, by the paths that the spec declares.
 *
 * An answer that does not account for every record is an error of the endpoint, which stops the run: what was not
 * reported must not count as delivered, and no record is at fault.
 */
import { type RecordType, type Row, SystemError, MillraceError, parseJson, fieldOf, toText } from '@millrace/core'
import type { Answer } from '@millrace/client-http'
import type { Answers } from './answers.ts'
import { type Fault, faultOf, type Judge, type Verdict } from './fault.ts'

/** What answers of either kind mean. */
export interface Outcomes {
  /** Of an answer with a status of 2xx. */
  readonly accepted: Judge
  /** Of one that refuses the request as a whole; undefined: it names no record. */
  refused(...answer: Parameters<Judge>): Verdict | undefined
}

type Outcome = { readonly kind: 'taken' } | { readonly kind: 'failed' | 'later'; readonly fault: Fault }

/** Throws `MillraceError` if the schema lacks the field of `id`. */
export function compileOutcomes(a: Answers, schema: RecordType): Outcomes {
  const placesOf = a.id ? byId(a.id, schema) : byNumber(a.index)
  const judge = (item: unknown, where: string): Outcome => {
    const [state, code, message, field] = [a.status, a.code, a.message, a.field].map((path) => textAt(item, path))
    const fault = faultOf(
      { code, message, field },
      {
        code: /^[45]\d\d(?= |$)/.test(state ?? '') ? `http_${state!.slice(0, 3)}` : 'refused',
        message: describe(state, code),
      },
      where,
    )
    if (a.status !== undefined && state !== undefined && matches(a.accepted, state)) return { kind: 'taken' }
    if (a.status === undefined && a.lists === 'all' && !code && !message) return { kind: 'taken' }
    if (a.status !== undefined && state === undefined && a.lists === 'all')
      throw new Mismatch(`an outcome has no \`${a.status}\``)
    const isLater = [state, code].some((text) => text !== undefined && matches(a.again, text))
    return { kind: isLater ? 'later' : 'failed', fault }
  }
  /** The outcomes by the number of the record; undefined: its outcome cannot be told from others. */
  const read = ({ body }: Answer, rows: readonly Row[], where: string): Map<number, Outcome | undefined> => {
    const items = itemsOf(body, a, rows.length)
    if (a.lists === 'all' && items.length !== rows.length)
      throw new Mismatch(`there are ${items.length} outcomes for ${rows.length} records`)
    const found = new Map<number, Outcome | undefined>()
    for (const [at, places] of placesOf(items, rows).entries())
      for (const place of places) {
        if (found.has(place) && places.length === 1) throw new Mismatch(`record ${place} has two outcomes`)
        found.set(place, places.length === 1 ? judge(items[at], where) : undefined)
      }
    return found
  }
  return {
    accepted(answer, rows, where) {
      try {
        return verdict(read(answer, rows, where))
      } catch (error) {
        if (!(error instanceof Mismatch)) throw error
        return { kind: 'wrong', error: mismatch(error, answer, where) }
      }
    },
    refused(answer, rows, where) {
      try {
        const { faults } = sorted(read(answer, rows, where))
        return faults.size > 0 ? { kind: 'refused', faults } : undefined
      } catch (error) {
        if (error instanceof Mismatch) return undefined
        throw error
      }
    },
  }
}

/** An answer that is not as declared. */
class Mismatch extends Error {}

const mismatch = ({ message }: Mismatch, { status, body }: Answer, where: string): SystemError =>
  new SystemError(
    'answer_mismatch',
    `${where} answered ${status}, but not as \`answers\` says: ${message}: ${body.toString('utf8', 0, 500)}`,
    { hint: 'compare `answers` with what the server answers; nothing of this request counts as delivered' },
  )

function sorted(outcomes: ReadonlyMap<number, Outcome | undefined>) {
  const faults = new Map<number, Fault>()
  const later = new Map<number, Fault>()
  const untold: number[] = []
  for (const [place, outcome] of outcomes)
    if (!outcome) untold.push(place)
    else if (outcome.kind !== 'taken') (outcome.kind === 'failed' ? faults : later).set(place, outcome.fault)
  return { faults, later, untold }
}

function verdict(outcomes: ReadonlyMap<number, Outcome | undefined>): Verdict {
  const { faults, later, untold } = sorted(outcomes)
  if (faults.size + later.size + untold.length === 0) return { kind: 'taken' }
  return { kind: 'told', faults, later, untold: untold.sort((x, y) => x - y) }
}

/** The list of outcomes, of an answer about `count` records. */
function itemsOf(body: Buffer, { items: path, lists }: Answers, count: number): readonly unknown[] {
  if (body.length === 0 && lists === 'failed') return []
  let root: unknown
  try {
    root = parseJson(body.toString('utf8'))
  } catch (error) {
    throw new Mismatch(`it is not JSON (${(error as Error).message})`)
  }
  const items = valueAt(root, path)
  if (Array.isArray(items)) return items
  if ((items === undefined || items === null) && lists === 'failed' && path !== undefined) return []
  if (typeof items === 'object' && items !== null && count === 1) return [items]
  throw new Mismatch(path === undefined ? 'it is not a list' : `there is no list at \`${path}\``)
}

/** The records that each outcome may be about: one, unless a value identifies several. */
type Places = (items: readonly unknown[], rows: readonly Row[]) => readonly (readonly number[])[]

const byNumber =
  (path: string | undefined): Places =>
  (items, rows) =>
    items.map((item, at) => {
      const place = path === undefined ? at : Number(textAt(item, path) ?? Number.NaN)
      if (!Number.isInteger(place) || place < 0 || place >= rows.length)
        throw new Mismatch(`an outcome has no number of a record at \`${path}\``)
      return [place]
    })

function byId({ path, field }: NonNullable<Answers['id']>, schema: RecordType): Places {
  const declared = fieldOf(schema, field)
  if (!declared)
    throw new MillraceError('unknown_field', `\`answers.id.field\` names no field of the records: ${field}`, {
      exitCode: 2,
    })
  const print = toText(declared.type)
  return (items, rows) => {
    const places = new Map<string, number[]>()
    for (const [place, row] of rows.entries()) append(places, row[field] === null ? '' : print(row[field]), place)
    const outcomes = new Map<string, number[]>()
    for (const [at, item] of items.entries()) append(outcomes, textAt(item, path) ?? '', at)
    const found: (readonly number[])[] = []
    for (const [id, all] of outcomes) {
      const own = places.get(id)
      if (!own || own.length < all.length) throw new Mismatch(`an outcome is about none of the records: ${id}`)
      // As many outcomes as records are in the same order; with fewer, each may be about any of these records.
      for (const [k, at] of all.entries()) found[at] = all.length === own.length ? [own[k]!] : own
    }
    return found
  }
}

function append(lists: Map<string, number[]>, key: string, value: number): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}

/** The value at keys separated by dots; a number is a place in a list. */
function valueAt(value: unknown, path: string | undefined): unknown {
  let at = value
  for (const key of path === undefined ? [] : path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Readonly<Record<string, unknown>>)[key]
  }
  return at
}

/** A scalar as text; undefined: there is none. */
function textAt(item: unknown, path: string | undefined): string | undefined {
  const value = path === undefined ? undefined : valueAt(item, path)
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : undefined
}

const describe = (state: string | undefined, code: string | undefined): string =>
  `the record is refused${(state ?? code) ? ` with ${(state ?? code)!.slice(0, 100)}` : ''}`

/** Whether a status or code is one of these; `4xx` is any of 400 to 499, and the text after a status does not count. */
function matches(patterns: readonly string[], text: string): boolean {
  const status = /^\d{3}(?= |$)/.exec(text)?.[0]
  return patterns.some(
    (pattern) => pattern === text || (status && (pattern === status || pattern === `${status[0]}xx`)),
  )
}
