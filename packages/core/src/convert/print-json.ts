/** JSON text of values that hold numbers beyond a double. */

// TypeScript's lib does not have it yet: github.com/tc39/proposal-json-parse-with-source.
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown }

/** A number, other than a whole one, that a double may not hold as written. */
export class LongNumber {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
  toJSON(): unknown {
    return rawJSON(this.source)
  }
}

/**
 * JSON text of what `toJson` or `readJson` returns, with all digits of its numbers; `null` for undefined. `indent`:
 * spaces per level, with one line per value.
 */
export function printJson(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, undefined, indent) ?? 'null'
  } catch (error) {
    // JSON.stringify has no form for bigint; its other TypeErrors are thrown again.
    if (!(error instanceof TypeError)) throw error
    return JSON.stringify(value, withBigints, indent)
  }
}

const withBigints = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? rawJSON(String(value)) : value
