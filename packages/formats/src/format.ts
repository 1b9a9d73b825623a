/** The formats a file can be written in: their options, what each cannot hold, and their writers. A format's library is loaded when the first writer is made. */
import { option, type Problem, type RecordType, type Static } from '@millrace/core'
import { csvAccepts, csvWriteOptions, csvWriteProblems, csvWriter, type CsvWriteOptions } from './csv/writer.ts'
import { jsonArrayWriter, jsonLinesWriter } from './json/write.ts'
import type { RecordWriter } from './writer.ts'

/** The formats that files are written in. */
export const fileFormats = ['jsonl', 'json', 'csv', 'parquet', 'arrow'] as const
/** One of them. */
export type FileFormat = (typeof fileFormats)[number]

const endings: Readonly<Record<string, FileFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.json': 'json',
  '.csv': 'csv',
  '.parquet': 'parquet',
  '.arrow': 'arrow',
}

/** The format that a file name, without the ending of its compression, says. */
export function formatOf(fileName: string): FileFormat | undefined {
  const dot = fileName.lastIndexOf('.')
  return dot < 0 ? undefined : endings[fileName.slice(dot).toLowerCase()]
}

/** The ending of file names of a format. */
export const endingOf = (format: FileFormat): string => `.${format}`

/** The option `format` of a connector that writes files: a name, or a name with options of that format. */
export const writeFormatOption = option.anyOf(
  [
    option.oneOf(fileFormats, 'The format.'),
    option.object(
      {
        type: option.oneOf(fileFormats, 'The format.'),
        nulls: option.optional(
          option.text('JSON: `write` nulls or `omit` their keys. CSV: what stands for null.', { example: 'omit' }),
        ),
        delimiter: option.optional(option.text(csvWriteOptions.delimiter.description!, { example: ';' })),
        quote: option.optional(option.text(csvWriteOptions.quote.description!)),
        header: option.optional(option.boolean(csvWriteOptions.header.description!)),
        line_end: option.optional(option.oneOf(['lf', 'crlf'], csvWriteOptions.line_end.description!)),
        compression: option.optional(
          option.oneOf(['zstd', 'snappy', 'none'], 'Parquet: what its pages are compressed with. Default: zstd.'),
        ),
        row_group: option.optional(
          option.integer('Parquet: the most rows of a row group. Default: 100,000.', { min: 1, max: 10_000_000 }),
        ),
        layout: option.optional(
          option.oneOf(['file', 'stream'], 'Arrow: a file for random access, or a stream. Default: file.'),
        ),
      },
      'A format with options of its own.',
    ),
  ],
  'How records are written: a format, or a format with options of its own. Default: as the file name says, else `jsonl`.',
  { example: { type: 'csv', delimiter: ';' } },
)

/** A format with its options, as written. */
export interface WriteFormat {
  readonly type: FileFormat
  readonly nulls?: string | undefined
  readonly delimiter?: string | undefined
  readonly quote?: string | undefined
  readonly header?: boolean | undefined
  readonly line_end?: 'lf' | 'crlf' | undefined
  readonly compression?: 'zstd' | 'snappy' | 'none' | undefined
  readonly row_group?: number | undefined
  readonly layout?: 'file' | 'stream' | undefined
}

/** What was written, or what the file name says. */
export const writeFormat = (typed: Static<typeof writeFormatOption> | undefined, fileName: string): WriteFormat =>
  typed === undefined ? { type: formatOf(fileName) ?? 'jsonl' } : typeof typed === 'string' ? { type: typed } : typed

const optionsOf: Readonly<Record<FileFormat, readonly string[]>> = {
  jsonl: ['nulls'],
  json: ['nulls'],
  csv: ['nulls', 'delimiter', 'quote', 'header', 'line_end'],
  parquet: ['compression', 'row_group'],
  arrow: ['layout'],
}

const csvOf = (format: WriteFormat): Partial<CsvWriteOptions> => {
  const { type: _, ...rest } = format
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
}

/** What is wrong with a format's options; `at` is inside the format. */
export function writeFormatProblems(format: WriteFormat): Problem[] {
  const known = optionsOf[format.type]
  const problems: Problem[] = Object.keys(format)
    .filter((key) => key !== 'type' && !known.includes(key))
    .map((key) => ({
      code: 'unknown_key',
      at: [key],
      message: `\`${key}\` is no option of ${format.type}`,
      hint: known.length > 0 ? `options of ${format.type}: ${known.join(', ')}` : `${format.type} has no options`,
    }))
  if (problems.length > 0) return problems
  if (format.type === 'csv') return csvWriteProblems(csvOf(format))
  if (format.type === 'jsonl' || format.type === 'json') {
    if (format.nulls !== undefined && format.nulls !== 'write' && format.nulls !== 'omit')
      problems.push({
        code: 'bad_value',
        at: ['nulls'],
        message: 'JSON writes nulls or omits their keys',
        expected: 'write or omit',
        got: format.nulls,
      })
  }
  return problems
}

/** What is wrong with writing records of this type in a format. */
export function writeFormatAccepts(format: WriteFormat, record: RecordType): Problem[] {
  switch (format.type) {
    case 'csv':
      return csvAccepts(record)
    case 'parquet':
      return columnsAccept('Parquet', record)
    case 'arrow':
      return columnsAccept('Arrow', record)
    default:
      return []
  }
}

function columnsAccept(name: string, record: RecordType): Problem[] {
  if (record.open)
    return [
      {
        code: 'wrong_type',
        at: [],
        message: `${name} has the columns of its schema only, and these records may have further fields (unknown_fields: keep)`,
        hint: 'select the fields to write',
      },
    ]
  return Object.keys(record.fields).length > 0
    ? []
    : [{ code: 'wrong_type', at: [], message: `records without fields cannot be written as ${name}` }]
}

/** Whether files of a format can be cut back to any length that was taken, and gone on with. */
export const canAppend = (format: WriteFormat): boolean => format.type === 'jsonl' || format.type === 'csv'

/** Makes the writer of one file. `continued`: it goes on with a file that was cut back; only where `canAppend`. */
export type MakeWriter = (continued?: boolean) => RecordWriter

/** Loads a format and prepares it for records of this type; each call of the result makes the writer of one file. */
export async function prepareWriter(format: WriteFormat, record: RecordType): Promise<MakeWriter> {
  const nulls = format.nulls as 'write' | 'omit' | undefined
  switch (format.type) {
    case 'jsonl':
      return jsonLinesWriter(record, { nulls })
    case 'json':
      return jsonArrayWriter(record, { nulls })
    case 'csv':
      return csvWriter(record, csvOf(format))
    case 'parquet':
      return (await import('./parquet/write.ts')).parquetWriter(record, format)
    case 'arrow':
      return (await import('./arrow/write.ts')).arrowWriter(record, format)
  }
}
