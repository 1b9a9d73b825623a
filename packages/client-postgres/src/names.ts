/**
 * Names in SQL. Names from a spec enter a statement only through here: quoted, never concatenated as they are. Values
 * are always bound, or written by `literal`.
 */
import { createHash } from 'node:crypto'

/** A table's or column's name, quoted. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A text in SQL, where a statement takes no parameters. Backslashes are literal (`standard_conforming_strings`). */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Bytes of a name: postgresql.org/docs/current/sql-syntax-lexical.html, "NAMEDATALEN". Longer ones are cut. */
const mostNameBytes = 63

/** The problem with the name of a table or column; undefined: none. */
export function nameProblem(name: string, mostBytes = mostNameBytes): string | undefined {
  if (name === '') return 'the name is empty'
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f"\\\u007f\ud800-\udfff]/u.test(name))
    return 'quotes, backslashes and control characters are not allowed'
  if (Buffer.byteLength(name) > mostBytes) return `it is longer than ${mostBytes} bytes`
  if (/^_millrace/i.test(name)) return 'names that begin with `_millrace` are reserved for the load ledger'
  return undefined
}

/** A short name for something that belongs to an owner with a long one. */
export const derivedName = (what: string, owner: string): string =>
  `_millrace_${what}_${createHash('sha256').update(owner).digest('hex').slice(0, 16)}`
