/** The entry point of @millrace/client-kafka: reading and writing topics of a Kafka cluster. */
export * from './connection.ts'
export * from './reader.ts'
export * from './writer.ts'
