/**
 * Warms up generated code. V8 compiles a function for the branches that it has taken, and again when it takes a new
 * one; compiling one of these functions costs as much as reading 50,000 rows. So each one first processes a few rows
 * that cover all of its branches.
 *
 * Decision: docs/decisions/20261121-generated-code-is-warmed-up.md
 */
import { compileReformat, type DateRule, type Field, type RecordType, type Row, rowBuilder } from '@millrace/core'
import type { ReadOptions } from './reader.ts'

/** Sample in-memory values of a type, and its plain JSON texts; the first two are equal, like adjacent values. */
const values: Readonly<Record<string, { readonly rows: readonly unknown[]; readonly texts: readonly string[] }>> = {
  string: { rows: ['ab', 'ab', 'b"\n', 'é', 'abc', ''], texts: ['"ab"', '"ab"', '"aé"', '"abc"', '""', '"a\\n"'] },
  boolean: { rows: [true, true, false, true, false, true], texts: ['true', 'true', 'false', 'true', 'false', '0'] },
  integer: { rows: [7, 7, 70, 700, 7_000_000, -7], texts: ['7', '7', '70', '-7', '7000000', '"7"'] },
  number: {
    rows: [7.25, 7.25, 70, 700.5, 1_234_567.125, -7],
    texts: ['7.25', '7.25', '70', '-7.5', '1234567890123456.5', '7e1'],
  },
  bigint: { rows: [7n, 7n, 70n, 8n, 9n, -7n], texts: ['"7"', '"7"', '"70"', '"8"', '"9"', '7'] },
  decimal: { rows: ['7', '7', '70', '8', '9', '-7'], texts: ['"7"', '"7"', '"8"', '"9"', '"1"', '7'] },
  date: {
    rows: ['2020-02-29', '2020-02-29', '2021-01-01', '2020-01-01', '2020-01-02', '2020-01-03'],
    texts: Array.from({ length: 6 }, (_, n) => `"2020-01-0${(n >> 1) + 1}"`),
  },
  time: {
    rows: ['08:26:00', '08:26:00', '08:27:00', '08:28:00', '08:29:00', '08:30:00'],
    texts: Array.from({ length: 6 }, (_, n) => `"08:2${n >> 1}:00"`),
  },
  timestamp: {
    rows: [0, 0, 1, 2, 3, 4],
    texts: Array.from({ length: 6 }, (_, n) => `"2020-01-0${(n >> 1) + 1}T00:00:00Z"`),
  },
  fine_timestamp: {
    rows: [0n, 0n, 1n, 2n, 3n, 4n],
    texts: Array.from({ length: 6 }, (_, n) => `"2020-01-0${(n >> 1) + 1}T00:00:00Z"`),
  },
}
/** Samples of a value. */
const times = 6

/** V8 collects type feedback only after a function was called a few times. */
export const repeated = <T>(sample: T): readonly T[] => [sample, sample, sample]

/**
 * Rows of a type, with and without its optional fields; empty if a field has no sample. They are made like the rows of
 * readers and steps, by a literal: V8 takes rows that are made otherwise for another kind of object.
 */
export function sampleRows({ fields }: RecordType): Row[] {
  const all = Object.entries(fields)
  if (all.some(([, { type }]) => !values[type.kind])) return []
  const literal = rowBuilder(all.map(([name]) => [name, name]))
  const row = (value: (field: Field) => unknown): Row =>
    literal(Object.fromEntries(all.map(([name, field]) => [name, value(field)])))
  return [...Array.from({ length: times }, (_, n) => row(({ type }) => values[type.kind]!.rows[n])), row(() => null)]
}

/** JSON lines with these keys in this order, with and without optional fields; the last ones need the careful path. */
export function sampleLines({ schema, push }: ReadOptions, keys: readonly string[]): Buffer {
  const field = (key: string): Field | undefined => (Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined)
  const dates = new Map(
    push?.columns.flatMap(({ from, date }) =>
      date ? [[from, sampleDates(date).map((text) => JSON.stringify(text))] as const] : [],
    ),
  )
  const line = (wanted: readonly string[], value: (key: string) => string) =>
    `{${wanted.map((key) => `${JSON.stringify(key)}:${value(key)}`).join(',')}}`
  const valueOf = (key: string, n: number) =>
    dates.get(key)?.[n] ?? values[field(key)?.type.kind ?? 'string']?.texts[n] ?? 'null'
  const needed = keys.filter((key) => field(key)?.optional === false)
  const lines = Array.from({ length: times }, (_, n) => line(keys, (key) => valueOf(key, n)))
  lines.splice(
    2,
    0,
    line(keys, (key) => (field(key)?.optional === false ? valueOf(key, 0) : 'null')),
    line(needed, (key) => valueOf(key, 0)),
  )
  // One ends with CRLF, and each value of another form is in a line of its own, so that the keys before it are
  // processed.
  const others = keys.map((key) => line(keys, (other) => valueOf(other, other === key ? times - 1 : 0)))
  return Buffer.from(`${lines.join('\n')}\r\n${others.join('\n')}\n${lines[0]}`)
}

/**
 * Cells of each column, as written with this quote (empty: none), in a few records. A column without a sample, or one
 * that is not in the schema, has empty cells.
 */
export function sampleCells({ schema, push }: ReadOptions, columns: readonly string[], quote: string): string[][] {
  const quoted = (text: string) => (quote ? quote + text.replaceAll(quote, quote + quote) + quote : text)
  const dates = new Map(push?.columns.flatMap(({ from, date }) => (date ? [[from, sampleDates(date)] as const] : [])))
  const cells = columns.map((name): readonly string[] => {
    const field = Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined
    const texts = dates.get(name) ?? values[field?.type.kind ?? '']?.texts.map(plainText)
    const [first = ''] = texts ?? []
    const plain = texts?.slice(0, times - 1).filter(Boolean) ?? []
    const none = field?.optional === false ? first : ''
    return [...plain, quoted(first), first, first, none, first, quoted(`${first}${quote}`), first]
  })
  const records = Math.max(...cells.map(({ length }) => length))
  return Array.from({ length: records }, (_, n) => cells.map((texts) => texts[n] ?? texts[0]!))
}

const plainText = (json: string): string => String(JSON.parse(json))

/** Two equal texts of a date, two different ones, and an invalid one. */
function sampleDates({ formats, zone }: DateRule): readonly string[] {
  const print = compileReformat(['epoch_ms'], zone, formats[0]!)
  return [0, 0, 1, 2, 13]
    .map((days) => print(String(Date.UTC(2010, 11, 1, 8, 26) + days * 86_400_000)) ?? '')
    .concat('none')
}
