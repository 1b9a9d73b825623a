/**
 * The only place that generates code at run time (invariant 9). Generated code is built only from integers and from
 * names that went through `quote`. Each user of `generate` has an interpreted twin with the same results, used with
 * `MILLRACE_CODEGEN=off` or where the platform forbids code generation.
 */

/** A name or text as a JavaScript literal: the only way a word from a spec or a header may enter generated code. */
export const quote = (text: string): string =>
  JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')

/** False: use the interpreted twins. */
export const codegenAllowed: boolean = process.env['MILLRACE_CODEGEN'] !== 'off' && canGenerate()

function canGenerate(): boolean {
  try {
    return new Function('return true')() as boolean
  } catch {
    return false
  }
}

/** Makes `function (...scope names) { body }` and calls it with the scope's values; returns what the body returns. */
export function generate<T>(scope: Readonly<Record<string, unknown>>, body: string): T {
  return new Function(...Object.keys(scope), `'use strict'\n${body}`)(...Object.values(scope)) as T
}

/** A name as the key of an object literal. `__proto__` must be computed, or it would set the prototype. */
export const propertyKey = (name: string): string => (name === '__proto__' ? '["__proto__"]' : quote(name))

/**
 * One row from another: `{ "to": r["from"], ... }` of one shape for all rows. `__proto__` becomes an own property, as
 * in a parsed JSON object.
 */
export function rowBuilder(
  columns: readonly (readonly [to: string, from: string])[],
): (row: Readonly<Record<string, unknown>>) => Record<string, unknown> {
  if (!codegenAllowed) {
    return (row) => {
      const made: Record<string, unknown> = {}
      for (const [to, from] of columns) {
        const value = row[from] ?? null
        if (to === '__proto__')
          Object.defineProperty(made, to, { value, enumerable: true, writable: true, configurable: true })
        else made[to] = value
      }
      return made
    }
  }
  return generate(
    {},
    `return (r) => ({ ${columns.map(([to, from]) => `${propertyKey(to)}: r[${quote(from)}] ?? null`).join(', ')} })`,
  )
}
