/**
 * The kinds of pollution of real CSV files (Vitagliano et al., Pollock: A Data Loading Benchmark, VLDB 2023): in the
 * dialect, around the table, in its header, in single rows, in the encoding. Each is made from a clean table.
 */
import type { Row } from '@millrace/core'
import type { CsvOptions } from '../../src/csv/options.ts'
import { encodeText } from '../../src/text.ts'
import { type Dialect, lineOf, names, type Random, randomTable, standard, type Table } from './tables.ts'

/** A polluted file, and its clean twin. */
export interface Polluted {
  readonly bytes: Uint8Array
  /** What the user says of it. */
  readonly csv: Partial<CsvOptions>
  readonly table: Table
  /** The lines of the rows as they are in the file. */
  readonly lines: readonly string[]
  /** The real encoding. */
  readonly encoding?: CsvOptions['encoding']
  /** The dialect is as the user says, and nothing is wrong: every row must be read. */
  readonly isClean?: boolean
  /** Rows that the changed text says. */
  readonly also?: readonly Row[]
}

type Make = (random: Random) => Polluted

const file = (lines: readonly string[], lineEnd = '\n'): string => lines.map((line) => line + lineEnd).join('')

function written(table: Table, dialect: Dialect = standard) {
  const lines = table.cells.map((cells) => lineOf(cells, dialect))
  return { header: lineOf(names, dialect), lines }
}

/** A table whose text `edit` changes. */
const around =
  (
    edit: (header: string, lines: string[], random: Random, table: Table) => string,
    more: Partial<Polluted> = {},
  ): Make =>
  (random) => {
    const table = randomTable(random)
    const dialect = { ...standard, always: random(2) === 0 }
    const { header, lines } = written(table, dialect)
    return { table, lines, csv: {}, bytes: Buffer.from(edit(header, [...lines], random, table)), ...more }
  }

/** One row of a table is changed. */
const inRow = (edit: (line: string, random: Random) => string): Make =>
  around(
    (header, lines, random) => {
      const k = random(lines.length)
      lines[k] = edit(lines[k]!, random)
      return file([header, ...lines])
    },
    { csv: { bare_quotes: 'error' } },
  )

const inDialect =
  (dialect: Partial<Dialect>, csv: Partial<CsvOptions> | undefined, kind: 'plain' | 'any' = 'any'): Make =>
  (random) => {
    const table = randomTable(random, kind)
    // If nobody tells, only quotes around every cell show that the dialect is a different one.
    const how = { ...standard, always: csv === undefined || random(2) === 0, ...dialect }
    const { header, lines } = written(table, how)
    const bytes = Buffer.from(file([header, ...lines], how.lineEnd))
    return { table, lines, csv: csv ?? {}, bytes, ...(csv ? { isClean: true } : {}) }
  }

const inEncoding =
  (encoding: CsvOptions['encoding'], mark: string, told: boolean): Make =>
  (random) => {
    const table = randomTable(random, 'foreign')
    const { header, lines } = written(table)
    const bytes = encodeText(mark + file([header, ...lines]), encoding)!
    return { table, lines, encoding, csv: told ? { encoding } : {}, bytes, ...(told ? { isClean: true } : {}) }
  }

/** The places in a line that are outside of quoted cells. */
function outside(line: string): number[] {
  let isQuoted = false
  return [...line].flatMap((c, i) => {
    if (c === '"') isQuoted = !isQuoted
    return isQuoted || c === '"' ? [] : [i]
  })
}

/**
 * Those between the first and the last delimiter. A row that is torn in its first or its last cell leaves one that is
 * complete by every rule, beside a bad record.
 */
function middle(line: string, places: readonly number[]): number[] {
  const delimiters = outside(line).filter((i) => line[i] === ',')
  return places.filter((i) => i > delimiters[0]! && i < delimiters.at(-1)!)
}

/** The places of the quotes that begin and end cells. */
function marks(line: string): { readonly opening: number[]; readonly closing: number[] } {
  const found = { opening: [] as number[], closing: [] as number[] }
  let isQuoted = false
  for (const { index: i } of line.matchAll(/"/g)) {
    isQuoted = !isQuoted
    if (isQuoted && (i === 0 || line[i - 1] === ',')) found.opening.push(i)
    if (!isQuoted && (i === line.length - 1 || line[i + 1] === ',')) found.closing.push(i)
  }
  return found
}
const oneOf = (random: Random, places: readonly number[]): number =>
  places.length > 0 ? places[random(places.length)]! : -1
const without = (line: string, i: number): string => (i < 0 ? line : line.slice(0, i) + line.slice(i + 1))
const withText = (line: string, i: number, text: string): string => line.slice(0, i) + text + line.slice(i)

const delimiters = [';', '\t', '|', ' ', ':', '~', '^']

export const pollutions: Readonly<Record<string, Make>> = {
  nothing: around((header, lines) => file([header, ...lines]), { isClean: true }),
  ...Object.fromEntries(
    delimiters.flatMap((delimiter) => [
      [`delimiter ${JSON.stringify(delimiter)}, told`, inDialect({ delimiter }, { delimiter })],
      [`delimiter ${JSON.stringify(delimiter)}, not told`, inDialect({ delimiter }, undefined)],
    ]),
  ),
  "quote ', told": inDialect({ quote: "'", escaped: "''" }, { quote: "'" }),
  "quote ', not told": inDialect({ quote: "'", escaped: "''" }, undefined),
  'no quotes, told': inDialect({ quote: '' }, { quote: '' }, 'plain'),
  'escape \\, not told': inDialect({ escaped: '\\"' }, undefined),
  'line end CR': inDialect({ lineEnd: '\r' }, {}, 'plain'),
  'line end CR LF': inDialect({ lineEnd: '\r\n' }, {}),
  'line ends mixed': around(
    (header, lines, random) => [header, ...lines].map((line) => line + ['\n', '\r\n'][random(2)]!).join(''),
    { isClean: true },
  ),
  'no line end at the end': around((header, lines) => file([header, ...lines]).slice(0, -1), { isClean: true }),
  'empty lines at the end': around((header, lines) => `${file([header, ...lines])}\n\n`, { isClean: true }),
  'empty lines between': around((header, lines, random) => {
    lines.splice(random(lines.length), 0, '')
    return file([header, ...lines])
  }),
  'spaces in a line at the end': around((header, lines) => `${file([header, ...lines])}   \n`),
  'no payload': () => ({ table: { rows: [], cells: [] }, lines: [], csv: {}, bytes: Buffer.alloc(0) }),
  'only a header': () => ({
    table: { rows: [], cells: [] },
    lines: [],
    csv: {},
    isClean: true,
    bytes: Buffer.from(`${names.join()}\n`),
  }),
  preamble: around((header, lines, random) =>
    file([...['Report of the shop', 'Created,2024-01-01', '# id,name,price'].slice(random(3)), header, ...lines]),
  ),
  'empty lines above': around((header, lines) => `\n\n${file([header, ...lines])}`),
  footer: around((header, lines, random) =>
    file([
      header,
      ...lines,
      ['', 'Total', `Rows: ${lines.length}`, 'Sum,,1234.50,,', '*,,,,', ',,,,'][random(6)]!,
      'End',
    ]),
  ),
  'second table': around((header, lines) => file([header, ...lines, '', 'code,count', 'a,1', 'b,2'])),
  'no header, told': around((_, lines) => file(lines), { csv: { header: false }, isClean: true }),
  'no header, not told': around((_, lines) => file(lines)),
  'header twice': around((header, lines, random) => {
    lines.splice(random(lines.length + 1), 0, header)
    return file([header, ...lines])
  }),
  'header of two rows': around((header, lines) => file([header, 'key,text,EUR,UTC,', ...lines])),
  'header: other names': around((_, lines) => file(['Id,Name,Price,Day,Note', ...lines])),
  'header: a name twice': around((_, lines) => file(['id,name,price,day,name', ...lines])),
  'header: an empty name': around((_, lines) => file(['id,,price,day,note', ...lines])),
  'header: one name too few': around((_, lines) => file(['id,name,price,day', ...lines])),
  'header: one name too many': around((_, lines) => file(['id,name,price,day,note,more', ...lines])),
  'header: names in quotes with spaces': around((_, lines) => file(['"id", "name","price","day","note"', ...lines])),
  'row: a delimiter too few': inRow((line, random) =>
    without(
      line,
      oneOf(
        random,
        outside(line).filter((i) => line[i] === ','),
      ),
    ),
  ),
  'row: a delimiter too many': inRow((line, random) => withText(line, Math.max(0, oneOf(random, outside(line))), ',')),
  'row: cells left out': inRow((line, random) =>
    line
      .split(',')
      .slice(0, 1 + random(4))
      .join(),
  ),
  'row: a quote too few': inRow((line, random) => {
    const { opening, closing } = marks(line)
    return without(line, oneOf(random, middle(line, [...opening, ...closing])))
  }),
  'row: an opening quote that is not closed': inRow((line) => line.replace(',', ',"')),
  'row: a line end in a cell without quotes': inRow((line, random) =>
    withText(line, oneOf(random, middle(line, outside(line))), '\n'),
  ),
  'row: text after a quoted cell': inRow((line, random) => {
    const i = oneOf(random, marks(line).closing)
    return i < 0 ? line : withText(line, i + 1, ' x')
  }),
  'row: spaces around cells': (random) => {
    const table = randomTable(random, 'plain')
    const { header, lines } = written(table)
    const k = random(lines.length)
    const row = table.rows[k]!
    const spaced = lines.with(k, lines[k]!.replaceAll(',', ' , '))
    const note = row['note'] === null ? ' ' : ` ${String(row['note'])}`
    const also = [{ ...row, name: ` ${String(row['name'])} `, note }]
    return { table, lines, csv: {}, also, bytes: Buffer.from(file([header, ...spaced])) }
  },
  'byte order mark': inEncoding('utf-8', '\ufeff', true),
  'utf-16le, told': inEncoding('utf-16le', '', true),
  'utf-16le with a mark, told': inEncoding('utf-16le', '\ufeff', true),
  'utf-16le with a mark, not told': inEncoding('utf-16le', '\ufeff', false),
  'utf-16be, told': inEncoding('utf-16be', '', true),
  'utf-16be, not told': inEncoding('utf-16be', '', false),
  'latin1, told': inEncoding('latin1', '', true),
  'latin1, not told': inEncoding('latin1', '', false),
  'windows-1252, told': inEncoding('windows-1252', '', true),
  'windows-1252, not told': inEncoding('windows-1252', '', false),
  'row: bytes that are no utf-8': (random) => {
    const table = randomTable(random)
    const { header, lines } = written(table)
    const bytes = Buffer.from(file([header, ...lines]))
    return { table, lines, csv: {}, bytes: Buffer.concat([bytes, Buffer.from('9,x\xff,1.00,2024-01-01,\n', 'latin1')]) }
  },
}
