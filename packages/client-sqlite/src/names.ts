/**
 * Names in SQL. Names from a spec enter a statement only through here: quoted, never concatenated as they are. Values
 * are always bound.
 */

/** A table's or column's name, quoted. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

// Control characters, quote and backslash, line separators, halves of surrogate pairs: JSON writes them in more than
// one way, so a path would not find them.
// oxlint-disable-next-line no-control-regex
const unfit = /[\u0000-\u001f"\\\u007f\u2028\u2029\ud800-\udfff]/u

/** Whether the expression of `documentField` can find a field of this name. */
export const canBeFound = (field: string): boolean => field !== '' && !unfit.test(field)

/**
 * The expression that reads a top-level field of a document. An index is used only if a query has exactly the same
 * text, so both get it from here.
 */
export const documentField = (field: string): string => `json_extract(doc, ${literal(`$."${field}"`)})`

/** The expression for its type in JSON: `json_extract` shows an object as text, and true as 1. */
export const documentFieldType = (field: string): string => `json_type(doc, ${literal(`$."${field}"`)})`

/** The problem with the name of a collection, table or column; undefined: none. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'the name is empty'
  if (unfit.test(name)) return 'quotes, backslashes and control characters are not allowed'
  if (/^sqlite_/i.test(name)) return 'names that begin with `sqlite_` are reserved for SQLite'
  if (/^_millrace/i.test(name)) return 'names that begin with `_millrace` are reserved for the load ledger'
  return undefined
}
