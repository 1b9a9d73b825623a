/** Writes documents to MongoDB. */
import { mongodb } from './sink.ts'

export default [mongodb]
