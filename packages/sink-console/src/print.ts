/**
 * Converts rows to text for people and programs.
 *
 * Values of records come from anywhere, so control sequences (escapes, carriage returns) are shown, never sent to the
 * terminal. A table takes its column widths from the first rows and shortens wider values with an ellipsis; use the
 * other formats for complete values.
 */
import { printJson, type RecordType, type Row, toJson, toText, type Type } from '@millrace/core'

/** The text for rows, with a line end after each. */
export type Printer = (rows: readonly Row[]) => string

/** The maximum width of a table column. */
const widest = 40

export function compilePrinter(format: 'lines' | 'table' | 'json', schema: RecordType): Printer {
  if (format === 'json') {
    const plain = toJson({ kind: 'object', record: schema })
    return (rows) => rows.map((row) => `${printJson(plain(row))}\n`).join('')
  }
  const columns = Object.entries(schema.fields).map(([name, { type }]) => ({
    name,
    text: toText(type),
    right: isNumber(type),
  }))
  const extra = (row: Row) =>
    schema.open ? Object.entries(row).filter(([name]) => !Object.hasOwn(schema.fields, name)) : []
  if (format === 'lines') {
    return (rows) => {
      let all = ''
      for (const row of rows) {
        const parts: string[] = []
        for (const { name, text } of columns)
          if ((row[name] ?? null) !== null) parts.push(`${shown(name)}=${word(text(row[name]))}`)
        for (const [name, value] of extra(row))
          parts.push(`${shown(name)}=${word(typeof value === 'string' ? value : printJson(value))}`)
        all += `${parts.join(' ')}\n`
      }
      return all
    }
  }
  let widths: number[] | undefined
  return (rows) => {
    const lines = rows.map((row) => columns.map(({ name, text }) => shown(text(row[name]))))
    const head = columns.map(({ name }) => shown(name))
    const first = widths === undefined
    widths ??= columns.map((_, k) => Math.min(widest, Math.max(...[head, ...lines].map((line) => size(line[k]!)))))
    const print = (line: readonly string[]) =>
      `${line
        .map((cell, k) => fit(cell, widths![k]!, columns[k]!.right))
        .join('  ')
        .trimEnd()}\n`
    const rule = widths.map((width) => '-'.repeat(width)).join('  ')
    return (first ? `${print(head)}${rule}\n` : '') + lines.map(print).join('')
  }
}

const isNumber = (type: Type): boolean => ['integer', 'bigint', 'number', 'decimal'].includes(type.kind)

// C0 and C1 controls, line and paragraph separators, marks that turn the direction of text, halves of surrogate pairs.
// oxlint-disable-next-line no-control-regex
const unseen = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu

/** A text without control characters: `\u001b`. */
export const shown = (text: string): string =>
  text.replace(unseen, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** A value of name=value: in quotes if it would be read as more than one word. */
const word = (text: string): string =>
  text === '' || /[\s"=\\]/.test(text) ? shown(JSON.stringify(text)) : shown(text)

/** Code points; the display width differs only for wide characters. */
const size = (text: string): number => Array.from(text).length

function fit(cell: string, width: number, right: boolean): string {
  const n = size(cell)
  if (n > width)
    return `${Array.from(cell)
      .slice(0, width - 1)
      .join('')}\u2026`
  return right ? ' '.repeat(width - n) + cell : cell + ' '.repeat(width - n)
}
