/** Documents in MongoDB. */
import { mongodb } from './sink.ts'

export default [mongodb]
