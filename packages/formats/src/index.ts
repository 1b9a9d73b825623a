/** The entry point of @millrace/formats: bytes to records and back. */
export * from './reader.ts'
export * from './writer.ts'
export * from './shape.ts'
export * from './bytes.ts'
export * from './compression.ts'
export * from './text.ts'
export { decodeWithPartitions, type Partitions, partitionsIn, withFolders, withPartitions } from './partitions.ts'
export * from './read-format.ts'
export * from './write-format.ts'
export { halfPair, refusedTexts } from './refuse.ts'
export { inferCsv } from './csv/infer.ts'
export { csvDefaults, type CsvOptions, csvOptions, csvProblems } from './csv/options.ts'
export { createCsvReader, csvReadAccepts } from './csv/reader.ts'
export {
  csvAccepts,
  csvWriteDefaults,
  type CsvWriteOptions,
  csvWriteOptions,
  csvWriteProblems,
  csvWriter,
} from './csv/writer.ts'
export { createJsonReader } from './json/array.ts'
export { compileEachEncoder, compileFieldAtFault, type EncodeEach, encodingFault } from './json/each.ts'
export { compileEncoder, type EncodeRows, jsonValue, type JsonWriteOptions } from './json/encode.ts'
export { createJsonLinesReader, decodeOne, jsonLinesDecoder } from './json/lines.ts'
export { jsonDefaults, type JsonOptions, jsonOptions } from './json/options.ts'
export { type RecordFailure, type RecordParser, recordParser } from './json/record.ts'
export { Block, valueReader } from './json/values.ts'
export { jsonArrayWriter, jsonLinesWriter } from './json/write.ts'
export { skipOf } from './skip.ts'
