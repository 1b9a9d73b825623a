/** The door of @millrace/formats: bytes to records and back. */
export * from './reader.ts'
export * from './writer.ts'
export * from './compression.ts'
export * from './text.ts'
export { createCsvReader } from './csv/reader.ts'
export { csvDefaults, type CsvOptions, csvOptions, csvProblems } from './csv/options.ts'
