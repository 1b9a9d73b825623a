/** Options of the Kafka sink. */
import { option, type Static } from '@millrace/core'
import { kafkaOptions } from '@millrace/client-kafka'
import { streamSinkOptions } from '@millrace/kinds'

export const options = option.object({
  ...streamSinkOptions,
  ...kafkaOptions,
  compression: option.oneOf(['zstd', 'lz4', 'snappy', 'gzip', 'none'], 'How batches are compressed.', {
    tuning: true,
    default: 'zstd',
  }),
  in_flight: option.integer('Concurrent sends; their order is preserved.', {
    tuning: true,
    default: 4,
    min: 1,
    max: 5,
  }),
  max_message: option.size('A larger value is a bad record.', { tuning: true, default: '1MiB' }),
})
export type Options = Static<typeof options>
