/** The file formats, text and columnar: what connectors that read and write whole files offer. */
import { checkZone, option, type Problem, type RecordType } from '@millrace/core'
import {
  type ReadKind,
  readFormatsOf,
  textReadFormats,
  textWriteFormats,
  type WriteKind,
  writeFormatsOf,
} from '@millrace/formats'
import { createArrowReader } from './arrow/read.ts'
import type { ArrowWriteOptions } from './arrow/write.ts'
import { createParquetReader } from './parquet/read.ts'
import type { ParquetWriteOptions } from './parquet/write.ts'
import { type ColumnarOptions, columnarOptions } from './columnar-options.ts'

function timeProblems(format: object): Problem[] {
  const { zone } = format as ColumnarOptions
  const wrong = zone === undefined ? undefined : checkZone(zone)
  return wrong === undefined ? [] : [{ code: 'unknown_zone', message: wrong, at: ['zone'] }]
}

const columnarRead: readonly ReadKind<'parquet' | 'arrow'>[] = [
  {
    name: 'parquet',
    endings: ['.parquet'],
    options: columnarOptions,
    problems: timeProblems,
    open: (format, read) => ({ reader: createParquetReader(read, format as ColumnarOptions) }),
  },
  {
    name: 'arrow',
    endings: ['.arrow'],
    options: columnarOptions,
    problems: timeProblems,
    open: (format, read) => ({ reader: createArrowReader(read, format as ColumnarOptions) }),
  },
]

/** The formats for reading files. */
export const fileReadFormats = readFormatsOf([...textReadFormats, ...columnarRead])
/** One of them, with its options. */
export type FileReadFormat = ReturnType<typeof fileReadFormats.typed>

function columnsAccept(name: string, record: RecordType): Problem[] {
  if (record.open)
    return [
      {
        code: 'wrong_type',
        at: [],
        message: `${name} has only the columns of its schema, but these records may have additional fields (unknown_fields: keep)`,
        hint: 'select the fields to write',
      },
    ]
  return Object.keys(record.fields).length > 0
    ? []
    : [{ code: 'wrong_type', at: [], message: `records without fields cannot be written as ${name}` }]
}

/** The columnar formats that can be written. */
export const columnarWrite: readonly WriteKind<'parquet' | 'arrow'>[] = [
  {
    name: 'parquet',
    endings: ['.parquet'],
    options: {
      compression: option.oneOf(['zstd', 'snappy', 'none'], 'Parquet: the compression of pages. Default: zstd.'),
      row_group: option.integer('Parquet: the maximum number of rows in a row group. Default: 100,000.', {
        min: 1,
        max: 10_000_000,
      }),
    },
    appends: false,
    accepts: (record) => columnsAccept('Parquet', record),
    prepare: async (record, format) =>
      (await import('./parquet/write.ts')).parquetWriter(record, format as ParquetWriteOptions),
  },
  {
    name: 'arrow',
    endings: ['.arrow'],
    options: {
      layout: option.oneOf(['file', 'stream'], 'Arrow: a file for random access, or a stream. Default: file.'),
    },
    appends: false,
    accepts: (record) => columnsAccept('Arrow', record),
    prepare: async (record, format) =>
      (await import('./arrow/write.ts')).arrowWriter(record, format as ArrowWriteOptions),
  },
]

/** The formats for writing files. */
export const fileWriteFormats = writeFormatsOf([...textWriteFormats, ...columnarWrite])
/** One of them, with its options. */
export type FileWriteFormat = ReturnType<typeof fileWriteFormats.typed>
