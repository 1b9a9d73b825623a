/** The Kinesis sink. */
import type { Definition } from '@millrace/core'
import { sinkKinesis } from './sink.ts'

export { sinkKinesis }
export default [sinkKinesis] satisfies Definition[]
