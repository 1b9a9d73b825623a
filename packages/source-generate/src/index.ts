/** The source of generated records. */
import type { Definition } from '@millrace/core'
import { generate } from './source.ts'

export { generate }
export default [generate] satisfies Definition[]
