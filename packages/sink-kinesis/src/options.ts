/** Options of the Kinesis sink. */
import { option, type Static } from '@millrace/core'
import { kinesisOptions } from '@millrace/client-kinesis'
import { streamSinkOptions } from '@millrace/kinds'

export const options = option.object({
  ...streamSinkOptions,
  ...kinesisOptions,
  max_message: option.size('A larger record (value, id and key) is a bad record.', { tuning: true, default: '1MiB' }),
})
export type Options = Static<typeof options>
