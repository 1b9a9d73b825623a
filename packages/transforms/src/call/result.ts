/**
 * Checks the result of a user's function: each value must have the in-memory form of its declared type, as listed in
 * packages/core/src/schema/type.ts.
 */
import {
  DataError,
  type Field,
  fromText,
  isDateText,
  mapValues,
  type RecordType,
  type Row,
  type Type,
  typeText,
} from '@millrace/core'
import { rowMaker } from '../rows.ts'
import { copied } from './copy.ts'

/**
 * Makes a row of one shape from a returned record. Throws `DataError` with code `bad_result` and the field at fault.
 * Absent fields become null.
 */
export function resultReader(output: RecordType): (value: unknown) => Row {
  const read = recordReader(output)
  return (value) => {
    if (isRecord(value)) return read(value, '')
    throw new DataError('bad_result', `the function returned ${describe(value)}: expected a record`)
  }
}

type Read = (value: unknown, path: string) => unknown

function recordReader(output: RecordType): (record: Row, path: string) => Row {
  const names = Object.keys(output.fields)
  const known = new Set(names)
  const reads = names.map((name) => fieldReader(output.fields[name]!))
  const make = rowMaker(
    names.map((name, i) => [name, i]),
    output,
    true,
  )
  return (record, path) => {
    const values = names.map((name, i) =>
      reads[i]!(Object.hasOwn(record, name) ? record[name] : null, join(path, name)),
    )
    if (!output.open) {
      for (const name of Object.keys(record))
        if (!known.has(name))
          throw new DataError('bad_result', `\`${name}\` is not a field of the declared output`, join(path, name))
    }
    return make(record, values)
  }
}

function fieldReader({ type, optional }: Field): Read {
  const read = valueReader(type)
  return (value, path) => {
    if (value !== null && value !== undefined) return read(value, path)
    if (optional) return null
    throw new DataError('bad_result', `is missing: expected ${typeText(type)}`, path)
  }
}

function valueReader(type: Type): Read {
  if (type.kind === 'list') {
    const item = fieldReader(type.of)
    return (value, path) =>
      Array.isArray(value) ? Array.from(value, (each, i) => item(each, `${path}[${i}]`)) : refuse(value, type, path)
  }
  if (type.kind === 'map') {
    const item = fieldReader(type.of)
    return (value, path) =>
      isRecord(value) ? mapValues(value, (each, key) => item(each, join(path, key))) : refuse(value, type, path)
  }
  if (type.kind === 'object') {
    const read = recordReader(type.record)
    return (value, path) => (isRecord(value) ? read(value, path) : refuse(value, type, path))
  }
  const test = testOf(type)
  const keep = keptAs(type)
  return (value, path) => (test(value) ? keep(value) : refuse(value, type, path))
}

/** A copy of the value, in its one form, that the function cannot reach. */
function keptAs({ kind }: Type): (value: unknown) => unknown {
  if (kind === 'json' || kind === 'bytes') return copied
  // -0 is the same whole number as 0.
  if (kind === 'integer' || kind === 'timestamp') return (value) => (value as number) + 0
  return (value) => value
}

function testOf(type: Type): (value: unknown) => boolean {
  switch (type.kind) {
    case 'string':
      return (value) => typeof value === 'string'
    case 'boolean':
      return (value) => typeof value === 'boolean'
    case 'integer':
      return Number.isSafeInteger
    case 'number':
      return Number.isFinite
    case 'bigint':
    case 'fine_timestamp':
      return (value) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value
    case 'decimal': {
      const canonical = fromText(type)
      return (value) => typeof value === 'string' && isUnchanged(canonical, value)
    }
    case 'date':
      return (value) => typeof value === 'string' && isDateText(value)
    case 'timestamp':
      return (value) => Number.isSafeInteger(value) && Math.abs(value as number) <= 253_402_300_799_999
    case 'time': {
      const canonical = fromText(type)
      return (value) => typeof value === 'string' && isUnchanged(canonical, value)
    }
    case 'bytes':
      return (value) => value instanceof Uint8Array
    default:
      return isJson
  }
}

function isUnchanged(canonical: (text: string) => unknown, text: string): boolean {
  try {
    return canonical(text) === text
  } catch {
    return false
  }
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value === 'bigint') return !Number.isSafeInteger(Number(value))
  if (Array.isArray(value)) return Array.from(value).every(isJson)
  return isRecord(value) && Object.values(value).every(isJson)
}

function isRecord(value: unknown): value is Row {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const forms: Partial<Record<Type['kind'], string>> = {
  integer: 'a whole number within +-(2^53-1)',
  bigint: 'a bigint of 64 bits',
  number: 'a finite number',
  date: 'text as yyyy-MM-dd',
  timestamp: 'whole ms since 1970-01-01T00:00Z',
  bytes: 'a Uint8Array',
  json: 'a JSON value, whole numbers beyond 2^53 as bigint',
}

function refuse(value: unknown, type: Type, path: string): never {
  const form = type.kind === 'decimal' ? `text with ${type.scale} digits after the point` : forms[type.kind]
  throw new DataError('bad_result', `is ${describe(value)}: expected ${typeText(type)}${form ? `, ${form}` : ''}`, path)
}

function describe(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (value instanceof Promise) return 'a promise'
  if (value instanceof Date) return 'a Date'
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined)
    return String(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
  return isRecord(value) ? 'an object' : 'an instance of a class'
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)
