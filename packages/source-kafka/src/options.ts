/** Options of the Kafka source. */
import { option, type Static } from '@millrace/core'
import { kafkaOptions } from '@millrace/client-kafka'
import { streamSourceOptions } from '@millrace/kinds'

export const options = option.object({
  ...streamSourceOptions,
  ...kafkaOptions,
  on_gap: option.oneOf(
    ['fail', 'earliest', 'latest'],
    'What to do when the topic no longer has the records that come next.',
    { default: 'fail' },
  ),
  max_bytes: option.size('The most to fetch of a partition at once, about, as it is when unpacked.', {
    tuning: true,
    default: '1MiB',
  }),
  max_wait: option.duration('How long a broker may wait for new records before it answers.', {
    tuning: true,
    default: '100ms',
  }),
  report_group: option.optional(
    option.text(
      'A consumer group whose offsets are set to what was saved, for tools that show lag. Nothing is read from it.',
      { tuning: true, example: 'store-invoices' },
    ),
  ),
})
export type Options = Static<typeof options>
