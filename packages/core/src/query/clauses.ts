/** What single clauses of a query mean: ranges of time, and wide documents as rows. */
import { fromJson, fromText } from '../convert/index.ts'
import { DataError } from '../errors/index.ts'
import type { Row } from '../record/index.ts'
import { fieldOf, type Type } from '../schema/index.ts'
import { parseDuration } from '../spec/units.ts'
import type { TimeRange, Unfolding } from './query.ts'

/**
 * Reads a range: `24h` up to now, or `START/END` in ISO 8601, which includes its start and leaves its end out;
 * undefined: it is none.
 */
export function plainRange(text: string, nowMs = 0): TimeRange | undefined {
  const length = parseDuration(text.trim())
  if (length !== undefined) return { fromMs: nowMs - length, toMs: nowMs }
  const [from, to, ...more] = text.split('/').map((part) => instantOf(part.trim()))
  return from === undefined || to === undefined || more.length > 0 ? undefined : { fromMs: from, toMs: to }
}

const timestamp = fromText({ kind: 'timestamp' })

function instantOf(text: string): number | undefined {
  try {
    return timestamp(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text) as number
  } catch (error) {
    if (error instanceof DataError) return undefined
    throw error
  }
}

/** Makes the function from a wide document to its rows. An attribute that does not fit its type stays as it is. */
export function compileUnfold({ name, value, fields, rows }: Unfolding): (document: Row) => Row[] {
  const nameOf = fromText(fieldOf(rows, name)!.type)
  const reads = value.map((each) => ({ each, read: fromJson(fieldOf(rows, each)!.type) }))
  const own = new Set([...fields, '_id'])
  return (document) =>
    Object.entries(document).flatMap(([attribute, held]): Row[] => {
      if (own.has(attribute) || typeof held !== 'object' || held === null) return []
      const row: Row = {}
      for (const field of fields) row[field] = document[field] ?? null
      row[name] = attempt(nameOf as (value: unknown) => unknown, attribute)
      for (const { each, read } of reads) {
        const part = Object.hasOwn(held, each) ? (held as Row)[each] : null
        row[each] = part === null || part === undefined ? null : attempt(read, part)
      }
      return [row]
    })
}

function attempt(read: (value: unknown) => unknown, value: unknown): unknown {
  try {
    return read(value)
  } catch (error) {
    if (error instanceof DataError) return value
    throw error
  }
}

/** Whether a value has the in-memory form of its type; a document may hold anything. */
export function fits(type: Type): (value: unknown) => boolean {
  switch (type.kind) {
    case 'integer':
    case 'timestamp':
      return Number.isSafeInteger
    case 'number':
      return Number.isFinite
    case 'bigint':
    case 'fine_timestamp':
      return (value) => typeof value === 'bigint'
    case 'boolean':
      return (value) => typeof value === 'boolean'
    case 'bytes':
      return (value) => value instanceof Uint8Array
    case 'list':
      return Array.isArray
    case 'map':
    case 'object':
      return (value) => typeof value === 'object' && !Array.isArray(value)
    case 'json':
      return () => true
    default:
      return fitsText(type)
  }
}

/** Text types have a form of their own: a text that is no date stays a text where it is shown. */
function fitsText(type: Type): (value: unknown) => boolean {
  const read = type.kind === 'string' ? undefined : fromText(type)
  return (value) => {
    if (typeof value !== 'string') return false
    try {
      return !read || read(value) === value
    } catch (error) {
      if (error instanceof DataError) return false
      throw error
    }
  }
}
