/** The S3 source. */
import type { Definition } from '@millrace/core'
import { sourceS3 } from './source.ts'

export { sourceS3 }
export default [sourceS3] satisfies Definition[]
