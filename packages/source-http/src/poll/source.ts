/**
 * Polls a server for records: page by page, once or repeatedly. A page is a batch of its own, so its records, the next
 * page, and the state of a since-cursor are saved together; after a crash a page that was not saved is requested again.
 *
 * A record's position is the number of records taken before it, over all passes. It is counted when the record is
 * taken, so a skipped record has none. The list that was read is recorded with the position: otherwise a changed
 * address would silently start over, or continue in the middle of another list.
 */
import { hash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import {
  type Batch,
  defineSource,
  fieldOf,
  fromText,
  type Json,
  MillraceError,
  type ReadContext,
  type Row,
  type Source,
  type SourceContext,
  type SplitsFound,
  toText,
} from '@millrace/core'
import { headerOf } from '@millrace/client-http'
import { batchOf, identify, type Known } from './batch.ts'
import { createBoundary, type Value } from './boundary.ts'
import { createFetcher, type Fetcher } from './fetch.ts'
import { type PollOptions, options, problems } from './options.ts'
import { pageReader, recordDecoder } from './page.ts'
import { nextPage, type PageMark, pageUrl } from './paging.ts'

export const sourceHttpPoll = defineSource({
  kind: 'source',
  type: 'http_poll',
  serves: ['endpoint'],
  summary: 'Polls an HTTP address for records: pages of JSON or CSV, once or repeatedly for new ones.',
  options,
  check: problems,
  capabilities: (o) => ({
    bounded: o.stop === 'end',
    replayable: true,
    lanes: 'one',
    repeats:
      o.id === undefined
        ? {
            id: 'new',
            why: "the server's list can change between two polls, and `id` does not identify its records",
          }
        : { id: 'same', why: 'the server may return a record again' },
  }),
  decoder: (o, ctx) => recordDecoder(o, ctx),
  create: (o, ctx) => createPoller(o, ctx),
  async probe(o, env, signal) {
    const fetcher = createFetcher(o, env)
    try {
      const page = await fetcher.fetch(pageUrl(o, undefined, o.since?.start), signal)
      return `${splitOf(o)} answers ${page.status}, ${headerOf(page, 'content-type') ?? 'without a content type'}, ${page.body.length} bytes`
    } finally {
      fetcher.close()
    }
  },
})

/**
 * The state of reading: `count` records taken; `next` the page to request, absent: the first; `complete`: the last page
 * was read.
 */
interface Position {
  readonly count: number
  readonly next?: PageMark
  readonly complete?: true
  readonly since?: Json
  readonly high?: Json
}

/** The address without its query: part of each record's id. */
function splitOf(o: PollOptions): string {
  const { origin, pathname } = new URL(o.url)
  return origin + pathname
}

/** What is requested: its address with the query, and where the records are in a page. */
function listOf(o: PollOptions): string {
  const url = new URL(o.url)
  for (const [name, value] of Object.entries(o.query)) url.searchParams.set(name, value)
  url.searchParams.sort()
  return hash('sha256', `${url.href} ${o.items ?? ''}`, 'base64url').slice(0, 16)
}

function createPoller(o: PollOptions, ctx: SourceContext): Source {
  let fetcher: Fetcher | undefined
  const split = splitOf(o)
  const known = identify(o, ctx)
  return {
    read(read) {
      fetcher ??= createFetcher(o, ctx)
      return readPages(o, ctx, read, fetcher, split, known)
    },
    locate: (_split, position) => Promise.resolve(`${split}, record number ${Number(position) + 1}`),
    async close() {
      fetcher?.close()
    },
  }
}

async function* readPages(
  o: PollOptions,
  ctx: SourceContext,
  read: ReadContext,
  fetcher: Fetcher,
  split: string,
  known: Known | undefined,
): AsyncGenerator<Batch | SplitsFound> {
  yield { splits: [{ id: split }], complete: true }
  const list = listOf(o)
  const listBefore = read.recall('list')
  if (listBefore !== undefined && listBefore !== list) throw replaced(split)
  const pageOf = pageReader(o, ctx)
  const grow = growing(o, ctx)
  let at = (read.resume(split) ?? { count: 0 }) as unknown as Position
  const once = o.stop === 'end'
  if (at.complete && once && !o.since) {
    yield { ...empty(split), position: at as unknown as Json, end: true }
    return
  }
  const boundary =
    grow && createBoundary(read.recall, { since: grow.read(at.since) ?? grow.start, high: grow.read(at.high) })
  while (!read.signal.aborted) {
    const since = boundary?.since === undefined ? undefined : grow!.text(boundary.since)
    const answered = await fetcher.fetch(pageUrl(o, at.next, since), read.signal)
    const page = await pageOf(answered, read.signal)
    const next = nextPage(o, at.next, answered, page.records.length)
    const batch = batchOf(page, { split, count: at.count, known, valueOf: grow?.valueOf, boundary })
    if (next === undefined) boundary?.turn()
    at = {
      count: at.count + batch.rows.length + (batch.bad?.length ?? 0),
      ...(next === undefined ? { complete: true } : { next }),
      ...(boundary?.since === undefined ? {} : { since: grow!.text(boundary.since) }),
      ...(boundary?.high === undefined ? {} : { high: grow!.text(boundary.high) }),
    }
    const remember = boundary?.changes() ?? []
    if (read.recall('list') === undefined) remember.push(['list', list])
    yield {
      ...batch,
      position: at as unknown as Json,
      ...(remember.length ? { remember } : {}),
      ...(next === undefined ? (once ? { end: true } : { caughtUp: true }) : {}),
    }
    if (next !== undefined) continue
    if (once) return
    await wait(o.interval, undefined, { signal: read.signal }).catch(() => {})
  }
}

const empty = (split: string): Batch => ({ split, rows: [], bytes: 0, positionAt: () => 0 })

/** The field of a since-cursor: its value in a row, and as text for the server and for the position. */
function growing(o: PollOptions, ctx: SourceContext) {
  if (!o.since) return undefined
  const { field, start } = o.since
  const declared = fieldOf(ctx.schema, field)
  const kinds: readonly string[] = ['string', 'integer', 'bigint', 'number', 'date', 'timestamp']
  if (!declared || !kinds.includes(declared.type.kind)) {
    throw new MillraceError(
      'bad_value',
      `\`since.field\` names ${declared ? `a field of type ${declared.type.kind}` : 'no field of the schema'}: ${field}`,
      {
        hint: `it must be a field of type ${kinds.join(', ')}`,
        exitCode: 2,
      },
    )
  }
  const parse = fromText(declared.type) as (text: string) => Value
  const print = toText(declared.type) as (value: unknown) => string
  return {
    start: start === undefined ? undefined : parse(start),
    valueOf: (row: Row): Value | undefined => (row[field] as Value | null) ?? undefined,
    text: (value: Value): string => print(value),
    read: (saved: Json | undefined): Value | undefined =>
      saved === undefined || saved === null ? undefined : parse(saved as string),
  }
}

const replaced = (split: string): MillraceError =>
  new MillraceError('source_replaced', `${split} with this query is not the list that was read before`, {
    place: split,
    hint: 'if this is intended, discard its positions: pipe state reset PIPELINE; or give the source a new id',
  })
