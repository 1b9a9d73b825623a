/**
 * JSON text to values and back, wherever JSON is data.
 *
 * JSON.parse does the parsing. What it loses silently is found in the text: duplicate keys of an object (the text has
 * more colons after keys than the value has keys), half of a surrogate pair, and numbers that a double does not hold as
 * written. Whole numbers beyond 2^53 become bigint; other numbers of more than 15 digits (a double preserves any
 * decimal number of up to 15) are kept as text until their type is known. Brackets are nested at most 500 deep, so that
 * no walk over a value overflows the stack. The texts accepted are those that RFC 7493 (I-JSON) calls interoperable,
 * with exact numbers.
 *
 * Decision: docs/decisions/20261201-json-is-read-exactly.md
 */
import { DataError } from '../errors/index.ts'
import { hasLongNumber, nearestDouble, parseExact } from './long-number.ts'
import { LongNumber } from './print-json.ts'
import type { Row } from '../record/index.ts'
import { setOwn } from './own.ts'
import { show } from './scalar.ts'
import { isWellFormed } from './well-formed.ts'

/** Nested brackets. */
const maxDepth = 500

/** What is wrong with a JSON text that JSON.parse accepts. */
export interface JsonFault {
  readonly code: 'duplicate_key' | 'too_deep' | 'bad_text'
  readonly message: string
  /** The duplicate key. */
  readonly key?: string
}

const halfPair: JsonFault = {
  code: 'bad_text',
  message: 'has an unpaired surrogate, which is not a character',
}

/**
 * The fault of a text that JSON.parse turned into `value`, or undefined. `colons`: at least as many as follow its keys;
 * if there are as many as `keys`, no object has a duplicate key.
 */
export function jsonFault(
  text: string,
  value: unknown,
  colons = colonsAfterKeys(text),
  keys = countKeys(value),
): JsonFault | undefined {
  if (keys < 0) return { code: 'too_deep', message: `is nested deeper than ${maxDepth} levels` }
  const key = keys === colons ? undefined : duplicateKey(text)
  if (key !== undefined) return { code: 'duplicate_key', message: `has the key ${show(key)} twice`, key }
  if (!text.includes('\\u') || isWellFormed(value)) return undefined
  return halfPair
}

/** The number of keys of all objects in a value; negative if it is nested too deep. */
export function countKeys(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depth === maxDepth) return Number.NEGATIVE_INFINITY
  let n = 0
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') n += countKeys(item, depth + 1)
    return n
  }
  const keys = Object.keys(value)
  for (const key of keys) {
    const inner = (value as Record<string, unknown>)[key]
    if (typeof inner === 'object' && inner !== null) n += countKeys(inner, depth + 1)
  }
  return n + keys.length
}

/** The number of colons right after a quote or white space: all that follow keys, and a few inside strings. */
function colonsAfterKeys(text: string): number {
  let n = 0
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    const before = text.charCodeAt(at - 1)
    if (before === 34 || before === 32 || before === 9 || before === 10 || before === 13) n++
  }
  return n
}

/** The first key that occurs twice in one object of a valid JSON text, or undefined. */
function duplicateKey(text: string): string | undefined {
  // One set of keys for each object that is open, undefined for an array.
  const open: (Set<string> | undefined)[] = []
  let lastString = ''
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 34) {
      const start = i
      for (i++; text.charCodeAt(i) !== 34; i++) if (text.charCodeAt(i) === 92) i++
      lastString = text.slice(start, i + 1)
    } else if (c === 58) {
      const keys = open[open.length - 1]!
      const key = JSON.parse(lastString) as string
      if (keys.has(key)) return key
      keys.add(key)
    } else if (c === 123) open.push(new Set())
    else if (c === 91) open.push(undefined)
    else if (c === 125 || c === 93) open.pop()
  }
  return undefined
}

/**
 * JSON text to what `fromJson` reads. Throws `DataError` without a field: `bad_json`, `duplicate_key`, `too_deep`,
 * `bad_text`.
 */
export function readJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new DataError('bad_json', `${show(text)} is not JSON: ${(error as Error).message}`)
  }
  const fault = text.isWellFormed() ? jsonFault(text, value) : halfPair
  if (fault) throw new DataError(fault.code, `${show(text)} ${fault.message}`)
  return hasLongNumber(text) ? parseExact(text) : value
}

/**
 * What `readJson` returns, as a value of type json: whole numbers beyond 2^53 are bigint, all others the nearest
 * double. Changes it in place. Throws `out_of_range`.
 */
export function settled(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof LongNumber) return nearestDouble(value)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i]
      if (typeof item === 'object' && item !== null) value[i] = settled(item)
    }
    return value
  }
  for (const key of Object.keys(value)) {
    const inner = (value as Row)[key]
    if (typeof inner !== 'object' || inner === null) continue
    const made = settled(inner)
    if (made !== inner) setOwn(value as Row, key, made)
  }
  return value
}

/** JSON text to a value of type json. Throws as `readJson` does, and `out_of_range`. */
export const parseJson = (text: string): unknown => settled(readJson(text))

/** Text made by `printJson`. Nothing in it is refused: memory is restored as it was saved. */
export const parsePrinted = (text: string): unknown =>
  hasLongNumber(text) ? settled(parseExact(text)) : (JSON.parse(text) as unknown)
