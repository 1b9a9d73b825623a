/** The options of JSON, declared once for every connector that reads or writes it. */
import { option, type Static } from '@millrace/core'

/** Options of a connector that reads JSON lines or arrays, to spread into its own. */
export const jsonOptions = {
  max_record_size: option.size('The largest record.', { tuning: true, default: '1MiB', example: '8MiB' }),
}

/** The options as a reader gets them; sizes in bytes. */
export type JsonOptions = { readonly [K in keyof typeof jsonOptions]: Static<(typeof jsonOptions)[K]> }

/** The defaults. */
export const jsonDefaults: JsonOptions = { max_record_size: 1024 * 1024 }
