/** The sink of the embedded log. */
import type { Definition } from '@millrace/core'
import { sinkLog } from './sink.ts'

export { sinkLog }
export default [sinkLog] satisfies Definition[]
