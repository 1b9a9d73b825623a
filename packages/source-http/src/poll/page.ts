/**
 * Decodes the bytes of a page to records, with the readers of file formats: each record with its own bytes, including
 * those that do not decode.
 */
import { type BadRecord, type Json, MillraceError, type Row, type SourceContext, SystemError } from '@millrace/core'
import { bytesSource } from '@millrace/formats'
import { isClosed, pathOf, valueAt } from './json.ts'
import { type PollOptions, pageFormats } from './options.ts'
import type { Answered } from '@millrace/client-http'

/** One record of a page, in its order. */
export type PageRecord = { readonly row: Row; readonly bytes: Uint8Array } | { readonly bad: BadRecord }

export interface Page {
  readonly records: readonly PageRecord[]
  /** Context for decoding a record: the header of a CSV page. */
  readonly context: Json | undefined
  /** Fields that are not in the schema, left out. */
  readonly unknown: number
}

const readerOf = (o: PollOptions, ctx: SourceContext) => {
  const { schema, unknownFields } = ctx
  return pageFormats.open(pageFormats.typed(o.format), { schema, unknownFields }).reader
}

/** Decodes a record's bytes again. */
export function recordDecoder(
  o: PollOptions,
  ctx: SourceContext,
): (bytes: Uint8Array, context: Json | undefined) => Row {
  const reader = readerOf(o, ctx)
  return (bytes, context) => reader.decode!(bytes, context)
}

/** Makes the reader of pages. Throws `bad_page` if the page as a whole is not what was expected. */
export function pageReader(o: PollOptions, ctx: SourceContext): (page: Answered, signal: AbortSignal) => Promise<Page> {
  const reader = readerOf(o, ctx)
  const isJson = pageFormats.typed(o.format).type === 'json'
  const path = pathOf(o.items)
  return async ({ body, status, url }, signal) => {
    if (body.length === 0 || status === 204) return { records: [], context: undefined, unknown: 0 }
    if (isJson && !isClosed(body))
      throw new SystemError('bad_page', `the page at ${url.origin}${url.pathname} is truncated`, { retry: true })
    const bytes = isJson ? listOf(body, path, o, url) : body
    const found: { readonly position: number; readonly record: PageRecord }[] = []
    let context: Json | undefined
    let unknown = 0
    try {
      for await (const piece of reader.read(bytesSource(bytes), undefined, signal)) {
        context ??= piece.context
        unknown += piece.unknown ?? 0
        for (const [i, row] of piece.rows.entries())
          found.push({ position: Number(piece.positionAt(i)), record: { row, bytes: piece.rawAt!(i) } })
        for (const bad of piece.bad ?? []) found.push({ position: Number(bad.position), record: { bad } })
      }
    } catch (error) {
      if ((error as { code?: string }).code !== 'broken_file') throw error
      throw new MillraceError('bad_page', `the page at ${url.origin}${url.pathname}: ${(error as Error).message}`, {
        cause: error,
      })
    }
    found.sort((a, b) => a.position - b.position)
    return { records: found.map(({ record }) => record), context, unknown }
  }
}

function listOf(body: Buffer, path: readonly string[], o: PollOptions, url: URL): Buffer {
  const list = valueAt(body, path)
  if (list?.[0] === 0x5b) return list
  const where = `the page at ${url.origin}${url.pathname}`
  const beginning = body.toString('utf8', 0, 60).replaceAll(/\s+/g, ' ')
  const message = list
    ? `has no list${path.length ? ` at ${o.items}` : ''}`
    : path.length && body[0] === 0x7b
      ? `has nothing at ${o.items}`
      : 'is not a JSON list'
  throw new MillraceError('bad_page', `${where} ${message}; it begins with ${beginning}`, {
    hint: '`items` sets where the records are in a page: `items: data.orders`',
  })
}
