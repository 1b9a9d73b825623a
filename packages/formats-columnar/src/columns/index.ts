/** Converts the columns of typed file formats (Parquet, Arrow) to rows of the declared type. */
export { rowAsJson } from './as-json.ts'
export { recordTypeOf } from './infer.ts'
export type { ColumnValues } from './convert.ts'
export { type RowReader, rowReader } from './rows.ts'
