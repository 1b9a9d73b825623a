/** The entry point of @millrace/formats-columnar: columnar files, Parquet and Arrow. */
export * from './formats.ts'
export { inferFile } from './infer.ts'
export { createParquetReader, inferParquet } from './parquet/read.ts'
export { createArrowReader, inferArrow } from './arrow/read.ts'
