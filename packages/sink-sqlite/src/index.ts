/** Documents and tables in SQLite, the embedded store. */
import { sqlite } from './sink.ts'

export default [sqlite]
