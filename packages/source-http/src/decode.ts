/**
 * Decodes a request body to rows: one JSON object, an array of them, or JSON lines. Every fault of every item is
 * reported.
 */
import { isUtf8 } from 'node:buffer'
import { DataError, type Decoder, readJson, type Row, rowFromJson, type SourceContext } from '@millrace/core'
import { jsonLinesDecoder, recordParser } from '@millrace/formats'
import { type Reply, refusal } from './reply.ts'

/** A fault of an item. */
export interface Fault {
  readonly code: string
  readonly field?: string
  readonly message?: string
}

export interface Decoded {
  readonly rows: readonly Row[]
  /** The item of each row. */
  readonly indexes: readonly number[]
  /** All faults of each invalid item, by item. */
  readonly faults: ReadonlyMap<number, readonly Fault[]>
  /** Fields that are not in the schema, left out of the rows. */
  readonly unknown: number
  /** The items as received. */
  readonly texts: readonly string[]
  /** The number of items. */
  readonly count: number
  readonly list: boolean
}

/** Makes the decoder of single items, which reports everything that is wrong with one. */
function itemReader(ctx: SourceContext) {
  const parser = recordParser(ctx)
  const allFaults = rowFromJson(ctx.schema, ctx.unknownFields)
  const { tally } = parser
  return {
    tally,
    /** The row, or its faults; `isBrief`: only the first one. */
    read(text: string, isBrief = false): Row | readonly Fault[] {
      const row = parser.parse(text)
      if (row) return row
      if (isBrief) return [{ ...parser.failure }]
      const value = jsonOf(text)
      const object = typeof value === 'object' && value !== null && !Array.isArray(value)
      const faults = object ? allFaults(value as Record<string, unknown>) : []
      return Array.isArray(faults) && faults.length ? (faults as readonly Fault[]) : [parser.failure]
    },
  }
}

function jsonOf(text: string): unknown {
  try {
    return readJson(text)
  } catch {
    return undefined
  }
}

const isFaults = (read: Row | readonly Fault[]): read is readonly Fault[] => Array.isArray(read)

/** Decodes an item again from its bytes as received. */
export function itemDecoder(ctx: SourceContext): Decoder {
  const reader = itemReader(ctx)
  return (bytes) => {
    if (!isUtf8(bytes)) throw new DataError('bad_encoding', 'the bytes are not UTF-8')
    const read = reader.read(Buffer.from(bytes).toString('utf8'))
    if (!isFaults(read)) return read
    const { code, message, field } = read[0]!
    throw new DataError(code, message ?? code, field)
  }
}

const noFaults: ReadonlyMap<number, readonly Fault[]> = new Map()

/** When a request has so many faults, only the first one of each further item is reported. */
export const mostFaults = 1000

/**
 * Makes the decoder of a route's bodies. A body that cannot be split into items is answered immediately. Bodies whose
 * lines are all valid, as nearly all are, are read like files; only the others are split, to report the faults of each
 * item. A body of more than `maxItems` is refused before any is decoded: an item of two bytes costs a hundred times its
 * size.
 */
export function bodyDecoder(
  ctx: SourceContext,
  maxItems: number,
): (body: Buffer, contentType: string | undefined) => Decoded | Reply {
  const tooMany = refusal(413, 'too_many_items', `the request has more than ${maxItems} records: send several`)
  const lines = jsonLinesDecoder(ctx)
  const reader = itemReader(ctx)

  /** The rows of lines that are all valid. */
  const allRight = (body: Buffer, list: boolean): Decoded | undefined => {
    const rows: Row[] = []
    let unknown = 0
    for (const piece of lines(body)) {
      if (piece.bad) return undefined
      for (const row of piece.rows) rows.push(row)
      unknown += piece.unknown ?? 0
    }
    let texts: readonly string[] | undefined
    return rows.length === 0
      ? undefined
      : {
          rows,
          indexes: [...rows.keys()],
          faults: noFaults,
          unknown,
          count: rows.length,
          list,
          get texts() {
            return (texts ??= linesOf(textOf(body)))
          },
        }
  }
  const decodeAll = (texts: readonly string[], list: boolean): Decoded => {
    const rows: Row[] = []
    const indexes: number[] = []
    const faults = new Map<number, readonly Fault[]>()
    reader.tally.unknown = 0
    let found = 0
    for (const [item, text] of texts.entries()) {
      const read = reader.read(text, found >= mostFaults)
      if (isFaults(read)) {
        faults.set(item, read)
        found += read.length
      } else {
        rows.push(read)
        indexes.push(item)
      }
    }
    return { rows, indexes, faults, unknown: reader.tally.unknown, texts, count: texts.length, list }
  }
  return (body, contentType) => {
    const kind = kindOf(contentType)
    if (!kind)
      return refusal(
        415,
        'unsupported_type',
        `content-type ${contentType ?? '(none)'} is not supported: send application/json or application/x-ndjson`,
      )
    if (!isUtf8(body)) return refusal(400, 'bad_encoding', 'the body is not UTF-8')
    if (kind === 'lines') {
      if (hasMoreLines(body, maxItems) && linesOf(textOf(body)).length > maxItems) return tooMany
      return allRight(body, true) ?? decodeAll(linesOf(textOf(body)), true)
    }
    const one = body[0] === 0x7b && !body.includes(10) ? allRight(body, false) : undefined
    if (one) return one
    const text = textOf(body)
    if (!/^\s*\[/.test(text)) return decodeAll([text], false)
    try {
      JSON.parse(text)
    } catch (error) {
      return refusal(400, 'bad_json', `the body is not JSON: ${(error as Error).message}`)
    }
    const elements = elementsOf(text, maxItems + 1)
    return elements.length > maxItems ? tooMany : decodeAll(elements, true)
  }
}

/** Whether the body has more than `most` lines, empty ones included. */
function hasMoreLines(body: Buffer, most: number): boolean {
  let at = -1
  for (let lines = 0; lines < most; lines++) {
    at = body.indexOf(10, at + 1)
    if (at < 0) return false
  }
  return at < body.length - 1
}

/** The text of a body, without the byte order mark. */
const textOf = (body: Buffer): string =>
  body.toString('utf8', body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0)
const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '')

function kindOf(contentType: string | undefined): 'json' | 'lines' | undefined {
  if (contentType === 'application/json') return 'json'
  const type = contentType?.split(';', 1)[0]!.trim().toLowerCase()
  if (type === 'application/json') return 'json'
  return type === 'application/x-ndjson' || type === 'application/jsonl' || type === 'application/x-jsonlines'
    ? 'lines'
    : undefined
}

/**
 * The elements of a JSON array as text, `most` of them, so that each is read like a body of its own and no number is
 * rounded on the way.
 */
function elementsOf(array: string, most: number): string[] {
  const elements: string[] = []
  let start = array.indexOf('[') + 1
  let depth = 0
  for (let i = start; i < array.length && elements.length < most; i++) {
    const c = array[i]
    if (c === '"') {
      for (i++; array[i] !== '"'; i++) if (array[i] === '\\') i++
    } else if (c === '{' || c === '[') depth++
    else if (depth > 0 && (c === '}' || c === ']')) depth--
    else if (depth === 0 && (c === ',' || c === ']')) {
      const element = array.slice(start, i)
      if (element.trim() !== '') elements.push(element)
      start = i + 1
    }
  }
  return elements
}
