/** Combines columns to rows. */
import { codegenAllowed, generate, propertyKey, type Row } from '@millrace/core'

type Assemble = (columns: readonly ArrayLike<unknown>[], origins: Int32Array) => Row[]

/** Makes the function that combines columns to rows of one shape. */
export function compileAssemble(names: readonly string[]): Assemble {
  if (!codegenAllowed) {
    return (columns, origins) =>
      Array.from(origins, (i) => {
        const row: Row = {}
        names.forEach((name, k) =>
          Object.defineProperty(row, name, {
            value: columns[k]![i],
            enumerable: true,
            writable: true,
            configurable: true,
          }),
        )
        return row
      })
  }
  return generate<Assemble>(
    {},
    `return (columns, origins) => {
      ${names.map((_, k) => `const c${k} = columns[${k}]`).join('\n')}
      const rows = new Array(origins.length)
      for (let n = 0; n < origins.length; n++) { const i = origins[n]; rows[n] = { ${names.map((name, k) => `${propertyKey(name)}: c${k}[i]`).join(', ')} } }
      return rows
    }`,
  )
}
