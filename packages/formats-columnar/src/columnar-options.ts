/** The options of columnar formats, declared once for Parquet and Arrow. */
import { option } from '@millrace/core'
import { type TimeOptions, timeOptions } from './times.ts'

/** How values become those of the declared types. */
export interface ValueOptions extends TimeOptions {
  /** NaN and infinity, which a number cannot be: bad records, or null. Default `error`. */
  readonly non_finite?: 'error' | 'null' | undefined
}

/** How columns are read. */
export interface ColumnarOptions extends ValueOptions {
  /** The maximum bytes, decompressed, of the pages or buffers that are read at a time. */
  readonly max_expanded?: number | undefined
}

/** The default of `max_expanded`. */
export const mostExpanded = 256 * 1024 * 1024

/** The same as options. */
export const columnarOptions = {
  ...timeOptions,
  non_finite: option.oneOf(
    ['error', 'null'],
    'Parquet and Arrow: NaN and infinity, which `number` does not hold, make a bad record, or become null. Default: error.',
  ),
  max_expanded: option.size(
    'Parquet and Arrow: the maximum size of the pages or buffers that are read at a time, after decompression.',
    { tuning: true, default: '256MiB', example: '1GiB' },
  ),
}
