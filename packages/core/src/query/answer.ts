/**
 * Answers a query: asks the store for what it can answer exactly, and does the rest here. Conditions are tested again
 * on every row, so a store may return too much but never too little; a sort and a limit are handed over only where the
 * store compares as expressions do. A value that does not fit its declared type counts as null in expressions, and is
 * shown as it is.
 *
 * Rows are kept only as far as the answer needs them: those of the limit, the groups, or all that are sorted. Beyond a
 * number of rows read or bytes kept, the query is refused (`query_too_large`).
 *
 * Decision: docs/decisions/20261203-queries-are-answered-exactly.md
 */
import { DataError, MillraceError } from '../errors/index.ts'
import type { Query } from '../connector/index.ts'
import type { Row } from '../record/index.ts'
import { fieldOf, type RecordType, type Type } from '../schema/index.ts'
import { compileUnfold, fits } from './clauses.ts'
import { collectGroups } from './group.ts'
import { compileOrder, type RowOrder } from './order.ts'
import type { BoundQuery } from './query.ts'

/** Where the rows of a query come from. */
export interface RowSource {
  /** Absent: rows that are at hand, which know nothing of conditions. */
  sorts?(type: Type): boolean
  /** Documents have a key, `_id`: it breaks ties, so that an answer has one order on every store. */
  readonly hasKey: boolean
  read(query: Omit<Query, 'collection' | 'type'>, signal: AbortSignal): AsyncIterable<Row>
}

/** How much a query may read and keep. */
export interface QueryBounds {
  readonly rows: number
  readonly bytes: number
}

/** A million rows, 256 MiB. */
export const defaultQueryBounds: QueryBounds = { rows: 1_000_000, bytes: 256 * 1024 * 1024 }

/** The answer of a query. */
export interface QueryAnswer {
  readonly type: RecordType
  readonly rows: readonly Row[]
  /** The rows that were read for it. */
  readonly read: number
}

/** Options of one answer. */
export interface AnswerOptions {
  /** Only rows after this one in the order of the query: the last one of the page before. */
  readonly after?: Row | undefined
  readonly bounds?: QueryBounds
}

/** Answers a query. Throws `query_too_large`, `query_failed`, and what the store throws. */
export async function answerQuery(
  query: BoundQuery,
  source: RowSource,
  signal: AbortSignal,
  { after, bounds = defaultQueryBounds }: AnswerOptions = {},
): Promise<QueryAnswer> {
  const { text, grouped, output } = query
  const limit = text.limit ?? Number.POSITIVE_INFINITY
  const tieByKey = source.hasKey && !grouped && !query.unfolding
  const sort = tieByKey ? [...query.sort.filter(({ field }) => field !== '_id'), ...keyOrder(query, after)] : query.sort
  const order = compileOrder(sort, output)
  const pushed = pushedPart(query, source, sort, after)
  const attempt = (stop: number | undefined) =>
    collect(query, source, { ...pushed, ...(stop === undefined ? {} : { limit: stop }) }, order, {
      limit,
      after,
      bounds,
      inOrder: pushed.sort !== undefined || sort.length === 0,
      signal,
    })
  if (limit === 0) return { type: output, rows: [], read: 0 }
  const canStop =
    !grouped && !query.unfolding && after === undefined && Number.isFinite(limit) && (pushed.sort || sort.length === 0)
  if (!canStop) return attempt(undefined)
  const first = await attempt(limit)
  // Rows that the store took for wanted ones and are not: once more, to the end.
  return first.rows.length < limit && first.read >= limit ? attempt(undefined) : first
}

/**
 * All rows of a query, one after the other. Where the store gives them in the order of the query none is kept, so that
 * there is no bound; otherwise as `answerQuery`.
 */
export async function* allRows(query: BoundQuery, source: RowSource, signal: AbortSignal): AsyncGenerator<Row> {
  const sort = query.sort.length > 0 && source.hasKey ? [...query.sort, ...keyOrder(query, undefined)] : query.sort
  const pushed = pushedPart(query, source, sort, undefined)
  if (query.grouped || query.text.limit !== undefined || (sort.length > 0 && !pushed.sort))
    return yield* (await answerQuery(query, source, signal)).rows
  const wanted = compileWanted(query)
  for await (const document of source.read(pushed, signal)) {
    signal.throwIfAborted()
    for (const row of wanted(document)) yield row
  }
}

/** What is asked of the store. */
function pushedPart(
  query: BoundQuery,
  source: RowSource,
  sort: NonNullable<Query['sort']>,
  after: Row | undefined,
): Omit<Query, 'collection' | 'type'> {
  const { text, grouped, unfolding, input, documents } = query
  // Conditions on what a document is unfolded into say nothing of the document, but for its own fields.
  const isStored = (name: string) =>
    fieldOf(documents, name) !== undefined && (!unfolding || unfolding.fields.includes(name))
  const made = new Set(query.set.map(({ name }) => name))
  const where = query.conditions.flatMap(({ comparisons }) => comparisons).filter(({ field }) => isStored(field))
  const canSort =
    !grouped &&
    !unfolding &&
    after === undefined &&
    sort.length > 0 &&
    sort.every(({ field }) => {
      if (made.has(field)) return false
      const type = field === '_id' ? ({ kind: 'string' } as const) : fieldOf(input, field)?.type
      return type !== undefined && source.sorts?.(type) === true
    })
  return {
    ...(where.length > 0 ? { where } : {}),
    ...(grouped && !unfolding ? { fields: query.fields.filter(isStored) } : {}),
    ...(canSort ? { sort } : {}),
    ...(text.scan ? { scan: true } : {}),
  }
}

const keyOrder = ({ sort }: BoundQuery, after: Row | undefined): NonNullable<Query['sort']> =>
  sort.length > 0 || after !== undefined
    ? [{ field: '_id', descending: sort.find(({ field }) => field === '_id')?.descending ?? false }]
    : []

interface Collecting {
  readonly limit: number
  readonly after: Row | undefined
  readonly bounds: QueryBounds
  /** Rows come in the order of the answer. */
  readonly inOrder: boolean
  readonly signal: AbortSignal
}

async function collect(
  query: BoundQuery,
  source: RowSource,
  pushed: Omit<Query, 'collection' | 'type'>,
  order: RowOrder | undefined,
  { limit, after, bounds, inOrder, signal }: Collecting,
): Promise<QueryAnswer> {
  const rowsOf = query.unfolding ? compileUnfold(query.unfolding) : (row: Row) => [row]
  const seenAs = compileSeen(query)
  const groups = query.grouped && collectGroups(query.grouped)
  let kept: Row[] = []
  let read = 0
  let bytes = 0
  const keep = (row: Row): boolean => {
    if (after !== undefined && order && order(row, after) <= 0) return false
    kept.push(row)
    bytes += sizeOf(row)
    if (inOrder && after === undefined) return kept.length >= limit
    if (order && kept.length > 2 * limit + 1000) {
      kept = kept.toSorted(order).slice(0, limit)
      bytes = kept.reduce((sum, each) => sum + sizeOf(each), 0)
    }
    return false
  }
  const take = (row: Row): boolean => {
    const made = seenAs(row)
    if (!made) return false
    if (!groups) return keep(shownAs(row, made, query))
    groups.add(made)
    return false
  }
  try {
    reading: for await (const document of source.read(pushed, signal)) {
      signal.throwIfAborted()
      for (const row of rowsOf(document)) {
        if (++read > bounds.rows) throw tooLarge(`more than ${bounds.rows} rows have to be read`)
        if (take(row)) break reading
        if (bytes > bounds.bytes) throw tooLarge(`more than ${Math.round(bounds.bytes / 2 ** 20)} MiB have to be kept`)
      }
    }
    const found = groups ? groups.rows() : kept
    const rows = order && !(inOrder && !groups && after === undefined) ? found.toSorted(order) : found
    return { type: query.output, rows: rows.slice(0, limit), read }
  } catch (error) {
    throw failureOf(error)
  }
}

function failureOf(error: unknown): unknown {
  if (!(error instanceof DataError)) return error
  return new MillraceError('query_failed', `${error.field ? `${error.field}: ` : ''}${error.message}`, {
    exitCode: 1,
    hint: 'exclude such rows with a condition in `where`',
  })
}

/** The wanted rows of a document, as they are shown. Throws `query_failed`. */
function compileWanted(query: BoundQuery): (document: Row) => Row[] {
  const rowsOf = query.unfolding ? compileUnfold(query.unfolding) : (row: Row) => [row]
  const seenAs = compileSeen(query)
  return (document) => {
    try {
      return rowsOf(document).flatMap((row) => {
        const made = seenAs(row)
        return made ? [shownAs(row, made, query)] : []
      })
    } catch (error) {
      throw failureOf(error)
    }
  }
}

/** The row as expressions see it, with what is set; undefined: it is not wanted. */
function compileSeen(query: BoundQuery): (row: Row) => Row | undefined {
  const fitting = compileFitting(query)
  return (row) => {
    const seen = fitting(row)
    if (!isWanted(seen, query)) return undefined
    const made = query.set.length === 0 ? seen : { ...seen }
    for (const { name, evaluate } of query.set) made[name] = evaluate(made)
    return made
  }
}

/** The row as it is stored, with what is set. */
const shownAs = (row: Row, made: Row, { set }: BoundQuery): Row =>
  set.length === 0 ? row : { ...row, ...Object.fromEntries(set.map(({ name }) => [name, made[name]])) }

/** A condition that fails does not matter if another one is false: the store may have judged that one. */
function isWanted(row: Row, { conditions }: BoundQuery): boolean {
  let failure: DataError | undefined
  for (const { test } of conditions) {
    try {
      if (!test(row)) return false
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      failure ??= error
    }
  }
  if (failure) throw failure
  return true
}

/** The row as expressions see it: a value that does not fit its type is null. */
function compileFitting({ input, fields }: BoundQuery): (row: Row) => Row {
  const tests = fields.flatMap((name) => {
    const field = fieldOf(input, name)
    return field ? [{ name, test: fits(field.type) }] : []
  })
  return (row) => {
    let seen = row
    for (const { name, test } of tests) {
      const value = row[name]
      if (value === null || value === undefined || test(value)) continue
      if (seen === row) seen = { ...row }
      seen[name] = null
    }
    return seen
  }
}

/** About the memory that a row takes. */
function sizeOf(row: Row): number {
  let size = 64
  for (const value of Object.values(row))
    size += typeof value === 'string' ? 24 + 2 * value.length : typeof value === 'object' && value !== null ? 200 : 16
  return size
}

const tooLarge = (what: string): MillraceError =>
  new MillraceError('query_too_large', `This query is too large: ${what} to answer it.`, {
    hint: 'narrow it with a condition that the store can look up, or write the result with a pipeline',
  })
