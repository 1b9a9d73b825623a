/** Values from and to JSON as `JSON.parse` gives it and `JSON.stringify` takes it. */
import { isoText } from '../date.ts'
import { DataError } from '../errors.ts'
import type { Json, Row } from '../record.ts'
import type { Field, Type } from '../schema.ts'
import { rowFromJson, setOwn } from './row.ts'
import { base64, bigintFromText, bytesFromText, decimalFromNumber, decimalFromText, show } from './scalar.ts'
import { dateFromText, timestampFromText } from './time.ts'

/**
 * A parsed JSON value to a value of the type. The function throws `DataError` whose `field` is the path inside the value, if it is not the value itself.
 * null is refused: whoever knows whether the field is optional asks first.
 */
export function fromJson(type: Type): (value: unknown) => unknown {
  switch (type.kind) {
    case 'string':
      return (value) => (typeof value === 'string' ? value : refuse('not_string', value, 'text'))
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? value : refuse('not_boolean', value, 'true or false'))
    case 'integer':
      return (value) => {
        if (Number.isSafeInteger(value)) return (value as number) + 0
        return Number.isInteger(value) ? tooLarge(value) : refuse('not_integer', value, 'a whole number')
      }
    case 'number':
      return (value) => {
        if (typeof value !== 'number') return refuse('not_number', value, 'a number')
        return Number.isFinite(value) ? value : tooLarge(value)
      }
    case 'bigint':
      return (value) => {
        if (typeof value === 'string') return bigintFromText(value)
        if (Number.isSafeInteger(value)) return BigInt(value as number)
        return Number.isInteger(value)
          ? tooLarge(value, 'write it as a string')
          : refuse('not_integer', value, 'a whole number')
      }
    case 'decimal':
      return (value) => {
        if (typeof value === 'string') return decimalFromText(value, type.precision, type.scale)
        return typeof value === 'number'
          ? decimalFromNumber(value, type.precision, type.scale)
          : refuse('bad_decimal', value, 'a decimal')
      }
    case 'date':
      return (value) =>
        typeof value === 'string' ? dateFromText(value) : refuse('bad_date', value, 'a date as yyyy-MM-dd')
    case 'timestamp':
      return (value) =>
        typeof value === 'string' ? timestampFromText(value) : refuse('bad_date', value, 'a timestamp as ISO 8601 text')
    case 'bytes':
      return (value) =>
        typeof value === 'string' ? bytesFromText(value) : refuse('bad_bytes', value, 'bytes as base64 text')
    case 'json':
      return (value) => value
    case 'list': {
      const item = fieldFromJson(type.of)
      return (value) => {
        if (!Array.isArray(value)) return refuse('not_list', value, 'a list')
        const items = new Array<unknown>(value.length)
        for (let i = 0; i < items.length; i++) items[i] = within(`[${i}]`, item, value[i])
        return items
      }
    }
    case 'object': {
      const read = rowFromJson(type.record, type.record.open ? 'keep' : 'drop')
      return (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value))
          return refuse('not_object', value, 'an object')
        const row = read(value as Row)
        if (!Array.isArray(row)) return row
        throw new DataError(row[0]!.code, row[0]!.message, row[0]!.field)
      }
    }
  }
}

function refuse(code: string, value: unknown, expected: string): never {
  if (value === null || value === undefined) throw new DataError('missing_value', `is missing: expected ${expected}`)
  throw new DataError(code, `${show(value)} is not ${expected}`)
}

function tooLarge(value: unknown, hint?: string): never {
  throw new DataError('out_of_range', `${show(value)} is beyond what its type holds exactly${hint ? `: ${hint}` : ''}`)
}

/** Runs `read` with `step` put before the path of its error. */
function within(step: string, read: (value: unknown) => unknown, value: unknown): unknown {
  try {
    return read(value)
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    throw new DataError(error.code, error.message, joinPath(step, error.field))
  }
}

/** A path inside a value put behind the step that leads to it. */
export const joinPath = (step: string, rest: string | undefined): string =>
  rest === undefined ? step : rest.startsWith('[') ? step + rest : `${step}.${rest}`

/** The same for a field: null and absent become null where it is optional. */
export function fieldFromJson(field: Field): (value: unknown) => unknown {
  const read = fromJson(field.type)
  return field.optional ? (value) => (value === null || value === undefined ? null : read(value)) : read
}

/** A value of the type as what `JSON.stringify` may get: bigint and decimal as strings, timestamps as ISO 8601 in UTC, bytes as base64. null stays null. */
export function toJson(type: Type): (value: unknown) => Json {
  const write = jsonWriter(type)
  return write
    ? (value) => (value === null || value === undefined ? null : write(value))
    : (value) => (value ?? null) as Json
}

/** The conversion of a value that is not null; undefined where memory and JSON have the same form. */
function jsonWriter(type: Type): ((value: unknown) => Json) | undefined {
  switch (type.kind) {
    case 'bigint':
      return String
    case 'timestamp':
      return (value) => isoText(value as number)
    case 'bytes':
      return (value) => base64(value as Uint8Array)
    case 'list': {
      if (!jsonWriter(type.of.type)) return undefined
      const item = toJson(type.of.type)
      return (value) => (value as unknown[]).map(item)
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
