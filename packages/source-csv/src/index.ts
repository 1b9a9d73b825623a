/** The source of CSV files. */
import type { Definition } from '@millrace/core'
import { sourceCsv } from './source.ts'

export { sourceCsv }
export default [sourceCsv] satisfies Definition[]
