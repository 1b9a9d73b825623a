/** Options of the Kinesis sink. */
import { option, type Static } from '@millrace/core'
import { kinesisOptions } from '@millrace/client-kinesis'
import { streamSinkOptions } from '@millrace/kinds'

export const options = option.object({
  ...streamSinkOptions,
  ...kinesisOptions,
  order: option.oneOf(
    ['strict', 'none'],
    '`strict`: one record of a key per call, so none overtakes an earlier one that was refused; `none`: as many as fit.',
    { tuning: true, default: 'strict' },
  ),
  max_message: option.size('A larger record (value, id and key) is a bad record.', { tuning: true, default: '1MiB' }),
})
export type Options = Static<typeof options>
