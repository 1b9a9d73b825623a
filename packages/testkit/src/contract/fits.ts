/** Checks that a value has the in-memory form of its declared type (packages/core/src/schema/type.ts). */
import { type Field, printJson, type RecordType, type Row } from '@millrace/core'

/** The problem of the first value that does not match; undefined: the row matches the type. */
export function misfit(record: RecordType, row: Row): string | undefined {
  for (const [name, field] of Object.entries(record.fields)) {
    if (!fits(field, row[name]))
      return `${name} is ${show(row[name])}, not ${field.type.kind}${field.optional ? ' or null' : ''}`
  }
  if (!record.open)
    for (const name of Object.keys(row)) if (!Object.hasOwn(record.fields, name)) return `${name} is not declared`
  return undefined
}

const show = (value: unknown): string =>
  typeof value === 'bigint'
    ? `${value}n`
    : value instanceof Uint8Array
      ? 'bytes'
      : `${JSON.stringify(value)} (${typeof value})`

function fits({ type, optional }: Field, value: unknown): boolean {
  if (value === null || value === undefined) return optional
  switch (type.kind) {
    case 'string':
      return typeof value === 'string'
    case 'boolean':
      return typeof value === 'boolean'
    case 'integer':
    case 'timestamp':
      return Number.isSafeInteger(value)
    case 'bigint':
    case 'fine_timestamp':
      return typeof value === 'bigint' && BigInt.asIntN(64, value) === value
    case 'number':
      return typeof value === 'number' && Number.isFinite(value)
    case 'decimal': {
      const digits = typeof value === 'string' ? /^-?(0|[1-9]\d*)(?:\.(\d+))?$/.exec(value) : null
      return (
        digits !== null &&
        (digits[2]?.length ?? 0) === type.scale &&
        digits[1]!.replace(/^0$/, '').length + type.scale <= type.precision
      )
    }
    case 'date':
      return typeof value === 'string' && /^[+-]?\d{4,}-\d\d-\d\d$/.test(value)
    case 'time':
      return typeof value === 'string' && /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{0,5}[1-9])?$/.test(value)
    case 'bytes':
      return value instanceof Uint8Array
    case 'list':
      return Array.isArray(value) && value.every((part) => fits(type.of, part))
    case 'map':
      return (
        typeof value === 'object' && !Array.isArray(value) && Object.values(value).every((part) => fits(type.of, part))
      )
    case 'object':
      return typeof value === 'object' && !Array.isArray(value) && misfit(type.record, value as Row) === undefined
    case 'json':
      return printJson(value) !== undefined
  }
}
