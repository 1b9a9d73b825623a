/**
 * Converts values to BSON. Text, numbers and booleans are left unchanged: the driver writes a 32-bit whole number as
 * int and any other number as double, which represents every `integer` exactly.
 */
import { compileDateParser, mapValues, type RecordType, type Row, toText, type Type } from '@millrace/core'
import { Decimal128 } from '@millrace/client-mongodb/driver'

const midnight = compileDateParser(['yyyy-MM-dd'], 'UTC')

/** Converts a value other than null to its stored form. */
export function toBson(type: Type): (value: unknown) => unknown {
  return converter(type) ?? ((value) => value)
}

/** Undefined: memory and BSON have the same form. */
function converter(type: Type): ((value: unknown) => unknown) | undefined {
  switch (type.kind) {
    case 'decimal':
      return (value) => Decimal128.fromString(value as string)
    case 'date':
      return (value) => {
        const ms = midnight(value as string)
        if (ms === undefined) throw new RangeError(`${value as string} is not a date that MongoDB can store`)
        return new Date(ms)
      }
    case 'timestamp':
      return (value) => {
        if (!(Math.abs(value as number) <= 8.64e15))
          throw new RangeError(`${value as number} ms is not a time that MongoDB can store`)
        return new Date(value as number)
      }
    case 'fine_timestamp':
      return toText(type)
    case 'json':
      return (value) => {
        if (isWide(value)) throw new RangeError('a whole number inside does not fit in 64 bits')
        return value
      }
    case 'list': {
      const item = converter(type.of.type)
      return (
        item &&
        ((value) => (value as unknown[]).map((part) => (part === null || part === undefined ? null : item(part))))
      )
    }
    case 'map': {
      const item = converter(type.of.type)
      return (
        item &&
        ((value) => mapValues(value as Row, (part) => (part === null || part === undefined ? null : item(part))))
      )
    }
    case 'object':
      return recordConverter(type.record)
    default:
      return undefined
  }
}

/** Whether a whole number inside is beyond 64 bits: the driver would cut it. */
export function isWide(value: unknown): boolean {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) !== value
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false
  return Array.isArray(value) ? value.some(isWide) : Object.values(value).some(isWide)
}

function recordConverter(record: RecordType): ((value: unknown) => unknown) | undefined {
  const fields = Object.entries(record.fields).flatMap(([name, field]) => {
    const convert = converter(field.type)
    return convert ? [{ name, convert }] : []
  })
  if (fields.length === 0) return undefined
  return (value) => {
    const made: Row = { ...(value as Row) }
    for (const { name, convert } of fields) {
      const part = Object.hasOwn(made, name) ? made[name] : null
      if (part !== null && part !== undefined) made[name] = convert(part)
    }
    return made
  }
}

/** Converts a row to its document, without its key. Throws if a value has no BSON form. */
export function compileDocument(schema: RecordType, nulls: 'write' | 'omit'): (row: Row) => Row {
  const convert = recordConverter(schema) as ((row: Row) => Row) | undefined
  const plain = convert ?? ((row: Row) => row)
  if (nulls === 'write') return plain
  return (row) =>
    Object.fromEntries(Object.entries(plain(row)).filter(([, value]) => value !== null && value !== undefined))
}
