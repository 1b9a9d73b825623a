/** The options of columnar formats, declared once for Parquet and Arrow. */
import { option } from '@millrace/core'
import { type TimeOptions, timeOptions } from './times.ts'

/** How columns are read. */
export interface ColumnarOptions extends TimeOptions {
  /** The maximum bytes, decompressed, of the pages or buffers that are read at a time. */
  readonly max_expanded?: number | undefined
}

/** The default of `max_expanded`. */
export const mostExpanded = 256 * 1024 * 1024

/** The same as options. */
export const columnarOptions = {
  ...timeOptions,
  max_expanded: option.size(
    'Parquet and Arrow: the maximum size of the pages or buffers that are read at a time, after decompression.',
    { tuning: true, default: '256MiB', example: '1GiB' },
  ),
}
