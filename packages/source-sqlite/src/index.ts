/** Documents and tables of the embedded store, read to their end. */
import { sqlite } from './source.ts'

export default [sqlite]
