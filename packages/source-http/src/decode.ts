/** A request's body to rows: one JSON object, an array of them, or JSON lines. Every fault of every item is told. */
import { isUtf8 } from 'node:buffer'
import { type BadRecord, type Json, type Row, rowFromJson, type SourceContext } from '@millrace/core'
import { duplicateKey, jsonLinesDecoder, recordParser } from '@millrace/formats'
import { type Reply, refusal } from './answer.ts'

export interface Decoded {
  readonly rows: readonly Row[]
  /** The item that each row came from. */
  readonly indexes: readonly number[]
  readonly bad: readonly BadRecord[]
  /** Fields that the schema does not name, left out of the rows. */
  readonly unknown: number
  /** The items as they were received. */
  readonly texts: readonly string[]
  readonly list: boolean
}

/** An item as it was received, as JSON; null where it is none. */
export function itemOf(texts: readonly string[], item: number): Json {
  try {
    return JSON.parse(texts[item]!) as Json
  } catch {
    return null
  }
}

/**
 * Makes the decoder of a route's bodies. What cannot be taken apart into items is answered at once. Bodies whose lines are all right, as nearly all are, are read like
 * files; only the others are taken apart, to tell each item's faults.
 */
export function bodyDecoder(ctx: SourceContext): (body: Buffer, contentType: string | undefined) => Decoded | Reply {
  const lines = jsonLinesDecoder(ctx)
  const parser = recordParser(ctx)
  const allFaults = rowFromJson(ctx.schema, ctx.unknownFields)

  /** The rows of lines that are all right. */
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
          bad: [],
          unknown,
          list,
          get texts() {
            return (texts ??= linesOf(textOf(body)))
          },
        }
  }
  const decodeAll = (texts: readonly string[], list: boolean): Decoded => {
    const rows: Row[] = []
    const indexes: number[] = []
    const bad: BadRecord[] = []
    parser.tally.unknown = 0
    for (let item = 0; item < texts.length; item++) {
      const text = texts[item]!
      const row = parser.parse(text)
      const twice = row && duplicateKey(text)
      if (row && twice === undefined) {
        rows.push(row)
        indexes.push(item)
        continue
      }
      for (const { code, field, message } of twice === undefined
        ? faultsOf(text)
        : [{ code: 'duplicate_key', field: twice, message: `has the key ${JSON.stringify(twice)} twice` }])
        bad.push({
          position: item,
          bytes: Buffer.from(text),
          code,
          ...(field ? { field } : {}),
          ...(message ? { message } : {}),
        })
    }
    return { rows, indexes, bad, unknown: parser.tally.unknown, texts, list }
  }
  /** All faults of an item that the parser did not take. */
  const faultsOf = (
    text: string,
  ): readonly { code: string; field?: string | undefined; message?: string | undefined }[] => {
    const value = itemOf([text], 0)
    const object = typeof value === 'object' && value !== null && !Array.isArray(value)
    const faults = object ? allFaults(value as Record<string, unknown>) : []
    return Array.isArray(faults) && faults.length ? faults : [parser.failure]
  }
  return (body, contentType) => {
    const kind = kindOf(contentType)
    if (!kind)
      return refusal(
        415,
        'unsupported_type',
        `content-type ${contentType ?? '(none)'} is not taken: send application/json or application/x-ndjson`,
      )
    if (!isUtf8(body)) return refusal(400, 'bad_encoding', 'the body is not UTF-8')
    if (kind === 'lines') return allRight(body, true) ?? decodeAll(linesOf(textOf(body)), true)
    const one = body[0] === 0x7b && !body.includes(10) ? allRight(body, false) : undefined
    if (one) return one
    const text = textOf(body)
    if (!/^\s*\[/.test(text)) return decodeAll([text], false)
    try {
      JSON.parse(text)
    } catch (error) {
      return refusal(400, 'bad_json', `the body is no JSON: ${(error as Error).message}`)
    }
    return decodeAll(elementsOf(text), true)
  }
}

/** A body's text, without the byte order mark. */
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

/** The elements of a JSON array as they stand there, so that each is read like a body of its own and no number is rounded on the way. */
function elementsOf(array: string): string[] {
  const elements: string[] = []
  let start = array.indexOf('[') + 1
  let depth = 0
  for (let i = start; i < array.length; i++) {
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
