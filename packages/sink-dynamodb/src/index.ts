/** Writes documents to DynamoDB. */
import { dynamodb } from './sink.ts'

export default [dynamodb]
