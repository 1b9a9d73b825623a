/** Values to JSON, as input for `JSON.stringify`. */
import { isoText } from '../date/index.ts'
import type { Json, Row } from '../record/index.ts'
import type { Type } from '../schema/index.ts'
import { mapValues, setOwn } from './own.ts'
import { base64 } from './scalar.ts'
import { fineTimestampText } from './time.ts'

/**
 * A value of the type as input for `JSON.stringify`: bigint and decimal as strings, timestamps as ISO 8601 in UTC,
 * bytes as base64. null stays null.
 */
export function toJson(type: Type): (value: unknown) => Json {
  const write = jsonWriter(type)
  return write
    ? (value) => (value === null || value === undefined ? null : write(value))
    : (value) => (value ?? null) as Json
}

/** The conversion of a value other than null; undefined if memory and JSON have the same form. */
function jsonWriter(type: Type): ((value: unknown) => Json) | undefined {
  switch (type.kind) {
    case 'bigint':
      return String
    case 'timestamp':
      return (value) => isoText(value as number)
    case 'fine_timestamp':
      return (value) => fineTimestampText(value as bigint, type.precision)
    case 'bytes':
      return (value) => base64(value as Uint8Array)
    case 'list': {
      if (!jsonWriter(type.of.type)) return undefined
      const item = toJson(type.of.type)
      return (value) => (value as unknown[]).map(item)
    }
    case 'map': {
      if (!jsonWriter(type.of.type)) return undefined
      const item = toJson(type.of.type)
      return (value) => mapValues(value as Row, item) as Json
    }
    case 'object': {
      const fields = Object.entries(type.record.fields)
      if (fields.every(([, field]) => !jsonWriter(field.type))) return undefined
      const writes = fields.map(([name, field]) => [name, toJson(field.type)] as const)
      const { open } = type.record
      return (value) => {
        const made: Row = {}
        for (const [name, write] of writes) made[name] = write((value as Row)[name])
        if (open)
          for (const name of Object.keys(value as Row))
            if (!Object.hasOwn(made, name)) setOwn(made, name, (value as Row)[name])
        return made as Json
      }
    }
    default:
      return undefined
  }
}
