/** The formats a file can be read in: their options, what tells one file's beginning from another's, and their readers. */
import { option, type OptionSchema, type Problem } from '@millrace/core'
import { createArrowReader } from './arrow/read.ts'
import { withoutCompression } from './compression.ts'
import { csvDefaults, type CsvOptions, csvOptions, csvProblems } from './csv/options.ts'
import { createCsvReader } from './csv/reader.ts'
import { textUnits } from './files/identity.ts'
import type { InputFormat } from './files/found.ts'
import { createJsonReader } from './json/array.ts'
import { createJsonLinesReader } from './json/lines.ts'
import { type JsonOptions, jsonOptions } from './json/options.ts'
import { createParquetReader } from './parquet/read.ts'
import type { ReadOptions } from './reader.ts'

/** The formats that files are read in. */
export const readFormats = ['csv', 'jsonl', 'json', 'parquet', 'arrow'] as const
/** One of them. */
export type ReadFormatName = (typeof readFormats)[number]

const endings: Readonly<Record<ReadFormatName, readonly string[]>> = {
  csv: ['.csv', '.tsv'],
  jsonl: ['.jsonl', '.ndjson'],
  json: ['.json'],
  parquet: ['.parquet'],
  arrow: ['.arrow'],
}

/** What the names of files in a format end in, before the ending of a compression. */
export const readEndings = (formats: readonly ReadFormatName[] = readFormats): string[] =>
  formats.flatMap((format) => endings[format])

/** The format that a file name says. */
export function readFormatOf(fileName: string): ReadFormatName | undefined {
  const name = withoutCompression(fileName).toLowerCase()
  return readFormats.find((format) => endings[format].some((ending) => name.endsWith(ending)))
}

// Inside `format`, an option that is left out has no value of its own: its default is that of the format.
const within = <T>({ default: _, optional: __, ...schema }: OptionSchema<T>): OptionSchema<T | undefined> =>
  option.optional(schema)

/** The option `format` of a connector that reads files: a name, or a name with options of that format. */
export const readFormatOption = option.anyOf(
  [
    option.oneOf(readFormats, 'The format.'),
    option.object(
      {
        type: option.oneOf(readFormats, 'The format.'),
        delimiter: within(csvOptions.delimiter),
        quote: within(csvOptions.quote),
        header: within(csvOptions.header),
        encoding: within(csvOptions.encoding),
        nulls: within(csvOptions.nulls),
        ragged: within(csvOptions.ragged),
        max_record_size: within(csvOptions.max_record_size),
      },
      'A format with options of its own.',
    ),
  ],
  'The format of the files: a name, or a name with options of that format. Default: as each file name says.',
  { example: { type: 'csv', delimiter: ';' } },
)

/** A format with its options. */
export interface ReadFormat extends Partial<CsvOptions>, Partial<JsonOptions> {
  readonly type: ReadFormatName
}

/** What was written, without the options that were left out. */
export function readFormat(
  typed: ReadFormatName | { readonly type: ReadFormatName; readonly [name: string]: unknown },
): ReadFormat {
  if (typeof typed === 'string') return { type: typed }
  return Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== undefined)) as unknown as ReadFormat
}

const known: Readonly<Record<ReadFormatName, readonly string[]>> = {
  csv: Object.keys(csvOptions),
  jsonl: Object.keys(jsonOptions),
  json: Object.keys(jsonOptions),
  parquet: [],
  arrow: [],
}

/** What is wrong with a format's options; `at` is inside the format. */
export function readFormatProblems(format: ReadFormat): Problem[] {
  const { type, ...options } = format
  const strange = Object.keys(options).filter((key) => !known[type].includes(key))
  if (strange.length)
    return strange.map((key) => ({
      code: 'unknown_key',
      at: [key],
      message: `\`${key}\` is no option of ${type}`,
      hint: known[type].length ? `options of ${type}: ${known[type].join(', ')}` : `${type} has no options`,
    }))
  return type === 'csv' ? csvProblems({ ...csvDefaults, ...options }) : []
}

/** How files of a format are read. */
export function inputFormat(format: ReadFormat, read: ReadOptions): InputFormat {
  switch (format.type) {
    case 'csv': {
      const { header, encoding } = { ...csvDefaults, ...format }
      return { reader: createCsvReader(format, read), text: textUnits(encoding), lines: header ? 2 : 1 }
    }
    case 'jsonl':
      return { reader: createJsonLinesReader(format, read), text: { unit: 1 }, lines: 1 }
    case 'json':
      return { reader: createJsonReader(format, read), text: { unit: 1 } }
    case 'parquet':
      return { reader: createParquetReader(read) }
    case 'arrow':
      return { reader: createArrowReader(read) }
  }
}
