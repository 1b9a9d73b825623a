/** Options of the Kinesis source. */
import { option, type Static } from '@millrace/core'
import { kinesisOptions } from '@millrace/client-kinesis'
import { streamSourceOptions } from '@millrace/kinds'

export const options = option.object({
  ...streamSourceOptions,
  ...kinesisOptions,
  start_at: option.optional(
    option.text('Begin with the records that arrived at this time or later, instead of `start`.', {
      example: '2026-01-01T00:00:00.000Z',
    }),
  ),
  on_gap: option.oneOf(['fail', 'earliest'], 'What to do if the stream no longer has the next records.', {
    default: 'fail',
  }),
  max_records: option.integer('The most records to read from a shard at once.', {
    tuning: true,
    default: 10_000,
    min: 1,
    max: 10_000,
  }),
})
export type Options = Static<typeof options>
