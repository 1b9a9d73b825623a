/** Values from and to text, for CSV and the console. */
import { isoText } from '../date/index.ts'
import type { Type } from '../schema/index.ts'
import type { Tally } from '../record/index.ts'
import { fromJson, type UnknownFields } from './from-json.ts'
import { readJson } from './json.ts'
import { printJson } from './print-json.ts'
import { toJson } from './to-json.ts'
import {
  base64,
  bigintFromText,
  booleanFromText,
  bytesFromText,
  decimalFromText,
  integerFromText,
  numberFromText,
} from './scalar.ts'
import { dateFromText, fineTimestampFromText, fineTimestampText, timeFromText, timestampFromText } from './time.ts'

/**
 * Text to a value of the type. The function throws `DataError`; its `field` is a path inside JSON. An empty text is an
 * ordinary text. `unknownFields`: as for `fromJson`.
 */
export function fromText(type: Type, unknownFields?: UnknownFields, tally?: Tally): (text: string) => unknown {
  switch (type.kind) {
    case 'string':
      return (text) => text
    case 'boolean':
      return booleanFromText
    case 'integer':
      return integerFromText
    case 'bigint':
      return bigintFromText
    case 'number':
      return numberFromText
    case 'decimal':
      return (text) => decimalFromText(text, type.precision, type.scale)
    case 'date':
      return dateFromText
    case 'time':
      return timeFromText
    case 'timestamp':
      return timestampFromText
    case 'fine_timestamp':
      return (text) => fineTimestampFromText(text, type.precision)
    case 'bytes':
      return bytesFromText
    case 'list':
    case 'map':
    case 'object':
    case 'json': {
      const read = fromJson(type, unknownFields, tally)
      return (text) => read(readJson(text))
    }
  }
}

/** A value of the type to text, for CSV and the console; null becomes empty text. */
export function toText(type: Type): (value: unknown) => string {
  switch (type.kind) {
    case 'timestamp':
      return (value) => (value === null || value === undefined ? '' : isoText(value as number))
    case 'fine_timestamp':
      return (value) =>
        value === null || value === undefined ? '' : fineTimestampText(value as bigint, type.precision)
    case 'bytes':
      return (value) => (value === null || value === undefined ? '' : base64(value as Uint8Array))
    case 'list':
    case 'map':
    case 'object':
    case 'json': {
      const write = toJson(type)
      return (value) => (value === null || value === undefined ? '' : printJson(write(value)))
    }
    default:
      return (value) => (value === null || value === undefined ? '' : String(value))
  }
}
