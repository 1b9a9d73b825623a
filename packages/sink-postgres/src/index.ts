/** Rows in typed columns of PostgreSQL. */
import { postgres } from './sink.ts'

export default [postgres]
