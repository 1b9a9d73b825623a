/**
 * JSON values in expressions: parsed from text, accessed, and converted to typed values. Nothing is rounded on the way.
 */
import { fromJson } from '../../convert/index.ts'
import { DataError } from '../../errors/index.ts'

const maxDepth = 500

/**
 * Text to a JSON value. Throws `bad_json`, `out_of_range` (a number that a double cannot represent as written) or
 * `too_deep`.
 */
export function parseJson(text: string): unknown {
  if (text.length > maxDepth) checkDepth(text)
  let value: unknown
  try {
    // Only these can be numbers that change when parsed.
    value = /\d{16}|\d[eE]/.test(text) ? JSON.parse(text, refuseInexact) : JSON.parse(text)
  } catch (error) {
    if (error instanceof DataError) throw error
    throw new DataError('bad_json', `${shown(text)} is not JSON: ${(error as Error).message}`)
  }
  return value
}

const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)

function refuseInexact(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    (!Number.isFinite(value) || /^-?\d+$/.test(context?.source ?? ''))
  )
    throw new DataError(
      'out_of_range',
      `the JSON number ${context?.source ?? value} cannot be represented exactly: write it as a string`,
    )
  return value
}

/** Whether brackets outside strings are nested at most 500 deep. */
function checkDepth(text: string): void {
  let depth = 0
  let isText = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (isText) {
      if (c === 92) i++
      else if (c === 34) isText = false
    } else if (c === 34) isText = true
    else if (c === 91 || c === 123) {
      if (++depth > maxDepth) throw new DataError('too_deep', `JSON nested deeper than ${maxDepth} levels`)
    } else if (c === 93 || c === 125) depth--
  }
}

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
    return JSON.stringify(value)
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
