/** The Kafka sink. */
import type { Definition } from '@millrace/core'
import { sinkKafka } from './sink.ts'

export { sinkKafka }
export default [sinkKafka] satisfies Definition[]
