/**
 * Whether all text in a value is text: no half of a surrogate pair stands alone. UTF-8 has no form for one, so most
 * systems would replace it by U+FFFD without a word; a sink asks first and makes it a data error.
 */
export function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true
  if (Array.isArray(value)) return value.every(isWellFormed)
  return Object.entries(value).every(([key, inner]) => key.isWellFormed() && isWellFormed(inner))
}
