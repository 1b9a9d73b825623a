/**
 * Values as DynamoDB stores them. Numbers travel as text, so that none is rounded on the way. The service's document
 * client is not used: it goes through JavaScript's numbers, and looks at every value to find out its type.
 */
import { mapValues, type Row, toText, type Type } from '@millrace/core'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'

/** A stored value. */
export type Stored = AttributeValue
/** A stored item. */
export type Item = Record<string, Stored>

const none: Stored = { NULL: true }
const store = (make: (value: unknown) => Stored) => (value: unknown) =>
  value === null || value === undefined ? none : make(value)

/** The digits that a number can have: DynamoDB's developer guide, "Data types". */
export const mostDigits = 38

/** Makes the function from a value to its stored form. Throws `RangeError` for a number that has none. */
export function toStored(type: Type): (value: unknown) => Stored {
  switch (type.kind) {
    case 'string':
      return store((value) => ({ S: value as string }))
    case 'boolean':
      return store((value) => ({ BOOL: value as boolean }))
    case 'integer':
    case 'bigint':
    case 'decimal':
      return store((value) => ({ N: String(value) }))
    case 'number':
      return store((value) => ({ N: numberText(value as number) }))
    case 'bytes':
      return store((value) => ({ B: value as Uint8Array }))
    case 'list': {
      const item = toStored(type.of.type)
      return store((value) => ({ L: (value as unknown[]).map(item) }))
    }
    case 'map': {
      const item = toStored(type.of.type)
      return store((value) => ({ M: mapValues(value as Row, item) as Item }))
    }
    case 'object': {
      const fields = Object.entries(type.record.fields).map(([name, field]) => ({ name, item: toStored(field.type) }))
      const { open } = type.record
      return store((value) => {
        const row = value as Row
        const made: Item = open ? (mapValues(row, storedJson) as Item) : {}
        for (const { name, item } of fields) made[name] = item(Object.hasOwn(row, name) ? row[name] : null)
        return { M: made }
      })
    }
    case 'json':
      return storedJson
    default: {
      const text = toText(type)
      return store((value) => ({ S: text(value) }))
    }
  }
}

/** A number within what the service keeps: its magnitude is 1E-130 to 9.99E+125. */
function numberText(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && !(size >= 1e-130 && size < 1e126))
    throw new RangeError(`${value} is not a number that DynamoDB can store`)
  return String(value)
}

/** A value as JSON has it. */
export function storedJson(value: unknown): Stored {
  switch (typeof value) {
    case 'string':
      return { S: value }
    case 'boolean':
      return { BOOL: value }
    case 'number':
      return { N: numberText(value) }
    case 'bigint': {
      const text = String(value)
      if (text.replace(/^-/, '').replace(/0+$/, '').length > mostDigits)
        throw new RangeError(`a whole number inside has more than ${mostDigits} digits`)
      return { N: text }
    }
    default:
      if (value === null || value === undefined) return none
      if (value instanceof Uint8Array) return { B: value }
      if (Array.isArray(value)) return { L: value.map(storedJson) }
      return { M: mapValues(value as Row, storedJson) as Item }
  }
}

/** A stored value as JSON: a number that JavaScript would round is a bigint or text, bytes are Base64. */
export function fromStored(value: Stored): unknown {
  if (value.S !== undefined) return value.S
  if (value.N !== undefined) return fromNumber(value.N)
  if (value.BOOL !== undefined) return value.BOOL
  if (value.M !== undefined) return fromItem(value.M)
  if (value.L !== undefined) return value.L.map(fromStored)
  if (value.B !== undefined) return base64(value.B)
  if (value.SS !== undefined) return value.SS
  if (value.NS !== undefined) return value.NS.map(fromNumber)
  return value.BS === undefined ? null : value.BS.map(base64)
}

/** A stored item as JSON. */
export const fromItem = (item: Item): Row => mapValues(item, (value) => fromStored(value as Stored))

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

function fromNumber(text: string): number | bigint | string {
  const number = Number(text)
  if (Number.isSafeInteger(number)) return number
  if (/^-?\d+$/.test(text)) return BigInt(text)
  // The shortest text of a double is the number itself if it has these digits and no others.
  return digitsOf(String(number)) === digitsOf(text) ? number : text
}

const digitsOf = (text: string): string =>
  text
    .replace(/e.*$/i, '')
    .replaceAll(/[-.]/g, '')
    .replaceAll(/^0+|0+$/g, '')
