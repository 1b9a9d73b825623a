/** A request's body to rows: one JSON object, an array of them, or JSON lines. Every fault of every item is told. */
import { isUtf8 } from 'node:buffer'
import { type BadRecord, type Json, type Row, rowFromJson, type SourceContext } from '@millrace/core'
import { recordParser } from '@millrace/formats'
import { type Reply, refusal } from './answer.ts'

export interface Decoded {
  readonly rows: readonly Row[]
  /** The item that each row came from. */
  readonly indexes: readonly number[]
  readonly bad: readonly BadRecord[]
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

/** Makes the decoder of a route's bodies. What cannot be taken apart into items is answered at once. */
export function bodyDecoder(ctx: SourceContext): (body: Buffer, contentType: string | undefined) => Decoded | Reply {
  const parser = recordParser(ctx)
  const allFaults = rowFromJson(ctx.schema, ctx.unknownFields)
  const decodeAll = (texts: readonly string[], list: boolean): Decoded => {
    const rows: Row[] = []
    const indexes: number[] = []
    const bad: BadRecord[] = []
    for (let item = 0; item < texts.length; item++) {
      const text = texts[item]!
      const row = parser.parse(text)
      if (row) {
        rows.push(row)
        indexes.push(item)
        continue
      }
      const value = itemOf(texts, item)
      const object = typeof value === 'object' && value !== null && !Array.isArray(value)
      const faults = object ? allFaults(value as Record<string, unknown>) : []
      const bytes = Buffer.from(text)
      for (const { code, field, message } of Array.isArray(faults) && faults.length ? faults : [parser.failure])
        bad.push({ position: item, bytes, code, ...(field ? { field } : {}), ...(message ? { message } : {}) })
    }
    return { rows, indexes, bad, texts, list }
  }
  return (body, contentType) => {
    const kind = kindOf(contentType)
    if (!kind) return refusal(415, 'unsupported_type', `content-type ${contentType ?? '(none)'} is not taken: send application/json or application/x-ndjson`)
    if (!isUtf8(body)) return refusal(400, 'bad_encoding', 'the body is not UTF-8')
    const text = body.toString('utf8', body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0)
    if (kind === 'lines') {
      return decodeAll(
        text.split('\n').filter((line) => line.trim() !== ''),
        true,
      )
    }
    if (!/^\s*\[/.test(text)) return decodeAll([text], false)
    try {
      JSON.parse(text)
    } catch (error) {
      return refusal(400, 'bad_json', `the body is no JSON: ${(error as Error).message}`)
    }
    return decodeAll(elementsOf(text), true)
  }
}

function kindOf(contentType: string | undefined): 'json' | 'lines' | undefined {
  if (contentType === 'application/json') return 'json'
  const type = contentType?.split(';', 1)[0]!.trim().toLowerCase()
  if (type === 'application/json') return 'json'
  return type === 'application/x-ndjson' || type === 'application/jsonl' || type === 'application/x-jsonlines' ? 'lines' : undefined
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
