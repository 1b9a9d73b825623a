/**
 * What JSON.parse loses, found.
 *
 * It rounds a number to the nearest double and keeps the last of two equal keys, both without a word. Numbers are read
 * again from their source text where a field needs them exact and the record holds one that may have been rounded: a
 * double gives back any decimal number of up to 15 digits, so only a record with a longer run of digits (or an exponent
 * that can underflow) is in question. Keys are compared by a walk over the text.
 */
import { DataError, setOwn, type Type } from '@millrace/core'

const mayBeRounded = /[0-9][0-9.]{15}|[eE]-?[0-9]{3}/

/** A number that a double does not hold, as it stands in the text. */
class LongNumber {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

/** Whether a number in this JSON text may differ from what JSON.parse makes of it. */
export const hasLongNumber = (text: string): boolean => mayBeRounded.test(text)

/** Parses JSON, keeping each number that was rounded as its text. Throws `SyntaxError`. */
export function parseExact(text: string): unknown {
  const parse = JSON.parse as (
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ) => unknown
  return parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !sameNumber(source, value) ? new LongNumber(source) : value,
  )
}

/** Digits and power of ten of a number's text, without zeros at either end: equal texts are equal numbers. */
function canonical(text: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!
  const digits = (whole! + fraction).replace(/^0+/, '')
  if (digits === '') return '0'
  const trimmed = digits.replace(/0+$/, '')
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`
}

const sameNumber = (source: string, value: number): boolean =>
  Number.isFinite(value) && (source === String(value) || canonical(source) === canonical(String(value)))

/**
 * A value of `parseExact` as what `fromJson` of the type takes: a long number is text for bigint and decimal and the
 * nearest double for number. Throws `DataError` where it would lose digits.
 */
export function resolveLongNumbers(type: Type, value: unknown): unknown {
  if (value instanceof LongNumber) return resolve(type, value.source)
  if (typeof value !== 'object' || value === null) return value
  if (type.kind === 'list' && Array.isArray(value)) return value.map((item) => resolveLongNumbers(type.of.type, item))
  if (type.kind === 'object') {
    const resolved: Record<string, unknown> = {}
    for (const [key, inner] of Object.entries(value)) {
      const field = Object.hasOwn(type.record.fields, key) ? type.record.fields[key] : undefined
      if (field || type.record.open) setOwn(resolved, key, resolveLongNumbers(field?.type ?? anything, inner))
    }
    return resolved
  }
  if (type.kind === 'json') for (const inner of Object.values(value)) resolveLongNumbers(anything, inner)
  return value
}

const anything: Type = { kind: 'json' }

function resolve(type: Type, source: string): unknown {
  switch (type.kind) {
    case 'bigint':
    case 'decimal':
      return source
    case 'integer':
      throw Math.abs(Number(source)) > Number.MAX_SAFE_INTEGER
        ? new DataError('out_of_range', `${source} is beyond 9007199254740991: declare the field as bigint or decimal`)
        : new DataError('not_integer', `${source} is not a whole number`)
    case 'json':
      throw new DataError('out_of_range', `${source} has more digits than a number in JSON keeps: write it as a string`)
    default:
      return Number(source)
  }
}

/** Counts the keys of all objects in a parsed value. */
export function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let n = 0
  if (Array.isArray(value)) {
    for (const item of value) n += countKeys(item)
    return n
  }
  const keys = Object.keys(value)
  for (const key of keys) {
    const inner = (value as Record<string, unknown>)[key]
    if (typeof inner === 'object' && inner !== null) n += countKeys(inner)
  }
  return n + keys.length
}

/** The first key that occurs twice in one object of a valid JSON text, or undefined. */
export function duplicateKey(text: string): string | undefined {
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
