/** Documents of MongoDB, read to their end. */
import { mongodb } from './source.ts'

export default [mongodb]
