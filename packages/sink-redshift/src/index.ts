/** Rows in typed columns of Amazon Redshift. */
import { redshift } from './sink.ts'

export default [redshift]
