/** Reads documents of MongoDB to their end. */
import { mongodb } from './source.ts'

export default [mongodb]
