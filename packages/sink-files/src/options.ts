/** The options, and their checks. */
import { type Env, option, type Problem, type RecordType, type Static } from '@millrace/core'
import type { Compression } from '@millrace/formats'
import { type FileWriteFormat, fileWriteFormats as formats } from '@millrace/formats-columnar'
import {
  compressionIn,
  fieldProblems,
  isPartitioned,
  objectSinkOptions,
  parseTemplate,
  type PathTemplate,
  patternProblems,
  storedType,
  zoneProblems,
  type Roll,
  rollOf,
} from '@millrace/kinds'

export const options = option.object({
  path: option.path(
    'A folder, or a file whose extension indicates its format (and `.gz` or `.zst` its compression). Parts of it may be fields, dates with a pattern: `out/{Country}/{date:yyyy-MM}`.',
    { example: 'out/{Country}/' },
  ),
  format: option.optional(formats.option),
  ...objectSinkOptions,
})
export type Options = Static<typeof options>

/** The resolved options. */
export interface Layout {
  readonly template: PathTemplate
  readonly partitioned: boolean
  readonly format: FileWriteFormat
  readonly compression: Compression | undefined
  /** With its dot. */
  readonly ending: string
  /** Files can be truncated to a length, so the checkpoint need not wait for them. */
  readonly append: boolean
  /** As set; undefined: not set. */
  readonly roll: Roll | undefined
}

/** The parsed option `path`; a text says what is wrong with it. */
export const templateOf = (o: Pick<Options, 'path'>): PathTemplate | string =>
  parseTemplate(o.path, (name) => formats.named(name) !== undefined)

/** Resolves options that were checked. */
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
    roll: rollOf(o),
  }
}

/** Problems of the options, independent of the records. */
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
        hint: 'write fields as {name}, dates as {name:yyyy-MM-dd}',
      },
    ]
  const problems: Problem[] = patternProblems(template).map((message) => ({ code: 'bad_date_format', at, message }))
  problems.push(...zoneProblems(o.zone))
  const { format, compression } = layoutOf(o)
  const named = compressionIn(template)
  problems.push(...formats.problems(format).map((problem) => ({ ...problem, at: ['format', ...problem.at] })))
  if (named !== undefined && compression !== named) {
    problems.push({
      code: 'bad_value',
      at: ['compression'],
      message: `the file is named ${template.ending}, but would be compressed as ${o.compression}`,
      hint: 'remove `compression`, or change the name',
    })
  }
  return problems
}

/** Problems with writing records of this type. */
export const acceptProblems = (o: Options, record: RecordType): Problem[] => {
  const { template, format } = layoutOf(o)
  const problems = formats.accepts(format, storedTypeOf(o, record))
  return [
    ...fieldProblems(template, record),
    ...problems.map((problem) => ({ ...problem, at: problem.at.length > 0 ? ['format', ...problem.at] : [] })),
  ]
}

/** The type of what is written into the files. */
export const storedTypeOf = (o: Options, record: RecordType): RecordType =>
  storedType(layoutOf(o).template, record, o.partition_fields === 'keep')

/** The folder below which the sink writes, absolute. */
export const folderOf = (o: Options, env: Pick<Env, 'resolve'>): string => env.resolve(layoutOf(o).template.root)
