/** A request's body to rows: one JSON object, an array of them, or JSON lines. Every fault of every item is told. */
import { type BadRecord, type Json, type Row, rowFromJson, type SourceContext } from '@millrace/core'
import { recordParser } from '@millrace/formats'
import { type Reply, refusal } from './answer.ts'

export interface Decoded {
  readonly rows: readonly Row[]
  /** The item that each row came from. */
  readonly indexes: readonly number[]
  readonly bad: readonly BadRecord[]
  /** The items as they were received. */
  readonly items: readonly Json[]
  readonly list: boolean
}

const strict = new TextDecoder('utf-8', { fatal: true })

/** Makes the decoder of a route's bodies. What cannot be taken apart into items is answered at once. */
export function bodyDecoder(ctx: SourceContext): (body: Uint8Array, contentType: string | undefined) => Decoded | Reply {
  const parser = recordParser(ctx)
  const allFaults = rowFromJson(ctx.schema, ctx.unknownFields)
  const one = (text: string, item: number, into: { rows: Row[]; indexes: number[]; bad: BadRecord[]; items: Json[] }) => {
    const row = parser.parse(text)
    const bytes = Buffer.from(text)
    let value: Json = null
    try {
      value = JSON.parse(text) as Json
    } catch {}
    into.items.push(value)
    if (row) {
      into.rows.push(row)
      into.indexes.push(item)
      return
    }
    const object = typeof value === 'object' && value !== null && !Array.isArray(value)
    const faults = object ? allFaults(value as Record<string, unknown>) : []
    const listed = Array.isArray(faults) && faults.length ? faults : [parser.failure]
    for (const { code, field, message } of listed) into.bad.push({ position: item, bytes, code, ...(field ? { field } : {}), ...(message ? { message } : {}) })
  }
  return (body, contentType) => {
    const type = contentType?.split(';', 1)[0]!.trim().toLowerCase()
    const lines = type === 'application/x-ndjson' || type === 'application/jsonl' || type === 'application/x-jsonlines'
    if (!lines && type !== 'application/json')
      return refusal(415, 'unsupported_type', `content-type ${type ?? '(none)'} is not taken: send application/json or application/x-ndjson`)
    let text: string
    try {
      text = strict.decode(body)
    } catch {
      return refusal(400, 'bad_encoding', 'the body is not UTF-8')
    }
    const into = { rows: [] as Row[], indexes: [] as number[], bad: [] as BadRecord[], items: [] as Json[] }
    if (lines) {
      let item = 0
      for (const line of text.split('\n')) if (line.trim()) one(line, item++, into)
      return { ...into, list: true }
    }
    if (!/^\s*\[/.test(text)) {
      one(text, 0, into)
      return { ...into, list: false }
    }
    let list: unknown[]
    try {
      list = JSON.parse(text) as unknown[]
    } catch (error) {
      return refusal(400, 'bad_json', `the body is no JSON: ${(error as Error).message}`)
    }
    for (const [item, value] of list.entries()) one(JSON.stringify(value), item, into)
    return { ...into, list: true }
  }
}
