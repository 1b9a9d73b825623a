/** Options of the Kafka source. */
import { option, type Static } from '@millrace/core'
import { kafkaOptions } from '@millrace/client-kafka'
import { streamSourceOptions } from '@millrace/kinds'

export const options = option.object({
  ...streamSourceOptions,
  ...kafkaOptions,
  on_gap: option.oneOf(['fail', 'earliest', 'latest'], 'What to do if the topic no longer has the next records.', {
    default: 'fail',
  }),
  max_bytes: option.size('The approximate maximum to fetch from a partition at once, decompressed.', {
    tuning: true,
    default: '1MiB',
  }),
  max_wait: option.duration('How long a broker may wait for new records before it answers.', {
    tuning: true,
    default: '100ms',
  }),
  report_group: option.optional(
    option.text(
      'A consumer group whose offsets are set to the saved positions, for tools that show lag. Nothing is read from it.',
      { tuning: true, example: 'store-invoices' },
    ),
  ),
})
export type Options = Static<typeof options>
