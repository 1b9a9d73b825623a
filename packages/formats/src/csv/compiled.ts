/**
 * The fast path: one generated function per layout, with the same results as interpreted.ts.
 *
 * Each column becomes a piece of code for its type. Plain cells of up to 15 digits are read as numbers from their
 * units: their digits and their power of ten are both exact doubles, so the single division rounds like `Number(text)`.
 * While a date is scanned, it is compared with that of the previous record: files are often sorted by time. Every cell
 * that is not plainly valid (quotes aside) takes the slow path through `Trouble`. The only user input in the code is
 * field names, as JSON literals; everything else is numbers.
 */
import { generate, propertyKey } from '@millrace/core'
import type { Scan } from './interpreted.ts'
import type { Layout, Output } from './layout.ts'
import type { Dialect } from './options.ts'
import { holds, lineEnd, recordEnd } from './structure.ts'
import type { Trouble } from './trouble.ts'

/** With more columns a function would be too large for the optimizing compiler. */
export const mostColumns = 128

const powersOfTen = Float64Array.from({ length: 16 }, (_, n) => 10 ** n)

/** See `Scan`. `wide`: see `sliceText`. */
export function compiledScan(layout: Layout, dialect: Dialect, trouble: Trouble, wide: boolean): Scan {
  const { columns, outputs } = layout
  const { delimiter, quote, strictQuotes, mark, slice: sliceText, limit, pad } = dialect
  const last = columns.length - 1
  // A null marker that could be read as a number must be checked before the number.
  const numberLike = [...dialect.markers].some((marker) => /^[-.\d]/.test(marker))
  const isCell = `c !== ${delimiter} && c !== 10 && c !== 13`
  const names = columns.map((_, k) => `f${k}`)
  const readers = columns.map((_, k) => outputs.flatMap((output, x) => (output.column === k ? [{ output, x }] : [])))

  /** From the opening quote: sets `from` and `to` to the text inside and moves past it. */
  const passQuotes = `from = i + 1; twice = false${wide ? '; high = 0' : ''}
    for (to = from; ; to++) {
      while (to < end && (c = units[to]) !== ${quote}) ${wide ? '{ high |= c; to++ }' : 'to++'}
      if (to >= end) return start
      if (units[to + 1] !== ${quote}) break
      twice = true; to++
    }
    i = to + 1; c = units[i]`
  const once = (f: string) => `if (twice) ${f} = ${f}.replaceAll(doubled, quoteMark)`
  /** The text of `from` to `to` into `f`; undefined, and reported, if it is not text. */
  const cut = (k: number, f: string) =>
    wide
      ? `${f} = sliceText(units, text, from, to, high > 127); if (${f} === undefined) trouble.undecodable(${k}, units, from, to)`
      : `${f} = text.slice(from, to)`
  const slow = (k: number, f: string, quoted: boolean) =>
    `{ ${cut(k, f)}${wide ? '; else' : ';'} { ${quoted ? `${once(f)}; ` : ''}${f} = trouble.cell(${k}, ${f}, ${quoted}) } }`
  const passPlain = wide
    ? `for (high = 0, i = from, c = units[i]; ${isCell}; c = units[++i]) high |= c`
    : `while (${isCell}) c = units[++i]`
  // The bytes of a byte order mark make a chunk wide; in UTF-16 it is one unit.
  const marked =
    mark.length > 0 && (wide || mark.length === 1)
      ? `if (${mark.map((unit, k) => `units[i + ${k}] === ${unit}`).join(' && ')}) trouble.marked()`
      : ''

  function quoted(k: number): string {
    const { kind } = columns[k]!
    if (kind === 'skip' || (kind === 'string' && readers[k]!.length === 0)) return wide ? cut(k, 'unread') : ''
    if (kind === 'string') return `${cut(k, `f${k}`)}${wide ? '; else' : ';'} ${once(`f${k}`)}`
    return slow(k, `f${k}`, true)
  }

  function plain(k: number): string {
    const { kind, optional } = columns[k]!
    const f = `f${k}`
    const empty = optional && dialect.emptyIsNull ? `if (from === i && !(${isCell})) ${f} = null; else ` : ''
    const slowly = `{ ${passPlain}; to = i; ${slow(k, f, false)} }`
    if (kind === 'skip') return `${passPlain}${wide ? `; to = i; ${cut(k, 'unread')}` : ''}`
    if (kind === 'string') {
      const [reader] = readers[k]!
      if (dialect.markers.size) return `${passPlain}; to = i; ${slow(k, f, false)}`
      if (readers[k]!.length === 1 && reader!.output.date) return dateInPlace(k, reader!.x)
      const atEmpty = dialect.emptyIsNull
        ? `if (from === i) ${optional ? `${f} = null` : `trouble.cell(${k}, '', false)`}; else `
        : ''
      if (reader) return textInPlace(k, atEmpty)
      return `${passPlain}; to = i; ${atEmpty}{ ${wide ? cut(k, 'unread') : ''} }`
    }
    if (kind === 'other' || numberLike) return `${passPlain}; to = i; ${empty}${slow(k, f, false)}`
    // Whole numbers have a variable of their own: V8 keeps all values of one that has held a fraction as doubles.
    const value = kind === 'number' ? 'value' : 'whole'
    const fraction =
      kind === 'number'
        ? `if (c === 46) { point = i; c = units[++i]; while (c >= 48 && c <= 57) { value = value * 10 + (c - 48); c = units[++i] } digits += i - point - 1; value /= powersOfTen[i - point - 1] }`
        : ''
    const negative = kind === 'number' ? '-value' : '0 - whole'
    return `minus = c === 45; if (minus) c = units[++i]
      digits = i; ${value} = 0
      while (c >= 48 && c <= 57) { ${value} = ${value} * 10 + (c - 48); c = units[++i] }
      digits = i - digits
      ${fraction}
      if (digits > 0 && digits < 16 && !(${isCell})) ${f} = minus ? ${negative} : ${value}
      else ${empty}${slowly}`
  }

  /**
   * A text that is compared with that of the previous record, at `same`, while it is scanned. If they are equal,
   * `known`, so that adjacent records share one string, which later steps need not inspect again; otherwise `other`.
   */
  const compared = (same: string, known: string, other: string) => `to = ${same}
      if (to >= 0) while (c === units[to] && ${isCell}) { c = units[++i]; to++ }
      if (to >= 0 && !(${isCell}) && (units[to] === ${delimiter} || units[to] === 10 || units[to] === 13)) { ${known}; ${same} = from }
      else { ${passPlain}; to = i; ${other} }`

  const textInPlace = (k: number, atEmpty: string) =>
    compared(
      `at${k}`,
      `f${k} = text${k}`,
      `${atEmpty}{ ${cut(k, `f${k}`)}${wide ? '; else' : ';'} { at${k} = from; text${k} = f${k} } }`,
    )

  /** A column that only output x reads, as a date: equal text yields the value of the previous record. */
  function dateInPlace(k: number, x: number): string {
    const { optional } = columns[k]!
    const empty = dialect.emptyIsNull
      ? `if (from === i) ${optional ? `d${x} = null` : `trouble.cell(${k}, '', false)`}; else `
      : ''
    return compared(
      `same${x}`,
      `d${x} = date${x}`,
      `${empty}{ ${cut(k, `f${k}`)}${wide ? '; else' : ';'} { d${x} = trouble.date(${x}, f${k}); if (!trouble.any) { same${x} = from; date${x} = d${x} } } }`,
    )
  }

  function column(k: number): string {
    const end =
      k < last
        ? `if (c !== ${delimiter}) { trouble.short(${k}); break record } i++`
        : `if (c === ${delimiter}) { rest = recordEnd(units, i + 1, end, dialect); if (rest === undefined) return start; trouble.ragged(${columns.length} + rest.cells); i = rest.lineEnd }`
    const unquoted = `from = i; ${plain(k)}${strictQuotes ? `; if (holds(units, from, i, ${quote})) trouble.bareQuote(${k})` : ''}`
    const read =
      quote < 0
        ? unquoted
        : `if (c === ${quote}) { ${passQuotes}; ${quoted(k)}${datesOfQuoted(k)}; if (${isCell}) { trouble.unquoted(${k}); i = lineEnd(units, i); break record } } else { ${unquoted} }`
    return `c = units[i]; ${read}; ${end}`
  }

  const isInPlace = ({ column, date }: Output) =>
    date !== undefined && readers[column]!.length === 1 && !dialect.markers.size
  const datesOfQuoted = (k: number) =>
    readers[k]!.map(({ output, x }) =>
      isInPlace(output) ? `; if (f${k} !== undefined) d${x} = trouble.date(${x}, f${k})` : '',
    ).join('')
  const datesAtEnd = outputs.map(({ column, date }, x) =>
    date && !isInPlace({ name: '', column, date })
      ? `d${x} = f${column} === null || f${column} === undefined ? null : trouble.date(${x}, f${column})`
      : '',
  )
  const dated = outputs.flatMap(({ date }, x) => (date ? [x] : []))
  const object = outputs
    .map(({ name, column, date }, x) => `${propertyKey(name)}: ${date ? `d${x}` : `f${column}`}`)
    .join(', ')

  const body = `return function scan(units, text, i, end, rows, spans, bad, max) {
    let c = 0, from = 0, to = 0, twice = false, minus = false, digits = 0, point = 0, value = 0, whole = 0, high = 0, rest, unread
    let ${[...names, ...dated.map((x) => `d${x}`), 'found = 0'].join(', ')}
    let ${columns.map((_, k) => `at${k} = -1, text${k} = null`).join(', ')}
    ${dated.length ? `let ${dated.map((x) => `same${x} = -1, date${x} = null`).join(', ')}` : ''}
    trouble.clear()
    for (; i < end && found < max; found++) {
      const start = i
      ${last > 0 ? `c = units[i]; if (c === 10 || c === 13) { i++; if (c === 13 && units[i] === 10) i++; found--; continue }` : ''}
      ${marked}
      ${pad ? `${[...names, ...dated.map((x) => `d${x}`)].join(' = ')} = null` : ''}
      record: { ${columns.map((_, k) => column(k)).join('\n')}
      }
      c = units[i]; i++; if (c === 13 && units[i] === 10) i++
      if (i - start > ${limit}) return start
      ${datesAtEnd.filter(Boolean).join('; ')}
      if (trouble.any) bad.push({ start, end: i, failure: trouble.take() })
      else {
        spans[2 * rows.length] = start; spans[2 * rows.length + 1] = i
        rows.push({ ${object} })
      }
    }
    return i
  }`
  const quoteMark = String.fromCharCode(quote)
  return generate<Scan>(
    { trouble, dialect, powersOfTen, holds, lineEnd, recordEnd, sliceText, quoteMark, doubled: quoteMark + quoteMark },
    body,
  )
}
