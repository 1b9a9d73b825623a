/** The Kafka source. */
import type { Definition } from '@millrace/core'
import { sourceKafka } from './source.ts'

export { sourceKafka }
export default [sourceKafka] satisfies Definition[]
