/** The options of CSV, declared once for every connector that reads or writes it. */
import { option, type Problem, type Static } from '@millrace/core'
import { encodings } from '../text.ts'
import { type CellMarks, markOf, slicerOf, type SliceText } from './structure.ts'

/** Options of a connector that reads CSV, to spread into its own. */
export const csvOptions = {
  delimiter: option.text('The character between cells; a tab is written "\\t" in double quotes.', {
    default: ',',
    example: ';',
  }),
  quote: option.text(
    'The character around cells that contain delimiters or line breaks, doubled inside them; empty for none.',
    { default: '"' },
  ),
  bare_quotes: option.optional(
    option.oneOf(
      ['keep', 'error'],
      'A quote inside a cell that does not begin with one: a character like any other, or an error. Default: keep; schemas are inferred with error unless told otherwise.',
    ),
  ),
  header: option.boolean(
    'The first line names the columns. Without it, the columns are the fields of the schema, in their order.',
    { default: true },
  ),
  encoding: option.oneOf(
    encodings,
    'The encoding of the text; bytes that are not valid in it are an error. latin1 is ISO-8859-1 without the control characters 80 to 9F: files with these bytes are usually windows-1252.',
    {
      default: 'utf-8',
      example: 'windows-1252',
    },
  ),
  nulls: option.list(
    option.text('One text.'),
    'Cells that mean "no value". In quotes they do so only if the field is not a string.',
    {
      default: [''],
      example: ['', 'NULL'],
    },
  ),
  ragged: option.oneOf(
    ['error', 'pad'],
    'A row with fewer cells than the header: an error, or filled with null. More cells are always an error.',
    {
      default: 'error',
    },
  ),
  max_record_size: option.size('The largest record; it limits how far an unclosed quote reaches.', {
    tuning: true,
    default: '1MiB',
    example: '8MiB',
  }),
}

/** The options as a reader gets them; sizes in bytes. */
export type CsvOptions = { readonly [K in keyof typeof csvOptions]: Readonly<Static<(typeof csvOptions)[K]>> }

/** The defaults. */
export const csvDefaults: CsvOptions = {
  delimiter: ',',
  quote: '"',
  bare_quotes: undefined,
  header: true,
  encoding: 'utf-8',
  nulls: [''],
  ragged: 'error',
  max_record_size: 1024 * 1024,
}

const code = 'bad_value'

/** Problems of options that are valid individually. */
export function csvProblems(
  options: Pick<CsvOptions, 'delimiter' | 'quote'> & { readonly max_record_size?: number },
): Problem[] {
  const problems: Problem[] = []
  const one = 'one ASCII character that is neither a line break nor NUL'
  if (!isMark(options.delimiter))
    problems.push({
      code,
      at: ['delimiter'],
      message: 'the delimiter must be one character',
      expected: one,
      got: options.delimiter,
    })
  if (options.quote !== '' && !isMark(options.quote))
    problems.push({
      code,
      at: ['quote'],
      message: 'the quote must be one character, or empty',
      expected: one,
      got: options.quote,
    })
  else if (options.quote === options.delimiter)
    problems.push({ code, at: ['quote'], message: 'the quote and the delimiter must differ', got: options.quote })
  const size = options.max_record_size
  if (size !== undefined && (size < 16 || size > 256 * 1024 * 1024))
    problems.push({
      code,
      at: ['max_record_size'],
      message: 'the size must be between 16 bytes and 256 MiB',
      got: String(size),
    })
  return problems
}

const isMark = (text: string): boolean =>
  text.length === 1 && text > '\0' && text < '\x7f' && text !== '\n' && text !== '\r'

/** The options as the scanners need them: as code units. */
export interface Dialect extends CellMarks {
  /** A quote inside a cell that does not begin with one is an error. */
  readonly strictQuotes: boolean
  /** By the encoding; see structure.ts. */
  readonly slice: SliceText
  readonly mark: readonly number[]
  /** Maximum units of a record, including its line end. */
  readonly limit: number
  readonly emptyIsNull: boolean
  /** Null markers other than the empty cell. */
  readonly markers: ReadonlySet<string>
  readonly pad: boolean
}

/** See `Dialect`. `unit`: bytes of a code unit. */
export const dialectOf = (options: CsvOptions, unit: number): Dialect => ({
  delimiter: options.delimiter.charCodeAt(0),
  quote: options.quote === '' ? -1 : options.quote.charCodeAt(0),
  strictQuotes: options.bare_quotes === 'error' && options.quote !== '',
  slice: slicerOf(options.encoding),
  mark: markOf(options.encoding),
  limit: Math.floor(options.max_record_size / unit),
  emptyIsNull: options.nulls.includes(''),
  markers: new Set(options.nulls.filter((marker) => marker !== '')),
  pad: options.ragged === 'pad',
})
