/**
 * Converts values of a column to the declared type.
 *
 * A file's column has a natural type. If the declared type is different, it is accepted if every value can keep its
 * meaning: whole numbers fit wider ones, decimals other scales, and text is parsed like the text of any field. A value
 * that does not fit is a data error of its row; types that never fit are an error of the file.
 */
import {
  DataError,
  type Field,
  fromJson,
  fromText,
  isNested,
  MillraceError,
  type RecordType,
  setOwn,
  type Tally,
  toJson,
  type Type,
  typeText,
  type UnknownFields,
} from '@millrace/core'
import type { ValueOptions } from '../columnar-options.ts'
import type { FileColumn } from '../file-column.ts'
import { utf8 } from '../stored.ts'
import { holdsLocalTimes, instantReader, timed } from '../times.ts'

/** Converts a value. Throws `DataError`. */
export type Read = (raw: unknown) => unknown

/** How columns are read, in addition to their declared types. */
export interface Reading {
  readonly unknownFields: UnknownFields
  /** Counts the members of structs, and of objects in JSON, that are left out. */
  readonly tally: Tally
  readonly values: ValueOptions
}

/** What to do about times of a clock that nobody names. */
export const zoneHint =
  'set their time zone with `zone` in the format of the source: format: { type: parquet, zone: UTC }'

/** Throws `MillraceError` `wrong_type`. */
export function localTimes(name: string): never {
  throw new MillraceError('wrong_type', `the column ${name} holds times without a zone`, { hint: zoneHint })
}

const missing = (): never => {
  throw new DataError('missing_value', 'is null, and the field is not optional')
}

/**
 * Reads a column as a field. Throws `MillraceError` `wrong_type`, `unknown_field`; the reader throws `DataError`.
 */
export function fieldReader(given: FileColumn, field: Field, reading: Reading): Read {
  const column = timed(given, reading.values) ?? localTimes(given.name)
  const exact = valueReader(column, field.type, reading)
  if (!exact) {
    throw new MillraceError(
      'wrong_type',
      `the column ${column.name} has the type ${column.told}, which cannot be read as ${typeText(field.type)}`,
      {
        hint: column.natural
          ? `declare it as ${typeText(column.natural)}`
          : `${column.fields ? 'declare the members that can be read as `fields`, or ' : ''}remove the field from the schema`,
      },
    )
  }
  const read = field.type.kind === 'number' ? finiteOr(exact, reading.values) : exact
  return field.optional
    ? (raw) => (raw === null || raw === undefined ? null : read(raw))
    : (raw) => (raw === null || raw === undefined ? missing() : (read(raw) ?? missing()))
}

/** NaN and infinity as null, if the format says so. */
function finiteOr(read: Read, { non_finite: nonFinite }: ValueOptions): Read {
  if (nonFinite !== 'null') return read
  return (raw) => {
    try {
      return read(raw)
    } catch (error) {
      if (error instanceof DataError && error.code === 'not_number') return null
      throw error
    }
  }
}

/** Converts values of a column to the declared type; undefined: they never fit. */
function valueReader(column: FileColumn, to: Type, reading: Reading): Read | undefined {
  const { unknownFields, tally } = reading
  const { natural, read, text, item, fields } = column
  if (to.kind === 'list' && item) {
    const readItem = fieldReader({ ...item, name: `${column.name}[]` }, to.of, reading)
    return (raw) => Array.from(raw as ArrayLike<unknown>, readItem)
  }
  if (to.kind === 'map' && column.mapped) {
    const readItem = fieldReader({ ...column.mapped, name: `${column.name}.*` }, to.of, reading)
    return (raw) => column.mapOf!(raw, (part, key) => within(key, () => readItem(part)))
  }
  if (to.kind === 'object' && fields) {
    const reads = Object.entries(to.record.fields).map(([name, field]) => {
      const k = fields.findIndex((member) => member.name === name)
      const inside = k < 0 ? () => (field.optional ? null : missing()) : fieldReader(fields[k]!, field, reading)
      return [name, k, inside] as const
    })
    const others = otherMembers(column, to.record, reading)
    return (raw) => {
      const row = Object.fromEntries(reads.map(([name, k, readField]) => [name, readField((raw as unknown[])[k])]))
      for (const { name, k, keep } of others)
        if (keep) setOwn(row, name, keep((raw as unknown[])[k]))
        else tally.unknown++
      return row
    }
  }
  if (column.ticks && (to.kind === 'timestamp' || to.kind === 'fine_timestamp'))
    return instantReader(column.ticks, to, reading.values)
  if (!natural) return undefined
  if (natural.kind === 'string' && to.kind !== 'string') {
    const convert = fromText(to, unknownFields, tally)
    return (raw) => convert(read(raw) as string)
  }
  if (text && (isNested(to) || to.kind === 'object')) {
    const convert = fromText(to, unknownFields, tally)
    return (raw) => convert(text(raw))
  }
  switch (to.kind) {
    case 'string':
      return natural.kind === 'string'
        ? read
        : natural.kind === 'bytes'
          ? (raw) => utf8(read(raw) as Uint8Array)
          : undefined
    case 'integer':
      return natural.kind === 'integer'
        ? read
        : natural.kind === 'bigint'
          ? (raw) => (typeof raw === 'number' ? raw : safe(read(raw) as bigint))
          : wholeReader(natural, read, to)
    case 'bigint':
      return natural.kind === 'bigint'
        ? read
        : natural.kind === 'integer'
          ? (raw) => BigInt(read(raw) as number)
          : wholeReader(natural, read, to)
    case 'number':
      return natural.kind === 'number' || natural.kind === 'integer'
        ? read
        : natural.kind === 'bigint'
          ? (raw) => (typeof raw === 'number' ? raw : safe(read(raw) as bigint))
          : undefined
    case 'decimal': {
      if (natural.kind === 'decimal' && natural.scale === to.scale && natural.precision <= to.precision) return read
      const convert = fromText(to)
      const isExact = natural.kind === 'decimal' || natural.kind === 'integer' || natural.kind === 'bigint'
      return isExact ? (raw) => convert(String(read(raw))) : undefined
    }
    case 'json': {
      if (!column.ticks && holdsLocalTimes(column)) localTimes(column.name)
      const plain = toJson(natural)
      return (raw) => plain(read(raw))
    }
    case 'object':
      if (natural.kind === 'map') {
        const plain = toJson(natural)
        return jsonReader((raw) => plain(read(raw)), to, reading)
      }
      return natural.kind === 'json' ? jsonReader(read, to, reading) : undefined
    case 'list':
    case 'map':
      return natural.kind === 'json' ? jsonReader(read, to, reading) : undefined
    default:
      return natural.kind === to.kind ? read : undefined
  }
}

/** The members of a struct that its type does not name: refused, kept in their JSON form, or left out. */
function otherMembers(
  { name, fields }: FileColumn,
  record: RecordType,
  { unknownFields, values }: Reading,
): { readonly name: string; readonly k: number; readonly keep: Read | undefined }[] {
  const others = fields!.flatMap((member, k) => (Object.hasOwn(record.fields, member.name) ? [] : [{ member, k }]))
  if (unknownFields === 'error' && others.length > 0)
    throw new MillraceError(
      'unknown_field',
      `the file has members that are not in the schema: ${others.map(({ member }) => `${name}.${member.name}`).join(', ')}`,
    )
  if (unknownFields !== 'keep') return others.map(({ member, k }) => ({ name: member.name, k, keep: undefined }))
  return others.map(({ member, k }) => ({ name: member.name, k, keep: keptReader(known(member, name), values) }))
}

/** The column, if it can be kept. */
export function known(column: FileColumn, inside?: string): FileColumn {
  if (column.natural) return column
  throw new MillraceError(
    'wrong_type',
    `the column ${inside === undefined ? '' : `${inside}.`}${column.name} has the type ${column.told}, which cannot be kept`,
    { hint: 'declare the fields that are needed, and set unknown_fields: drop' },
  )
}

/** A value of a column that is not in the schema, in its JSON form. */
export function keptReader(column: FileColumn, values: ValueOptions): Read {
  if (!column.ticks && holdsLocalTimes(column)) localTimes(column.name)
  const plain = toJson(column.natural!)
  const exact = (raw: unknown) => plain(column.read(raw))
  // A list or struct with such a number inside is a bad record, not null as a whole.
  const read = column.natural!.kind === 'number' ? finiteOr(exact, values) : exact
  return (raw) => (raw === null || raw === undefined ? null : read(raw))
}

const jsonReader = (read: Read, to: Type, { unknownFields, tally }: Reading): Read => {
  const convert = fromJson(to, unknownFields, tally)
  return (raw) => convert(read(raw))
}

/** Puts the key of a map before the place of an error in its value. */
function within(key: string, read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    throw new DataError(error.code, error.message, error.field === undefined ? key : `${key}.${error.field}`)
  }
}

/** Reads decimals without a fraction: what unsigned 64-bit integers are. */
function wholeReader(natural: Type, read: Read, to: Type): Read | undefined {
  if (natural.kind !== 'decimal' || natural.scale > 0) return undefined
  const convert = fromText(to)
  return (raw) => convert(read(raw) as string)
}

function safe(value: bigint): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  throw new DataError('out_of_range', `${value} is beyond 9007199254740991: declare the field as bigint`)
}
