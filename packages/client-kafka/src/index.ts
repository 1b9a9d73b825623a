/** The door of @millrace/client-kafka: a Kafka cluster, for whoever reads a topic and whoever writes one. */
export * from './connection.ts'
export * from './reader.ts'
export * from './writer.ts'
