/** The formats of a source of files or objects: as the option `format` says, else by each name. */
import { type Decoder, MillraceError, type Problem, type RecordType, type SourceContext } from '@millrace/core'
import {
  compressionOf,
  decodeWithPartitions,
  type InputFormat,
  partitionsIn,
  type ReadFormat,
  type ReadFormats,
  type ReadOptions,
  type RecordReader,
  withPartitions,
} from '@millrace/formats'

/** The options that determine how files or objects are read. */
export interface ObjectSourceSpec<Name extends string = string> {
  readonly format?: Name | ReadFormat<Name> | undefined
}

/** Resolves and checks the option `format` of a source. `-` is standard input. */
export interface ObjectReading<Name extends string> {
  /** Extensions of what is read in a folder. */
  endingsOf(o: ObjectSourceSpec<Name>): string[]
  /** The format of one name. Throws `MillraceError` `unknown_format`. */
  formatFor(o: ObjectSourceSpec<Name>, name: string): ReadFormat<Name>
  /**
   * Problems of the option, and paths that name one file whose format is unknown, or cannot be read there. Folders and
   * patterns are expanded when they are read.
   */
  formatProblems(o: ObjectSourceSpec<Name>, paths: readonly string[]): Problem[]
  /** Problems with reading records of this type. */
  acceptProblems(o: ObjectSourceSpec<Name>, schema: RecordType): Problem[]
  /** Whether records may be skipped, by the statistics of Parquet. */
  skips(o: ObjectSourceSpec<Name>, paths: readonly string[]): boolean
  /** The readers by path; `partition` is the path whose folders name fields. */
  opener(o: ObjectSourceSpec<Name>, ctx: SourceContext): (name: string, partition: string) => InputFormat
  /** By the format that was set; else what has a header is CSV, and the rest JSON. */
  decoderOf(o: ObjectSourceSpec<Name>, ctx: SourceContext): Decoder
}

/** For a source with these formats. */
export function objectReading<Name extends string>(formats: ReadFormats<Name>): ObjectReading<Name> {
  type Spec = ObjectSourceSpec<Name>
  const typedFormat = (o: Spec): ReadFormat<Name> | undefined => o.format && formats.typed(o.format)
  const inFormat = (problems: Problem[]): Problem[] =>
    problems.map((problem) => ({ ...problem, at: ['format', ...problem.at] }))

  function formatFor(o: Spec, name: string): ReadFormat<Name> {
    const format = typedFormat(o)
    if (format) return format
    const type = formats.named(name)
    if (type) return { type }
    const what = name === '-' ? 'standard input' : name
    throw new MillraceError('unknown_format', `the name of ${what} does not indicate its format`, {
      exitCode: 2,
      hint: `set the option format, or give the file one of the extensions ${formats.endings().join(', ')}`,
    })
  }

  /** Decodes letters: without a format in the spec, by the context of each. */
  function decodeLetters(o: Spec, read: ReadOptions): NonNullable<RecordReader['decode']> {
    const format = typedFormat(o)
    if (format) return formats.open(format, read).reader.decode!
    const csv = formats.open({ type: 'csv' as Name }, read).reader.decode!
    const json = formats.open({ type: 'jsonl' as Name }, read).reader.decode!
    return (bytes, context) =>
      typeof context === 'object' && context !== null && 'header' in context
        ? csv(bytes, context)
        : json(bytes, context)
  }

  return {
    endingsOf: (o) => formats.endings(o.format && [typedFormat(o)!.type]),
    formatFor,
    formatProblems(o, paths) {
      const typed = typedFormat(o)
      const problems = typed ? inFormat(formats.problems(typed)) : []
      for (const path of paths) {
        const type = typed?.type ?? formats.named(path)
        if (!type && (path === '-' || /[^/]\.[^./*?[\]{}]+$/.test(path)))
          problems.push({
            code: 'missing_key',
            at: ['path'],
            message:
              path === '-'
                ? 'standard input has no name that indicates its format'
                : `the name ${path} does not indicate its format`,
            expected: formats.endings().join(', '),
            hint: 'set the option `format`',
          })
        if (type === 'parquet' && (path === '-' || compressionOf(path)))
          problems.push({
            code: 'bad_value',
            at: ['path'],
            message: `Parquet needs random access, and ${path === '-' ? 'standard input' : path} can only be read from its beginning`,
          })
      }
      return problems
    },
    acceptProblems: (o, schema) => (o.format ? inFormat(formats.accepts(typedFormat(o)!, schema)) : []),
    skips: (o, paths) => paths.some((path) => (typedFormat(o)?.type ?? formats.named(path) ?? 'parquet') === 'parquet'),
    opener(o, ctx) {
      const opened = new Map<string, InputFormat>()
      return (name, partition) => {
        const format = formatFor(o, name)
        const partitions = partitionsIn(partition)
        const key = `${format.type} ${JSON.stringify(partitions)}`
        if (!opened.has(key))
          opened.set(
            key,
            withPartitions(ctx, partitions, (read) => formats.open(format, read)),
          )
        return opened.get(key)!
      }
    },
    decoderOf: (o, ctx) => decodeWithPartitions(ctx, (read) => decodeLetters(o, read)),
  }
}
