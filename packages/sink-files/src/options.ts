/** The options, and what is wrong with them. */
import { type Env, option, type Problem, type RecordType, type Static } from '@millrace/core'
import type { Compression } from '@millrace/formats'
import { type FileWriteFormat, fileWriteFormats as formats } from '@millrace/formats-columnar'
import {
  compressionIn,
  fieldProblems,
  isPartitioned,
  parseTemplate,
  patternProblems,
  type PathTemplate,
} from './template.ts'

export const options = option.object({
  path: option.path(
    'A folder, or a file whose ending says its format (and `.gz` or `.zst` its compression). Parts of it may be fields, dates with a pattern: `out/{Country}/{date:yyyy-MM}`.',
    { example: 'out/{Country}/' },
  ),
  format: option.optional(formats.option),
  compression: option.optional(
    option.oneOf(['none', 'gzip', 'zstd'], 'Compresses whole files. Default: as the file name says, else none.', {
      example: 'zstd',
    }),
  ),
  roll: option.optional(
    option.object(
      {
        size: option.size('A file of this size; about, where rows are compressed or wait for others.', {
          tuning: true,
          default: '128MiB',
        }),
        records: option.integer('A file of this many records, never more.', {
          tuning: true,
          default: 1_000_000,
          min: 1,
        }),
        time: option.duration('A file that was begun this long ago.', { tuning: true, default: '60s' }),
      },
      'When files are finished and shown; new records go to new ones. Whichever comes first. Without it a file that `path` names is written to the end of the run.',
    ),
  ),
  existing: option.oneOf(
    ['stop', 'replace', 'keep'],
    'What a new run does where an earlier one left files: stop, replace them, or add to them.',
    { tuning: true, default: 'stop' },
  ),
  max_open_files: option.integer(
    'How many files are written at once. In a folder, the one that was not written for longest is finished early; where `path` names files, more is an error.',
    { tuning: true, default: 128, min: 1, max: 10_000 },
  ),
})
export type Options = Static<typeof options>

export interface Roll {
  readonly bytes: number
  readonly records: number
  readonly ms: number
}

/** What the options mean. */
export interface Layout {
  readonly template: PathTemplate
  readonly partitioned: boolean
  readonly format: FileWriteFormat
  readonly compression: Compression | undefined
  /** With its dot. */
  readonly ending: string
  /** Files can be cut back to a length, so the checkpoint need not wait for them. */
  readonly append: boolean
  /** As asked for; undefined: nothing was said. */
  readonly roll: Roll | undefined
}

export const defaultRoll: Roll = { bytes: 128 * 1024 * 1024, records: 1_000_000, ms: 60_000 }

/** The option `path`, read; a text says what is wrong with it. */
export const templateOf = (o: Pick<Options, 'path'>): PathTemplate | string =>
  parseTemplate(o.path, (name) => formats.named(name) !== undefined)

/** The meaning of options that were checked. */
export function layoutOf(o: Options): Layout {
  const template = templateOf(o)
  if (typeof template === 'string') throw new Error(template)
  const format = formats.typed(o.format, template.name ? `x${template.ending.replace(/\.(gz|zst)$/i, '')}` : '')
  const compression =
    o.compression === undefined ? compressionIn(template) : o.compression === 'none' ? undefined : o.compression
  const ending = template.name
    ? template.ending
    : formats.ending(format.type) + (compression ? { gzip: '.gz', zstd: '.zst' }[compression] : '')
  return {
    template,
    partitioned: isPartitioned(template),
    format,
    compression,
    ending,
    append: formats.appends(format.type) && !compression,
    roll: o.roll && { bytes: o.roll.size, records: o.roll.records, ms: o.roll.time },
  }
}

/** What is wrong with the options, whatever the records are. */
export function optionProblems(o: Options): Problem[] {
  const template = templateOf(o)
  const at = ['path']
  if (typeof template === 'string')
    return [
      {
        code: 'bad_value',
        at,
        message: template,
        got: o.path,
        hint: 'fields are written {name}, dates {name:yyyy-MM-dd}',
      },
    ]
  const problems: Problem[] = patternProblems(template).map((message) => ({ code: 'bad_date_format', at, message }))
  const { format, compression } = layoutOf(o)
  const named = compressionIn(template)
  problems.push(...formats.problems(format).map((problem) => ({ ...problem, at: ['format', ...problem.at] })))
  if (named !== undefined && compression !== named) {
    problems.push({
      code: 'bad_value',
      at: ['compression'],
      message: `the file is named ${template.ending}, but would be compressed as ${o.compression}`,
      hint: 'leave `compression` out, or change the name',
    })
  }
  return problems
}

/** What is wrong with writing records of this type. */
export const acceptProblems = (o: Options, record: RecordType): Problem[] => {
  const { template, format } = layoutOf(o)
  return [...fieldProblems(template, record), ...formats.accepts(format, record)]
}

/** The folder below which the sink writes, absolute. */
export const folderOf = (o: Options, env: Pick<Env, 'resolve'>): string => env.resolve(layoutOf(o).template.root)
