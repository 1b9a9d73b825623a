/**
 * Whether all text in a value is well-formed: without unpaired surrogates. UTF-8 cannot represent one, so most systems
 * would silently replace it by U+FFFD; sinks check first and report a data error.
 */
export function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true
  if (Array.isArray(value)) return value.every(isWellFormed)
  return Object.entries(value).every(([key, inner]) => key.isWellFormed() && isWellFormed(inner))
}
