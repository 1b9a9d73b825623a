/** Reads documents and tables of the embedded store to their end. */
import { sqlite } from './source.ts'

export default [sqlite]
