/** The Kinesis source. */
import type { Definition } from '@millrace/core'
import { sourceKinesis } from './source.ts'

export { sourceKinesis }
export default [sourceKinesis] satisfies Definition[]
