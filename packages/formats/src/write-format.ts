/** Formats for writing, as data: the option that chooses one, what each cannot store, and their writers. */
import { type Json, option, type Option, type Problem, type RecordType } from '@millrace/core'
import {
  csvAccepts,
  csvWriteDefaults,
  csvWriteOptions,
  csvWriteProblems,
  csvWriter,
  type CsvWriteOptions,
} from './csv/writer.ts'
import { jsonArrayWriter, jsonLinesWriter } from './json/write.ts'
import { strangeOptions } from './read-format.ts'
import type { RecordWriter } from './writer.ts'

/** A format with its options, as written. */
export interface WriteFormat<Name extends string = string> {
  readonly type: Name
  readonly [option: string]: unknown
}

/** Makes the writer of one file. `continued`: it continues a truncated file; only if the format `appends`. */
export type MakeWriter = (continued?: boolean) => RecordWriter

/** One format for writing files. */
export interface WriteKind<Name extends string = string> {
  readonly name: Name
  /** The extensions of its files, before that of a compression; new files get the first. */
  readonly endings: readonly [string, ...string[]]
  /** Its own options. */
  readonly options: Readonly<Record<string, Option<any>>>
  /** Files can be truncated to any length that was taken, and continued. */
  readonly appends: boolean
  /** Problems of options that are valid individually. */
  problems?(format: WriteFormat): Problem[]
  /** The options with which a reader of the format reads what was written with these. Absent: it needs none. */
  readBack?(format: WriteFormat): Readonly<Record<string, Json>>
  /** Problems with writing records of this type. */
  accepts?(record: RecordType, format: WriteFormat): Problem[]
  /** Loads the writer of the format, and prepares it for records of this type. */
  prepare(record: RecordType, format: WriteFormat): MakeWriter | Promise<MakeWriter>
}

const nulls = option.text('JSON: `write` nulls or `omit` their keys. CSV: the text for null.', { example: 'omit' })

const jsonKind = <Name extends string>(
  name: Name,
  endings: readonly [string, ...string[]],
  appends: boolean,
  writer: typeof jsonLinesWriter,
): WriteKind<Name> => ({
  name,
  endings,
  options: { nulls },
  appends,
  problems: (format) =>
    format['nulls'] === undefined || format['nulls'] === 'write' || format['nulls'] === 'omit'
      ? []
      : [
          {
            code: 'bad_value',
            at: ['nulls'],
            message: 'JSON writes nulls or omits their keys',
            expected: 'write or omit',
            got: format['nulls'] as string,
          },
        ],
  prepare: (record, format) => writer(record, { nulls: format['nulls'] as 'write' | 'omit' | undefined }),
})

const csvOf = ({ type: _, ...given }: WriteFormat): Partial<CsvWriteOptions> =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))

/** The text formats. */
export const textWriteFormats: readonly WriteKind<'jsonl' | 'json' | 'csv'>[] = [
  jsonKind('jsonl', ['.jsonl', '.ndjson'], true, jsonLinesWriter),
  jsonKind('json', ['.json'], false, jsonArrayWriter),
  {
    name: 'csv',
    endings: ['.csv'],
    options: {
      nulls,
      delimiter: option.text(csvWriteOptions.delimiter.description!, { example: ';' }),
      quote: option.text(csvWriteOptions.quote.description!),
      header: option.boolean(csvWriteOptions.header.description!),
      line_end: option.oneOf(['lf', 'crlf'], csvWriteOptions.line_end.description!),
    },
    appends: true,
    problems: (format) => csvWriteProblems(csvOf(format)),
    readBack(format) {
      const { delimiter, quote, header, nulls } = { ...csvWriteDefaults, ...csvOf(format) }
      return { delimiter, quote, header, nulls: [nulls] }
    },
    accepts: (record, format) => csvAccepts(record, csvOf(format)),
    prepare: (record, format) => csvWriter(record, csvOf(format)),
  },
]

/** The formats that a connector writes. */
export interface WriteFormats<Name extends string> {
  /** The option `format`: a name, or a name with options of that format. */
  readonly option: Option<Name | WriteFormat<Name>>
  /** The format according to a file name without the extension of its compression. */
  named(fileName: string): Name | undefined
  /** The extension of new files of a format. */
  ending(name: Name): string
  /** The format as written, or according to the file name, or the first one. */
  typed(typed: Name | WriteFormat<Name> | undefined, fileName: string): WriteFormat<Name>
  /** Whether files of a format can be truncated to any length that was taken, and continued. */
  appends(name: Name): boolean
  /** Problems of a format's options; `at` is inside the format. */
  problems(format: WriteFormat<Name>): Problem[]
  /** The option `format` of a reader of what is written in a format. */
  readBack(format: WriteFormat<Name>): Json
  /** Problems with writing records of this type in a format. */
  accepts(format: WriteFormat<Name>, record: RecordType): Problem[]
  /** Loads a format and prepares it for records of this type; each call of the result makes the writer of one file. */
  prepare(format: WriteFormat<Name>, record: RecordType): Promise<MakeWriter>
}

/** Formats as a connector offers them, in this order. */
export function writeFormatsOf<Name extends string>(kinds: readonly WriteKind<Name>[]): WriteFormats<Name> {
  const names = kinds.map(({ name }) => name)
  const kindOf = (name: Name) => kinds.find((kind) => kind.name === name)!
  const options = Object.fromEntries(
    kinds
      .flatMap((kind) => Object.entries(kind.options))
      .map(([name, schema]) => [name, option.optional(schema)] as const),
  )
  const named = (fileName: string) => {
    const dot = fileName.lastIndexOf('.')
    return dot < 0 ? undefined : kinds.find(({ endings }) => endings.includes(fileName.slice(dot).toLowerCase()))?.name
  }
  return {
    option: option.anyOf(
      [
        option.oneOf(names, 'The format.'),
        option.object(
          { type: option.oneOf(names, 'The format.'), ...options },
          'A format with options of its own.',
        ) as unknown as Option<WriteFormat<Name>>,
      ],
      `How records are written: a format, or a format with options of its own. Default: from the file name, else \`${names[0]}\`.`,
      { example: { type: 'csv', delimiter: ';' } },
    ),
    named,
    ending: (name) => kindOf(name).endings[0],
    typed: (typed, fileName) =>
      typed === undefined
        ? { type: named(fileName) ?? names[0]! }
        : typeof typed === 'string'
          ? { type: typed }
          : typed,
    appends: (name) => kindOf(name).appends,
    problems(format) {
      const kind = kindOf(format.type)
      const given = Object.keys(format).filter((key) => key !== 'type')
      return strangeOptions(format.type, given, Object.keys(kind.options)) ?? kind.problems?.(format) ?? []
    },
    readBack: (format) => ({ type: format.type, ...kindOf(format.type).readBack?.(format) }),
    accepts: (format, record) => kindOf(format.type).accepts?.(record, format) ?? [],
    prepare: async (format, record) => kindOf(format.type).prepare(record, format),
  }
}
