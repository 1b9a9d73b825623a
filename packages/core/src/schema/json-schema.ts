/** Writes schemas as JSON Schema, as `pipe schema` prints them. */
import { type Field, type RecordType, type Type, typeText } from './type.ts'

/** The JSON Schema (2020-12) of a record in its JSON text form. `parseRecordType` reads it back to the same type. */
export function recordToJsonSchema(record: RecordType): Record<string, unknown> {
  const entries = Object.entries(record.fields)
  const required = entries.filter(([, field]) => !field.optional).map(([name]) => name)
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, field]) => [name, fieldToJsonSchema(field)])),
    required: required.length ? required : undefined,
    additionalProperties: record.open ?? false,
  }
}

function fieldToJsonSchema(field: Field): Record<string, unknown> {
  const schema = typeToJsonSchema(field.type)
  return field.optional && schema['type'] ? { ...schema, type: [schema['type'], 'null'] } : schema
}

/** An item has no list of required ones that would tell whether it may be null. */
const itemToJsonSchema = (item: Field): Record<string, unknown> =>
  item.optional && item.type.kind === 'json' ? { 'x-millrace-type': 'json?' } : fieldToJsonSchema(item)

function typeToJsonSchema(type: Type): Record<string, unknown> {
  switch (type.kind) {
    case 'string':
    case 'boolean':
    case 'integer':
    case 'number':
      return { type: type.kind }
    case 'date':
      return { type: 'string', format: 'date' }
    case 'timestamp':
      return { type: 'string', format: 'date-time' }
    case 'bytes':
      return { type: 'string', contentEncoding: 'base64' }
    case 'fine_timestamp':
      return { type: 'string', format: 'date-time', 'x-millrace-type': typeText(type) }
    case 'bigint':
    case 'decimal':
    case 'time':
      return { type: 'string', 'x-millrace-type': typeText(type) }
    case 'list':
      return { type: 'array', items: itemToJsonSchema(type.of) }
    case 'map':
      return { type: 'object', additionalProperties: itemToJsonSchema(type.of) }
    case 'object':
      return recordToJsonSchema(type.record)
    case 'json':
      return {}
  }
}
