/**
 * One text for a typed value, whatever form a store or its reader gives it: digits of a number without an exponent, an
 * instant in UTC to its last digit, bytes as base64. Two stores hold the same value if their texts are equal.
 */
import { canonical } from './multiset.ts'

/** The types of the spec `every-type`. Items of lists and maps, and fields of objects, have types too. */
export type Kind =
  | 'text'
  | 'boolean'
  | 'whole'
  | 'number'
  | 'decimal'
  | 'date'
  | 'time'
  | 'instant'
  | 'bytes'
  | 'json'
  | { readonly list: Kind }
  | { readonly map: Kind }
  | { readonly object: Readonly<Record<string, Kind>> }

/** The fields of the spec. */
export const everyType: Readonly<Record<string, Kind>> = {
  id: 'whole',
  text: 'text',
  flag: 'boolean',
  big: 'whole',
  real: 'number',
  price: 'decimal',
  wide: 'decimal',
  day: 'date',
  clock: 'time',
  at: 'instant',
  micros: 'instant',
  nanos: 'instant',
  raw: 'bytes',
  tags: { list: 'decimal' },
  rates: { map: 'instant' },
  any: 'json',
  address: { object: { city: 'text', zip: 'whole' } },
}

/** A record of the spec, in this form; null and absent are one. */
export function typedRecord(row: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(everyType).map(([name, kind]) => [name, typed(kind, row[name])]))
}

/** The value in this form: text, or a list or object of such. */
export function typed(kind: Kind, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (typeof kind === 'object') {
    const parts = typeof value === 'string' ? (JSON.parse(value) as unknown) : value
    if ('list' in kind) return (parts as unknown[]).map((part) => typed(kind.list, part) ?? 'null')
    const entries = Object.entries(parts as object)
    if ('map' in kind) return Object.fromEntries(entries.map(([name, part]) => [name, typed(kind.map, part) ?? 'null']))
    return Object.fromEntries(entries.map(([name, part]) => [name, typed(kind.object[name]!, part)]))
  }
  switch (kind) {
    case 'text':
      return `text ${textOf(value)}`
    case 'boolean':
      return [true, 1, 1n, 't', 'true'].includes(value as string) ? 'true' : 'false'
    case 'whole':
      return String(value)
    case 'number':
      return String(Number(value))
    case 'decimal':
      return digits(String(value))
    case 'date':
      return (value instanceof Date ? value.toISOString() : textOf(value)).slice(0, 10)
    case 'time':
      return textOf(value)
        .replace(/(\.\d*?)0*$/, '$1')
        .replace(/\.$/, '')
    case 'instant':
      return instant(value instanceof Date ? value.toISOString() : textOf(value))
    case 'bytes':
      return `base64 ${base64(value)}`
    case 'json':
      return canonical(value)
  }
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`text was expected, not ${typeof value} ${String(value)}`)
  return value
}

/** `2010-12-01 08:26:00.500+00` as `2010-12-01T08:26:00.5`. */
function instant(text: string): string {
  const found = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00(?::00)?)?$/.exec(text)
  if (!found) throw new TypeError(`an instant was expected, not ${text}`)
  const [, day, clock, fraction = ''] = found
  const kept = fraction.replace(/0+$/, '')
  return `${day}T${clock}${kept && `.${kept}`}`
}

/** `-1.50E-3` as `-0.0015`. */
function digits(text: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] = /^([+-]?)(\d+)(?:\.(\d+))?(?:E([+-]?\d+))?$/i.exec(text)!
  const point = whole!.length + Number(exponent)
  const all = `${whole}${fraction}`.padEnd(point, '0')
  const padded = point > 0 ? all : `${'0'.repeat(1 - point)}${all}`
  const at = Math.max(point, 1)
  const [left, right] = [padded.slice(0, at).replace(/^0+(?=\d)/, ''), padded.slice(at).replace(/0+$/, '')]
  const bare = right ? `${left}.${right}` : left
  return sign === '-' && bare !== '0' ? `-${bare}` : bare
}

/** Bytes are given as such, in an object of the driver, as base64, or as PostgreSQL prints them. */
function base64(value: unknown): string {
  if (typeof value === 'string')
    return value.startsWith('\\x') ? Buffer.from(value.slice(2), 'hex').toString('base64') : value
  const bytes = value instanceof Uint8Array ? value : (value as { readonly buffer: Uint8Array }).buffer
  return Buffer.from(bytes).toString('base64')
}
