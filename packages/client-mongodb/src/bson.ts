/**
 * BSON values without the driver: recognised by the name of their classes (`_bsontype`), so that a spec can be checked,
 * and a dead letter read, without loading the driver. Long, int and double are expected as bigint and number, as the
 * driver returns them with the right options.
 */
import { setOwn } from '@millrace/core'

/** The name of the BSON class of a value; undefined: a plain value. */
export const bsonClass = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null && '_bsontype' in value ? String(value._bsontype) : undefined

/** A document, as opposed to a value with a BSON type of its own. */
export const isBsonDocument = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Date) &&
  !(value instanceof Uint8Array) &&
  bsonClass(value) === undefined

/** The bytes of a binary value; undefined: it is not one. */
export function bsonBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  return bsonClass(value) === 'Binary' ? (value as { value(): Uint8Array }).value() : undefined
}

/** The text of a UUID; undefined: it is none. The older subtype 3 is not one: its order of bytes is not known. */
export function uuidText(value: unknown): string | undefined {
  if (bsonClass(value) !== 'Binary' || (value as { readonly sub_type?: unknown }).sub_type !== 4) return undefined
  const hex = Buffer.from(bsonBytes(value)!).toString('hex')
  return hex.length === 32 ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : undefined
}

/** A value of type json: what JSON has no form for becomes text; whole numbers beyond 2^53 stay bigint. */
export function bsonToPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(bsonToPlain)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  const bytes = bsonBytes(value)
  if (bytes) return uuidText(value) ?? Buffer.from(bytes).toString('base64')
  const name = bsonClass(value)
  if (name === 'Decimal128') return decimalText(value)
  if (name !== undefined) return String(value)
  const made: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) setOwn(made, key, bsonToPlain(inner))
  return made
}

/** A decimal's digits without an exponent: `1.5E+3` as `1500`. NaN and infinity unchanged. */
export function decimalText(value: object): string {
  const text = String(value)
  const parts = /^(-?)(\d+)(?:\.(\d+))?E([+-]\d+)$/.exec(text)
  if (!parts) return text
  const [, sign, whole, fraction = '', exponent] = parts
  const all = whole! + fraction
  const point = whole!.length + Number(exponent)
  if (Math.abs(point) > 100) return text
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${all}`
  return sign! + all.padEnd(point, '0').slice(0, point) + (all.length > point ? `.${all.slice(point)}` : '')
}

/** An object that looks like the driver's value of this class, and prints like it. */
const lookalike = (name: string, text: string): object => ({ _bsontype: name, toString: () => text })

/** Reads canonical extended JSON: github.com/mongodb/specifications, "Extended JSON". Throws `SyntaxError`. */
export function parseExtendedJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const [first, ...more] = Object.entries(value)
    if (!first || more.length > 0 || !first[0].startsWith('$')) return value
    const [name, given] = first
    switch (name) {
      case '$numberInt':
      case '$numberDouble':
        return Number(given)
      case '$numberLong':
        return BigInt(given as string)
      case '$numberDecimal':
        return lookalike('Decimal128', given as string)
      case '$oid':
        return lookalike('ObjectId', given as string)
      case '$date':
        return new Date(Number(given))
      case '$binary': {
        const { base64, subType } = given as { readonly base64: string; readonly subType?: string }
        const bytes = new Uint8Array(Buffer.from(base64, 'base64'))
        return Number(subType) === 4 ? { _bsontype: 'Binary', sub_type: 4, value: () => bytes } : bytes
      }
      default:
        return value
    }
  })
}
