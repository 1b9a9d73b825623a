/** The source of the embedded log. */
import type { Definition } from '@millrace/core'
import { sourceLog } from './source.ts'

export { sourceLog }
export default [sourceLog] satisfies Definition[]
