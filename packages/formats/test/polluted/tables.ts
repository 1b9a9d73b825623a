/** Random tables, as rows and as the text of their cells. */
import type { Row } from '@millrace/core'
import { schemaOf } from '../csv-read.ts'

/** Numbers from 0 to below `n`, the same for the same seed. */
export type Random = (n: number) => number

export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

export const names = ['id', 'name', 'price', 'day', 'note'] as const
export const schema = schemaOf({ id: 'integer', name: 'string', price: 'decimal(8,2)', day: 'date', note: 'string?' })

/** What is written without a quote and can be in every encoding. */
const plain = ['Ann', 'Bob B', 'x', '007', 'true', 'NULL', 'a.b', "O'Neil", '-', '12', '2024-01-01']
const quoted = ['a,b', 'say "hi"', 'two\nlines', '"', ',', '""', 'a\r\nb', ' , ', 'x",y', '\t', 'a;b', 'a|b', '\\']
const foreign = ['é', '£5', 'Zoë', 'ÿ', 'naïve café']

export interface Table {
  readonly rows: readonly Row[]
  /** The cells of each row, before they are quoted; null: empty. */
  readonly cells: readonly (readonly (string | null)[])[]
}

/** A table whose texts are only `plain` ones, or any. */
export function randomTable(random: Random, kind: 'plain' | 'any' | 'foreign' = 'any'): Table {
  const texts =
    kind === 'plain' ? plain : kind === 'foreign' ? [...plain, ...foreign] : [...plain, ...quoted, ...foreign]
  const text = () => texts[random(texts.length)]!
  const rows = Array.from({ length: 3 + random(20) }, (_, i): Row => {
    const price = `${random(1000)}.${10 + random(90)}`
    const day = `20${10 + random(15)}-0${1 + random(9)}-${10 + random(19)}`
    return { id: 1 + i * 7 + random(7), name: text(), price, day, note: random(3) === 0 ? null : text() }
  })
  return { rows, cells: rows.map((row) => names.map((name) => (row[name] === null ? null : String(row[name])))) }
}

/** How cells are written. */
export interface Dialect {
  readonly delimiter: string
  readonly quote: string
  /** What stands for a quote in a quoted cell. */
  readonly escaped: string
  readonly lineEnd: string
  /** Cells are quoted whether they need it or not, but for null. */
  readonly always: boolean
}

export const standard: Dialect = { delimiter: ',', quote: '"', escaped: '""', lineEnd: '\n', always: false }

export function cellText(cell: string | null, { delimiter, quote, escaped, always }: Dialect): string {
  if (cell === null) return ''
  const needs = always || cell === '' || [delimiter, quote, '\n', '\r'].some((c) => c !== '' && cell.includes(c))
  return needs && quote !== '' ? quote + cell.replaceAll(quote, escaped) + quote : cell
}

export const lineOf = (cells: readonly (string | null)[], dialect: Dialect): string =>
  cells.map((cell) => cellText(cell, dialect)).join(dialect.delimiter)
