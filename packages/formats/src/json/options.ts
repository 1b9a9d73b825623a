/** The options of JSON, said once for every connector that reads or writes it. */
import { option, type Static } from '@millrace/core'

/** Of a connector that reads JSON lines or arrays; spread into its options. */
export const jsonOptions = {
  max_record_size: option.size('The largest record.', { tuning: true, default: '1MiB', example: '8MiB' }),
}

/** The options as a reader gets them; sizes in bytes. */
export type JsonOptions = { readonly [K in keyof typeof jsonOptions]: Static<(typeof jsonOptions)[K]> }

/** What holds where nothing is said. */
export const jsonDefaults: JsonOptions = { max_record_size: 1024 * 1024 }
