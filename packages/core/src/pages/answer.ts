/** Answers a page: runs each of its queries once, and shapes the rows for the elements that show them. */
import { fromText, toText } from '../convert/index.ts'
import { DataError, MillraceError, SystemError } from '../errors/index.ts'
import { answerQuery, plainRange, type QueryAnswer, type RowSource } from '../query/index.ts'
import type { Row } from '../record/index.ts'
import { fieldOf, type RecordType, type Type, typeText } from '../schema/index.ts'
import type { Collection } from './collection.ts'
import type {
  AnsweredElement,
  Cell,
  ElementAnswer,
  LinkAnswer,
  Page,
  PageAnswer,
  PageQuery,
  ShownElement,
} from './page.ts'

/** Rows of a table at most; more are counted. */
const mostRows = 10_000

/** What a page is answered from. */
export interface PageContext {
  rowsOf(collection: Collection): RowSource | undefined
  nowMs(): number
}

/**
 * Answers a page. `texts`: values of inputs; the others have their defaults. A query that fails is part of the answer.
 */
export async function answerPage(
  page: Page,
  texts: Readonly<Record<string, string>>,
  { rowsOf, nowMs }: PageContext,
  signal: AbortSignal,
): Promise<PageAnswer> {
  const now = nowMs()
  const read = page.view.inputs.map(({ name, default: fallback }) => {
    const text = (texts[name] ?? fallback ?? '').trim()
    return { name, text, ...(text === '' ? { value: null } : valueOf(page.inputs[name]!, text, now)) }
  })
  const values = Object.fromEntries(read.map(({ name, value }) => [name, value ?? null]))
  const wrong = new Set(read.filter(({ problem }) => problem !== undefined).map(({ name }) => name))
  const answers = new Map<string, Promise<Outcome>>()
  const answerOf = (name: string): Promise<Outcome> => {
    let answer = answers.get(name)
    if (!answer) answers.set(name, (answer = run(page.queries.get(name)!)))
    return answer
  }
  const run = async ({ checked, collection, from }: PageQuery): Promise<Outcome> => {
    const before = from === undefined ? undefined : await answerOf(from)
    if (before && before.state !== 'found') return before
    const waiting = [
      ...[...checked.needs].filter((name) => values[name] === null),
      ...[...checked.reads].filter((name) => wrong.has(name)),
    ]
    if (waiting.length > 0) return { state: 'waiting', inputs: [...new Set(waiting)] }
    const source = collection ? rowsOf(collection) : at(before!.answer.rows)
    const began = nowMs()
    try {
      if (!source) throw new MillraceError('not_queried', `A sink of type ${collection!.sink.type} cannot be queried.`)
      const answer = await answerQuery(checked.bind(values, now), source, signal)
      return { state: 'found', answer, elapsedMs: nowMs() - began }
    } catch (error) {
      signal.throwIfAborted()
      return failed(error)
    }
  }
  const elements = await Promise.all(
    page.elements.map(async (shown): Promise<ElementAnswer> => {
      const { kind, title } = shown.element
      const head = { kind, ...(title === undefined ? {} : { title: filled(title, read) }) }
      if (shown.query === undefined) return { ...head, state: 'live' }
      const outcome = await answerOf(shown.query)
      return { ...head, ...(outcome.state === 'found' ? shaped(shown, outcome) : outcome) }
    }),
  )
  return {
    page: page.view.name,
    inputs: read.map(({ name, text, problem }) => ({ name, text, ...(problem === undefined ? {} : { problem }) })),
    elements,
    answeredMs: nowMs(),
  }
}

type Outcome =
  | { readonly state: 'found'; readonly answer: QueryAnswer; readonly elapsedMs: number }
  | Extract<ElementAnswer, { state: 'waiting' | 'failed' }>
  | { readonly state: 'waiting'; readonly inputs: readonly string[] }
  | { readonly state: 'failed'; readonly code: string; readonly message: string; readonly hint?: string }

const at = (rows: readonly Row[]): RowSource => ({
  hasKey: false,
  async *read() {
    yield* rows
  },
})

function failed(error: unknown): Outcome {
  if (!(error instanceof MillraceError) && !(error instanceof SystemError)) throw error
  const { code, message, hint } = error
  return { state: 'failed', code, message, ...(hint === undefined ? {} : { hint }) }
}

/** The value of an input, or what is wrong with its text. */
function valueOf(
  type: Page['inputs'][string],
  text: string,
  nowMs: number,
): { readonly value?: unknown; readonly problem?: string } {
  if (type === 'time_range') {
    const range = plainRange(text, nowMs)
    return range ? { value: range } : { problem: `${text} is no range of time, such as 24h or 2026-01-01/2026-02-01` }
  }
  try {
    return { value: fromText(type.type)(text) }
  } catch (error) {
    if (error instanceof DataError) return { problem: error.message }
    throw error
  }
}

const filled = (title: string, inputs: readonly { readonly name: string; readonly text: string }[]): string =>
  title.replaceAll(/\$\{input:([^}]*)\}/g, (_, name: string) => inputs.find((each) => each.name === name)?.text ?? '')

function shaped({ element, computed, links, top }: ShownElement, found: Outcome & { state: 'found' }): AnsweredElement {
  const { type, rows } = found.answer
  const most = element.kind === 'value' ? 1 : (top ?? mostRows)
  const shown = rows.slice(0, most)
  const columns = (element.columns ?? Object.keys(type.fields)).map((name) => ({
    name,
    type: typeText(fieldOf(type, name)!.type),
    cell: cellOf(fieldOf(type, name)!.type),
    read: (row: Row) => row[name],
  }))
  const more = computed.map(({ name, expression }) => ({
    name,
    type: typeText(expression.type),
    cell: cellOf(expression.type),
    read: (row: Row) => attempt(expression.evaluate, row),
  }))
  const all = [...columns, ...more]
  return {
    state: 'answered',
    columns: all.map(({ name, type: text }) => ({ name, type: text })),
    rows: shown.map((row) => all.map(({ cell, read }) => cell(read(row)))),
    total: rows.length,
    cut: shown.length < rows.length && element.kind !== 'value',
    links: links.map((link) => linkAnswer(link, shown, type)),
    elapsedMs: found.elapsedMs,
  }
}

function linkAnswer(link: ShownElement['links'][number], rows: readonly Row[], _type: RecordType): LinkAnswer {
  const inputs = Object.entries(link.inputs).map(([name, expression]) => ({
    name,
    text: toText(expression.type),
    evaluate: expression.evaluate,
  }))
  return {
    ...(link.column === undefined ? {} : { column: link.column }),
    page: link.page,
    inputs: rows.map((row) => {
      const made = inputs.map(({ name, text, evaluate }) => [name, text(attempt(evaluate, row))] as const)
      return made.some(([, text]) => text === '') ? null : Object.fromEntries(made)
    }),
  }
}

/** A row of which an expression has no value shows none. */
function attempt(evaluate: (row: Row) => unknown, row: Row): unknown {
  try {
    return evaluate(row)
  } catch (error) {
    if (error instanceof DataError || error instanceof TypeError) return null
    throw error
  }
}

/** The form of a value in an answer. One that does not fit its type is shown as it is stored. */
export function cellOf(type: Type): (value: unknown) => Cell {
  const text = toText(type)
  const isPlain = type.kind === 'integer' || type.kind === 'number' || type.kind === 'boolean' || type.kind === 'string'
  return (value) => {
    if (value === null || value === undefined) return null
    if (isPlain || typeof value !== memoryForm(type))
      return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string'
        ? value
        : typeof value === 'bigint'
          ? String(value)
          : toText({ kind: 'json' })(value)
    return text(value)
  }
}

const memoryForm = ({ kind }: Type): string =>
  kind === 'timestamp'
    ? 'number'
    : kind === 'fine_timestamp' || kind === 'bigint'
      ? 'bigint'
      : isObject(kind)
        ? 'object'
        : 'string'

const isObject = (kind: Type['kind']): boolean => ['list', 'map', 'object', 'bytes', 'json'].includes(kind)
