/** Reads the items of a table of DynamoDB to its end. */
import { dynamodb } from './source.ts'

export default [dynamodb]
