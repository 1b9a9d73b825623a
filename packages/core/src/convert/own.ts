/** Objects with property names from outside. */
import type { Row } from '../record/index.ts'

/** Sets a property; `__proto__` becomes an ordinary property. */
export function setOwn(row: Row, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true })
  else row[name] = value
}
