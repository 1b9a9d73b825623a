/** Reads files of several formats: CSV, JSON lines, JSON arrays, Parquet, Arrow. */
import {
  type Decoder,
  defineSource,
  type Env,
  MillraceError,
  option,
  type Problem,
  type SourceContext,
  type Static,
} from '@millrace/core'
import {
  afterReadOf,
  describeInputs,
  filesOptions,
  filesProblems,
  filesSource,
  inFirstInput,
  pathsOf,
  placesOf,
  portable,
} from '@millrace/client-files'
import {
  compressionOf,
  decodeWithPartitions,
  type InputFormat,
  partitionsIn,
  type ReadOptions,
  type RecordReader,
  withFolders,
  withPartitions,
} from '@millrace/formats'
import { type FileReadFormat, fileReadFormats as formats } from '@millrace/formats-columnar'
import { inferFile } from './infer.ts'

const options = option.object({ ...filesOptions, format: option.optional(formats.option) })
type Options = Static<typeof options>

const typedFormat = (o: Options): FileReadFormat | undefined => o.format && formats.typed(o.format)
const endingsOf = (o: Options): string[] => formats.endings(o.format && [typedFormat(o)!.type])

/** The format of one file: as set, else by its name. */
function formatFor(o: Options, name: string): FileReadFormat {
  const format = typedFormat(o)
  if (format) return format
  const type = formats.named(name)
  if (type) return { type }
  throw new MillraceError(
    'unknown_format',
    `the name of ${name === '-' ? 'standard input' : name} does not indicate its format`,
    {
      exitCode: 2,
      hint: `set the option format, or give the file one of the extensions ${formats.endings().join(', ')}`,
    },
  )
}

/**
 * Paths that name one file whose format is unknown, or cannot be read there. Folders and patterns are expanded when
 * they are read.
 */
function formatProblems(o: Options): Problem[] {
  const typed = typedFormat(o)
  const problems: Problem[] = typed
    ? formats.problems(typed).map((problem) => ({ ...problem, at: ['format', ...problem.at] }))
    : []
  for (const path of pathsOf(o)) {
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
}

export const sourceFiles = defineSource({
  kind: 'source',
  type: 'files',
  serves: ['objects'],
  summary:
    'Reads files of CSV, JSON lines, JSON, Parquet or Arrow, plain or compressed: one, several, a folder, or standard input.',
  options,
  check: (o, env) => [...filesProblems(o, env), ...formatProblems(o)],
  accepts: (o, schema) =>
    o.format
      ? formats.accepts(typedFormat(o)!, schema).map((problem) => ({ ...problem, at: ['format', ...problem.at] }))
      : [],
  capabilities: (o) => ({
    bounded: o.watch === undefined,
    replayable: !pathsOf(o).includes('-'),
    lanes: 'one',
    contentSplits: true,
    newSplits: true,
    pushdown: true,
    skips: pathsOf(o).some((path) => (typedFormat(o)?.type ?? formats.named(path) ?? 'parquet') === 'parquet'),
    commit: o.after_read === 'keep' ? undefined : ('action' as const),
  }),
  create(o, ctx) {
    const opened = new Map<string, InputFormat>()
    const formatOf = (path: string) => {
      const format = formatFor(o, path)
      const partitions = partitionsIn(portable(path, ctx.root))
      const key = `${format.type} ${JSON.stringify(partitions)}`
      if (!opened.has(key))
        opened.set(
          key,
          withPartitions(ctx, partitions, (read) => formats.open(format, read)),
        )
      return opened.get(key)!
    }
    const afterRead = afterReadOf(o, ctx)
    return filesSource({ paths: pathsOf(o), endings: endingsOf(o), afterRead, watchMs: o.watch, formatOf }, ctx)
  },
  decoder: decoderOf,
  reads: (o, env) => placesOf(pathsOf(o), env),
  async infer(o, env: Env, signal, note) {
    const found = await inFirstInput(pathsOf(o), env, endingsOf(o), async (input, path) =>
      withFolders(await inferFile(input, formatFor(o, path), signal, note), partitionsIn(portable(path, env.root))),
    )
    return found ?? { fields: {} }
  },
  probe: (o, env) => describeInputs(pathsOf(o), env, endingsOf(o)),
})

/**
 * According to the format that was set; if there are several, the one with a header is CSV, and the others are JSON.
 */
function decoderOf(o: Options, ctx: SourceContext): Decoder {
  return decodeWithPartitions(ctx, (read) => decodeOf(o, read))
}

function decodeOf(o: Options, read: ReadOptions): NonNullable<RecordReader['decode']> {
  const format = typedFormat(o)
  if (format) return formats.open(format, read).reader.decode!
  const csv = formats.open({ type: 'csv' }, read).reader.decode!
  const json = formats.open({ type: 'jsonl' }, read).reader.decode!
  return (bytes, context) =>
    typeof context === 'object' && context !== null && 'header' in context ? csv(bytes, context) : json(bytes, context)
}
