/**
 * `write: set`: fields of records are merged into the documents of their keys. A document is read once for all records
 * of a batch that change it, and written once. If the store refuses the combined result of several records, they are
 * merged one after the other, so that only the faulty one is refused.
 */
import { printJson, readJson, type Records, type Row, setOwn } from '@millrace/core'
import { encodingFault } from '@millrace/formats'
import { type SetFields } from '@millrace/kinds'
import type { TextOf } from './document-text.ts'
import type { Writes } from './document-writes.ts'
import { refusalOf, type Refuse } from './refuse.ts'

/** Documents are written when they have about this much text. */
const heldLength = 1024 * 1024

/** The fields that record `index` sets. */
interface Part {
  readonly index: number
  readonly set: readonly (readonly [name: string, value: unknown])[]
}

export function setAll(sql: Writes, fieldsOf: SetFields, records: Records, key: TextOf, refuse: Refuse): void {
  let touched = new Map<string, Part[]>()
  let length = 0
  const drain = () => {
    for (const [id, parts] of touched) merge(sql, id, parts, refuse)
    touched = new Map()
    length = 0
  }
  for (let i = 0; i < records.length; i++) {
    const id = key(i)
    const set = id === undefined ? undefined : partOf(fieldsOf, records.rows[i]!, i, refuse)
    if (id === undefined || !set) continue
    const parts = touched.get(id)
    if (parts) parts.push({ index: i, set })
    else touched.set(id, [{ index: i, set }])
    for (let k = 0; k < set.length; k++) {
      const value = set[k]![1]
      if (typeof value === 'string') length += value.length
    }
    if (length >= heldLength) drain()
  }
  drain()
}

function partOf(fieldsOf: SetFields, row: Row, i: number, refuse: Refuse): Part['set'] | undefined {
  try {
    const set = fieldsOf(row)
    if (!('code' in set)) return set
    refuse(i, set.code, set.message, set.field)
  } catch (error) {
    const { code, message } = encodingFault(error, undefined)
    refuse(i, code, message)
  }
  return undefined
}

function merge(sql: Writes, id: string, parts: readonly Part[], refuse: Refuse): void {
  const stored = storedDocument(sql, id)
  if (!stored) {
    for (const { index } of parts)
      refuse(index, 'bad_json', `the value stored under the key ${id} is not a JSON object`)
    return
  }
  const add = (doc: Row, { set }: Part): Row => {
    for (let k = 0; k < set.length; k++) setOwn(doc, set[k]![0], set[k]![1])
    return doc
  }
  if (!refusalOfDocument(sql, id, parts.reduce(add, stored))) return
  for (const part of parts) {
    const refused = refusalOfDocument(sql, id, add(storedDocument(sql, id)!, part))
    if (refused) refuse(part.index, refused.code, refused.message)
  }
}

/** Stores a document; returns why it cannot be stored, or undefined. */
function refusalOfDocument(sql: Writes, id: string, doc: Row): ReturnType<typeof refusalOf> {
  let text: string
  try {
    text = printJson(doc)
  } catch (error) {
    return encodingFault(error, undefined)
  }
  return refusalOf(() => sql.put.run(id, text))
}

/** Undefined: it is not an object. */
function storedDocument(sql: Writes, id: string): Row | undefined {
  const found = sql.get.get(id)
  if (!found) return {}
  try {
    const doc = readJson(found['doc'] as string)
    return typeof doc === 'object' && doc !== null && !Array.isArray(doc) ? (doc as Row) : undefined
  } catch {
    return undefined
  }
}
