/** The source of files. */
import type { Definition } from '@millrace/core'
import { sourceFiles } from './source.ts'

export { sourceFiles }
export default [sourceFiles] satisfies Definition[]
