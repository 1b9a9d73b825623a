/**
 * JSON values in expressions: accessed, and converted to text and typed values. Nothing is rounded on the way.
 */
import { fromJson, printJson } from '../../convert/index.ts'
import { DataError } from '../../errors/index.ts'

/** The value under a key or an index; null if there is none. */
export function jsonAt(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null) return null
  if (typeof key === 'number') return Array.isArray(value) ? (value[key] ?? null) : null
  return !Array.isArray(value) && Object.hasOwn(value, key) ? ((value as Record<string, unknown>)[key] ?? null) : null
}

/** A string as it is, any other value as JSON text. */
export function jsonToText(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return printJson(value)
  } catch (error) {
    if (error instanceof RangeError)
      throw new DataError('too_deep', 'a JSON value is nested too deep to be written as text')
    throw error
  }
}

/** A number, or text that is a number. */
export function jsonTo(
  read: (text: string) => unknown,
  type: Parameters<typeof fromJson>[0],
): (value: unknown) => unknown {
  const direct = fromJson(type)
  return (value) => (typeof value === 'string' ? read(value) : direct(value))
}
