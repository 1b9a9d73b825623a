/** The door of @millrace/formats-columnar: files of columns, Parquet and Arrow. */
export * from './formats.ts'
export { createParquetReader, inferParquet } from './parquet/read.ts'
export { createArrowReader, inferArrow } from './arrow/read.ts'
