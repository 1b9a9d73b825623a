/** Objects with property names from outside. */
import type { Row } from '../record/index.ts'

/** Sets a property; `__proto__` becomes an ordinary property. */
export function setOwn(row: Row, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true })
  else row[name] = value
}

/** An object with the same keys and other values. */
export function mapValues(row: Row, made: (value: unknown, key: string) => unknown): Row {
  const result: Row = {}
  for (const key of Object.keys(row)) setOwn(result, key, made(row[key], key))
  return result
}
