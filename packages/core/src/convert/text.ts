/** Values from and to text, for CSV and the console. */
import { isoText } from '../date/index.ts'
import { DataError } from '../errors/index.ts'
import type { Type } from '../schema/index.ts'
import { fromJson } from './from-json.ts'
import { toJson } from './to-json.ts'
import {
  base64,
  bigintFromText,
  booleanFromText,
  bytesFromText,
  decimalFromText,
  integerFromText,
  numberFromText,
  show,
} from './scalar.ts'
import { dateFromText, timestampFromText } from './time.ts'

function jsonFromText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new DataError('bad_json', `${show(text)} is not JSON`)
  }
}

/** Text to a value of the type. The function throws `DataError` without a field. An empty text is an ordinary text. */
export function fromText(type: Type): (text: string) => unknown {
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
    case 'timestamp':
      return timestampFromText
    case 'bytes':
      return bytesFromText
    case 'list':
    case 'object':
    case 'json': {
      const read = fromJson(type)
      return (text) => read(jsonFromText(text))
    }
  }
}

/** A value of the type to text, for CSV and the console; null becomes empty text. */
export function toText(type: Type): (value: unknown) => string {
  switch (type.kind) {
    case 'timestamp':
      return (value) => (value === null || value === undefined ? '' : isoText(value as number))
    case 'bytes':
      return (value) => (value === null || value === undefined ? '' : base64(value as Uint8Array))
    case 'list':
    case 'object':
    case 'json': {
      const write = toJson(type)
      return (value) => (value === null || value === undefined ? '' : JSON.stringify(write(value)))
    }
    default:
      return (value) => (value === null || value === undefined ? '' : String(value))
  }
}
