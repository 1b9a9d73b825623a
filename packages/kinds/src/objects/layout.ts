/** What the options of a sink for files or objects mean, and what is wrong with them. */
import type { Problem, RecordType } from '@millrace/core'
import type { Compression, WriteFormat, WriteFormats } from '@millrace/formats'
import { storedType } from './hive.ts'
import type { Roll, RollOption } from './options.ts'
import { rollOf } from './options.ts'
import { isPartitioned, parseTemplate, type PathTemplate } from './path.ts'
import { compressionIn, fieldProblems, patternProblems, zoneProblems } from './template.ts'

/** The options that determine what is written, and where. */
export interface ObjectSinkSpec<Name extends string = string> {
  readonly path: string
  readonly format?: Name | WriteFormat<Name> | undefined
  readonly compression?: 'none' | Compression | undefined
  readonly roll?: RollOption
  readonly partition_fields: 'drop' | 'keep'
  readonly zone: string
}

/** The resolved options. */
export interface Layout<Name extends string = string> {
  readonly template: PathTemplate
  readonly partitioned: boolean
  readonly format: WriteFormat<Name>
  readonly compression: Compression | undefined
  /** With its dot. */
  readonly ending: string
  /** Files can be truncated to a length, so the checkpoint need not wait for them. */
  readonly append: boolean
  /** As set; undefined: not set. */
  readonly roll: Roll | undefined
}

/** Resolves and checks the options of a sink. */
export interface ObjectLayouts<Name extends string> {
  /** The parsed option `path`; a text says what is wrong with it. */
  templateOf(o: Pick<ObjectSinkSpec, 'path'>): PathTemplate | string
  /** Resolves options that were checked. */
  layoutOf(o: ObjectSinkSpec<Name>): Layout<Name>
  /** Problems of the options, independent of the records. */
  optionProblems(o: ObjectSinkSpec<Name>): Problem[]
  /** Problems with writing records of this type. */
  acceptProblems(o: ObjectSinkSpec<Name>, record: RecordType): Problem[]
  /** The type of what is written into the files. */
  storedTypeOf(o: ObjectSinkSpec<Name>, record: RecordType): RecordType
}

/** For a sink with these formats. `canTruncate`: what was written can be cut back to a length and continued. */
export function objectLayouts<Name extends string>(
  formats: WriteFormats<Name>,
  canTruncate: boolean,
): ObjectLayouts<Name> {
  const templateOf: ObjectLayouts<Name>['templateOf'] = (o) =>
    parseTemplate(o.path, (name) => formats.named(name) !== undefined)

  const layoutOf: ObjectLayouts<Name>['layoutOf'] = (o) => {
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
      append: canTruncate && formats.appends(format.type) && !compression,
      roll: rollOf(o),
    }
  }

  const storedTypeOf: ObjectLayouts<Name>['storedTypeOf'] = (o, record) =>
    storedType(layoutOf(o).template, record, o.partition_fields === 'keep')

  return {
    templateOf,
    layoutOf,
    storedTypeOf,
    optionProblems(o) {
      const template = templateOf(o)
      const at = ['path']
      const hint = 'write fields as {name}, dates as {name:yyyy-MM-dd}'
      if (typeof template === 'string') return [{ code: 'bad_value', at, message: template, got: o.path, hint }]
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
    },
    acceptProblems(o, record) {
      const { template, format } = layoutOf(o)
      const problems = formats.accepts(format, storedTypeOf(o, record))
      return [
        ...fieldProblems(template, record),
        ...problems.map((problem) => ({ ...problem, at: problem.at.length > 0 ? ['format', ...problem.at] : [] })),
      ]
    },
  }
}
