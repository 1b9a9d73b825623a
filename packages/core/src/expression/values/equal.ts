/**
 * Equality of values for which `===` is not enough: bytes, lists, objects and JSON values. Null and absent are the
 * same.
 */
import { DataError } from '../../errors/index.ts'

const maxDepth = 500

/** Throws `DataError` `too_deep` for values nested deeper than 500 levels. */
export const equalDeep = (a: unknown, b: unknown): boolean => equal(a, b, 0)

function equal(a: unknown, b: unknown, depth: number): boolean {
  if (a === b) return true
  if (a === null || a === undefined) return b === null || b === undefined
  if (typeof a !== 'object' || typeof b !== 'object' || b === null) return isSameNumber(a, b)
  if (depth === maxDepth)
    throw new DataError('too_deep', `values nested deeper than ${maxDepth} levels cannot be compared`)
  if (a instanceof Uint8Array) return b instanceof Uint8Array && equalBytes(a, b)
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i], depth + 1))
  if (Array.isArray(b)) return false
  return (
    within(a as Record<string, unknown>, b as Record<string, unknown>, depth) &&
    lacksNothing(b as Record<string, unknown>, a as Record<string, unknown>)
  )
}

/** A whole number in json is a number or a bigint, by how it was written; `<=` compares them exactly. */
export function isSameNumber(a: unknown, b: unknown): boolean {
  if (typeof a === 'bigint' ? typeof b !== 'number' : typeof a !== 'number' || typeof b !== 'bigint') return false
  return (a as number) <= (b as number) && (a as number) >= (b as number)
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Each property of `a` equals that of `b`. */
function within(a: Record<string, unknown>, b: Record<string, unknown>, depth: number): boolean {
  for (const key of Object.keys(a)) if (!equal(a[key], Object.hasOwn(b, key) ? b[key] : null, depth + 1)) return false
  return true
}

/** No property of `b` that is not null is missing in `a`. */
function lacksNothing(b: Record<string, unknown>, a: Record<string, unknown>): boolean {
  for (const key of Object.keys(b)) if (b[key] !== null && b[key] !== undefined && !Object.hasOwn(a, key)) return false
  return true
}

/** Whether an element equals the value. */
export const isInDeep = (value: unknown, list: readonly unknown[]): boolean =>
  list.some((item) => equal(item, value, 0))

/**
 * An own property of an object; null if it, or the object, is missing. For names that every object has, such as
 * `constructor`.
 */
export const ownProperty = (object: object | null, name: string): unknown =>
  object !== null && Object.hasOwn(object, name) ? ((object as Record<string, unknown>)[name] ?? null) : null
