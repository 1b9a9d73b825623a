/** The flags `--group` and `--outputs` of `pipe query`, as clauses of a query. */
import { usageError } from './command.ts'

/**
 * `group`: fields separated by commas; `outputs`: `name=aggregate` separated by
 * commas.
 */
export function readGrouping(
  group: string | undefined,
  outputs: string | undefined,
): { readonly group: string[]; readonly outputs: Record<string, string> } {
  const by = (group ?? '').split(',').flatMap((field) => field.trim() || [])
  const named = Object.fromEntries(
    splitOutside(outputs ?? 'count=count()').map((part) => {
      const [, name, expression] = /^\s*([\p{L}_][\p{L}\p{N}_]*)\s*=(?!=)\s*(.+)$/su.exec(part) ?? []
      if (name === undefined)
        throw usageError(
          `--outputs takes NAME=AGGREGATE, not \`${part.trim()}\`.`,
          "For example: --outputs 'lines=count(),total=sum(Quantity * UnitPrice)'.",
        )
      return [name, expression!]
    }),
  )
  return { group: by, outputs: named }
}

/** Splits at commas outside brackets and quotes. */
function splitOutside(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let quote = ''
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quote) {
      if (c === '\\') i++
      else if (c === quote) quote = ''
    } else if (c === '"' || c === "'") quote = c
    else if ('([{'.includes(c)) depth++
    else if (')]}'.includes(c)) depth--
    else if (c === ',' && depth === 0) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  return [...parts, text.slice(start)]
}
