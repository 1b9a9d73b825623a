/**
 * Converts BSON values to the in-memory forms of declared types. Nothing is rounded: a long in an `integer` beyond
 * 2^53, a double in a `bigint` or a decimal with too many digits is a `DataError`. Text is accepted where JSON would
 * have it, since documents come from anywhere.
 */
import {
  DataError,
  type Field,
  fromJson,
  fromText,
  instantOf,
  mapValues,
  type RecordType,
  type Row,
  setOwn,
  type Tally,
  type Type,
  unitsPerMs,
} from '@millrace/core'
import { bsonBytes, bsonClass, bsonToPlain, isBsonDocument, uuidText } from '@millrace/client-mongodb'
import { decimalText } from '@millrace/client-mongodb'

const isDecimal = (value: unknown): value is object => bsonClass(value) === 'Decimal128'

/** What happens to fields that a type does not name, unless it is open; `tally` counts those left out. */
interface Others {
  readonly unknownFields: 'drop' | 'error' | 'keep'
  readonly tally: Tally
}

/** Converts a value other than null; throws `DataError`, with the path inside the value as `field`. */
export function fromBson(
  type: Type,
  others: Others = { unknownFields: 'drop', tally: { unknown: 0 } },
): (value: unknown) => unknown {
  const json = fromJson(type, others.unknownFields, others.tally)
  switch (type.kind) {
    case 'string':
      return (value) => (bsonClass(value) === 'ObjectId' ? String(value) : (uuidText(value) ?? json(value)))
    case 'integer':
    case 'bigint': {
      const text = fromText(type)
      return (value) =>
        typeof value === 'bigint' ? text(String(value)) : isDecimal(value) ? text(decimalText(value)) : json(value)
    }
    case 'number':
      return (value) => {
        if (typeof value !== 'bigint') return json(value)
        if (Number.isSafeInteger(Number(value))) return Number(value)
        throw new DataError('out_of_range', `${value} cannot be represented exactly as a number`)
      }
    case 'decimal': {
      const text = fromText(type)
      return (value) =>
        isDecimal(value) ? text(decimalText(value)) : typeof value === 'bigint' ? text(String(value)) : json(value)
    }
    case 'date':
      return (value) => {
        if (!(value instanceof Date)) return json(value)
        const [day, time] = isoOf(value).split('T')
        if (time === '00:00:00.000Z') return json(day)
        throw new DataError('bad_date', `${isoOf(value)} is a time, not a date: declare the field as timestamp`)
      }
    case 'timestamp':
      return (value) => {
        if (!(value instanceof Date)) return json(value)
        return instantOf(timeOf(value))
      }
    case 'fine_timestamp':
      return (value) => {
        if (!(value instanceof Date)) return json(value)
        const units = BigInt(instantOf(timeOf(value))) * unitsPerMs[type.precision]
        if (BigInt.asIntN(64, units) === units) return units
        throw new DataError('out_of_range', `${isoOf(value)} does not fit in 64 bits as timestamp(${type.precision})`)
      }
    case 'bytes':
      return (value) => {
        const bytes = bsonBytes(value)
        return bytes ? new Uint8Array(bytes) : json(value)
      }
    case 'json':
      return bsonToPlain
    case 'list': {
      const item = fieldFromBson(type.of, others)
      return (value) => (Array.isArray(value) ? value.map((part, i) => within(`[${i}]`, item, part)) : json(value))
    }
    case 'map': {
      const item = fieldFromBson(type.of, others)
      return (value) =>
        isBsonDocument(value) ? mapValues(value, (part, key) => within(key, item, part)) : json(bsonToPlain(value))
    }
    case 'object': {
      const read = rowFromBson(type.record, others)
      return (value) => (isBsonDocument(value) ? read(value) : json(bsonToPlain(value)))
    }
    case 'boolean':
    case 'time':
      return json
  }
}

function fieldFromBson(field: Field, others: Others): (value: unknown) => unknown {
  const read = fromBson(field.type, others)
  return (value) => {
    if (value !== null && value !== undefined) return read(value)
    if (field.optional) return null
    throw new DataError('missing_value', 'is missing')
  }
}

/**
 * Converts a document to a row of one shape. Fields outside the type are kept as JSON if it is open; else they are as
 * `others` says, but for those `allowed`. Throws `DataError` for the first invalid field.
 */
export function rowFromBson(
  record: RecordType,
  others: Others,
  allowed: readonly string[] = [],
): (document: Row) => Row {
  const fields = Object.entries(record.fields).map(([name, field]) => ({ name, read: fieldFromBson(field, others) }))
  const known = new Set(Object.keys(record.fields))
  return (document) => {
    const row: Row = {}
    for (const { name, read } of fields)
      setOwn(row, name, within(name, read, Object.hasOwn(document, name) ? document[name] : null))
    for (const name of Object.keys(document)) {
      if (known.has(name)) continue
      if (record.open) setOwn(row, name, bsonToPlain(document[name]))
      else if (allowed.includes(name)) continue
      else if (others.unknownFields === 'error')
        throw new DataError('unknown_field', 'is not a field of the schema', name)
      else others.tally.unknown++
    }
    return row
  }
}

function within(step: string, read: (value: unknown) => unknown, value: unknown): unknown {
  try {
    return read(value)
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    const { field } = error
    throw new DataError(
      error.code,
      error.message,
      field === undefined ? step : field.startsWith('[') ? step + field : `${step}.${field}`,
    )
  }
}

function timeOf(date: Date): number {
  const ms = date.getTime()
  if (Number.isNaN(ms)) throw new DataError('bad_date', 'the date is out of range')
  return ms
}

const isoOf = (date: Date): string => new Date(timeOf(date)).toISOString()
