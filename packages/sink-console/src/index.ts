/** Prints records to the terminal or into a pipe. */
import { console } from './sink.ts'

export default [console]
