/**
 * Formats for reading, as data: the option that chooses one, how the beginnings of files are distinguished, and their
 * readers.
 */
import { option, type Option, type Problem, type RecordType } from '@millrace/core'
import { withoutCompression } from './compression.ts'
import { csvDefaults, type CsvOptions, csvOptions, csvProblems } from './csv/options.ts'
import { createCsvReader, csvReadAccepts } from './csv/reader.ts'
import { createJsonReader } from './json/array.ts'
import { createJsonLinesReader } from './json/lines.ts'
import { type JsonOptions, jsonOptions } from './json/options.ts'
import type { ReadOptions } from './reader.ts'
import { type InputFormat, textUnits } from './shape.ts'

/** A format with its options. */
export interface ReadFormat<Name extends string = string> extends Partial<CsvOptions>, Partial<JsonOptions> {
  readonly type: Name
}

/** One format for reading files. */
export interface ReadKind<Name extends string = string> {
  readonly name: Name
  /** The extensions of its files, before that of a compression. */
  readonly endings: readonly string[]
  /** Its own options, each with a default. */
  readonly options: Readonly<Record<string, Option<any>>>
  /** Problems of options that are valid individually. */
  problems?(format: ReadFormat): Problem[]
  /** Problems with reading records of this type. */
  accepts?(format: ReadFormat, schema: RecordType): Problem[]
  open(format: ReadFormat, read: ReadOptions): InputFormat
}

/** The text formats. */
export const textReadFormats: readonly ReadKind<'csv' | 'jsonl' | 'json'>[] = [
  {
    name: 'csv',
    endings: ['.csv', '.tsv'],
    options: csvOptions,
    problems: (format) => csvProblems({ ...csvDefaults, ...format }),
    accepts: csvReadAccepts,
    open(format, read) {
      const { header, encoding } = { ...csvDefaults, ...format }
      return { reader: createCsvReader(format, read), text: textUnits(encoding), lines: header ? 2 : 1 }
    },
  },
  {
    name: 'jsonl',
    endings: ['.jsonl', '.ndjson'],
    options: jsonOptions,
    open: (format, read) => ({ reader: createJsonLinesReader(format, read), text: { unit: 1 }, lines: 1 }),
  },
  {
    name: 'json',
    endings: ['.json'],
    options: jsonOptions,
    open: (format, read) => ({ reader: createJsonReader(format, read), text: { unit: 1 } }),
  },
]

/** The formats that a connector reads. */
export interface ReadFormats<Name extends string> {
  /** The option `format`: a name, or a name with options of that format. */
  readonly option: Option<Name | ReadFormat<Name>>
  /** File name extensions, before that of a compression; of all formats, or of these. */
  endings(names?: readonly Name[]): string[]
  /** The format according to a file name. */
  named(fileName: string): Name | undefined
  /** The options as written, without those left out. */
  typed(typed: Name | ReadFormat<Name>): ReadFormat<Name>
  /** Problems of a format's options; `at` is inside the format. */
  problems(format: ReadFormat<Name>): Problem[]
  /** Problems with reading records of this type; `at` is inside the format. */
  accepts(format: ReadFormat<Name>, schema: RecordType): Problem[]
  /** How files of a format are read. */
  open(format: ReadFormat<Name>, read: ReadOptions): InputFormat
}

// Inside `format`, an omitted option has no value: the default is that of the format.
const within = <T>({ default: _, ...schema }: Option<T>): Option<T | undefined> => option.optional(schema)

/** Formats as a connector offers them, in this order. */
export function readFormatsOf<Name extends string>(kinds: readonly ReadKind<Name>[]): ReadFormats<Name> {
  const names = kinds.map(({ name }) => name)
  const kindOf = (name: Name) => kinds.find((kind) => kind.name === name)!
  const options = new Map<string, Option<any>>()
  for (const kind of kinds)
    for (const [name, schema] of Object.entries(kind.options)) if (!options.has(name)) options.set(name, within(schema))
  return {
    option: option.anyOf(
      [
        option.oneOf(names, 'The format.'),
        option.object(
          { type: option.oneOf(names, 'The format.'), ...Object.fromEntries(options) },
          'A format with options of its own.',
        ) as unknown as Option<ReadFormat<Name>>,
      ],
      "The format of the files: a name, or a name with options of that format. Default: from each file's name.",
      { example: { type: 'csv', delimiter: ';' } },
    ),
    endings: (wanted = names) => wanted.flatMap((name) => kindOf(name).endings),
    named(fileName) {
      const bare = withoutCompression(fileName).toLowerCase()
      return kinds.find(({ endings }) => endings.some((ending) => bare.endsWith(ending)))?.name
    },
    typed: (typed) =>
      typeof typed === 'string'
        ? { type: typed }
        : (Object.fromEntries(
            Object.entries(typed).filter(([, value]) => value !== undefined),
          ) as unknown as ReadFormat<Name>),
    problems(format) {
      const { type, ...given } = format
      const kind = kindOf(type)
      return strangeOptions(type, Object.keys(given), Object.keys(kind.options)) ?? kind.problems?.(format) ?? []
    },
    accepts: (format, schema) => kindOf(format.type).accepts?.(format, schema) ?? [],
    open: (format, read) => kindOf(format.type).open(format, read),
  }
}

/** Options that a format does not have; undefined: there are none. */
export function strangeOptions(
  format: string,
  given: readonly string[],
  known: readonly string[],
): Problem[] | undefined {
  const strange = given.filter((key) => !known.includes(key))
  if (strange.length === 0) return undefined
  return strange.map((key) => ({
    code: 'unknown_key',
    at: [key],
    message: `\`${key}\` is not an option of ${format}`,
    hint: known.length > 0 ? `options of ${format}: ${known.join(', ')}` : `${format} has no options`,
  }))
}
