/**
 * The columns of a Parquet file, and their values.
 *
 * hyparquet rounds when it converts (decimals to doubles, times to milliseconds), so it is given the schema without
 * most annotations and returns stored values; the annotations are applied here, exactly.
 */
import { DataError, parseJson, toJson, type Type } from '@millrace/core'
import type { ParquetParsers, SchemaElement, SchemaTree } from 'hyparquet'
import { utf8 } from '../columns.ts'
import type { FileColumn } from '../file-column.ts'
import { dateText, decimalText, finite, half, readPart } from '../stored.ts'
import { ticksColumn } from '../times.ts'

/** Takes the place of text that is not UTF-8; reported when its row is made. */
const badText: unknown = Object.freeze({})

/** The converters that hyparquet calls for the values it does convert. */
export const parsers: Partial<ParquetParsers> = {
  // Once for each entry of a dictionary.
  stringFromBytes(bytes: Uint8Array): unknown {
    if (!bytes) return bytes
    try {
      return utf8(bytes)
    } catch {
      return badText
    }
  },
  timestampFromNanoseconds: (nanos: bigint) => nanos,
}

const isText = ({ converted_type, logical_type }: SchemaElement): boolean =>
  converted_type === 'UTF8' ||
  converted_type === 'ENUM' ||
  converted_type === 'JSON' ||
  ['STRING', 'ENUM', 'JSON'].includes(logical_type?.type ?? '')

/** The schema for hyparquet: texts are texts, groups are lists and maps, everything else is returned as stored. */
export function bareSchema(schema: readonly SchemaElement[]): SchemaElement[] {
  return schema.map((element) => {
    if (element.num_children !== undefined && element.type === undefined) return element
    const { converted_type: _, logical_type: __, ...bare } = element
    return isText(element) ? { ...bare, converted_type: 'UTF8' as const } : bare
  })
}

const isList = ({ element, children }: SchemaTree): boolean =>
  (element.converted_type === 'LIST' || element.logical_type?.type === 'LIST') &&
  children.length === 1 &&
  children[0]!.element.repetition_type === 'REPEATED'
const isMap = ({ element }: SchemaTree): boolean =>
  element.converted_type === 'MAP' || element.converted_type === 'MAP_KEY_VALUE' || element.logical_type?.type === 'MAP'

/** A column of the file, or part of one. */
export function fileColumn(node: SchemaTree): FileColumn {
  const { name } = node.element
  if (node.children.length === 0) return { name, ...leaf(node.element) }
  if (isList(node)) {
    const repeated = node.children[0]!
    // Three levels as the format requires, or two as older writers produce them.
    const item = fileColumn(repeated.children.length === 1 ? repeated.children[0]! : repeated)
    const natural: Type | undefined = item.natural && { kind: 'list', of: { type: item.natural, optional: true } }
    return {
      name,
      natural,
      told: `a list of ${item.told}`,
      item,
      read: (raw) => (raw as unknown[]).map((value) => readPart(item, value)),
    }
  }
  if (isMap(node)) {
    const value = node.children[0]?.children[1]
    const inner = value && fileColumn(value)
    if (!inner?.natural) return { name, natural: undefined, told: 'a map', read: (raw) => raw }
    const plain = toJson(inner.natural)
    const read = (raw: unknown) =>
      Object.fromEntries(Object.entries(raw as object).map(([key, part]) => [key, plain(readPart(inner, part))]))
    return { name, natural: { kind: 'json' }, told: 'a map', read }
  }
  const fields = node.children.map(fileColumn)
  const known = fields.filter((field) => field.natural)
  const natural: Type = {
    kind: 'object',
    record: {
      fields: Object.fromEntries(known.map((field) => [field.name, { type: field.natural!, optional: true }])),
    },
  }
  const read = (raw: unknown) =>
    Object.fromEntries(
      known.map((field) => [field.name, readPart(field, (raw as Record<string, unknown>)[field.name])]),
    )
  return { name, natural, told: 'a struct', fields, read }
}

type Leaf = Pick<FileColumn, 'natural' | 'told' | 'read' | 'text' | 'ticks'>

function leaf(element: SchemaElement): Leaf {
  const { type, converted_type: converted, logical_type: logical } = element
  const told = [type, logical?.type ?? converted].filter(Boolean).join(' ')
  const as = (natural: Type, read: (raw: unknown) => unknown): Leaf => ({ natural, told, read })
  const none: Leaf = { natural: undefined, told, read: (raw) => raw }
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') {
    const [precision, scale] =
      logical?.type === 'DECIMAL' ? [logical.precision, logical.scale] : [element.precision ?? 38, element.scale ?? 0]
    return as({ kind: 'decimal', precision, scale }, (raw) => decimalText(unscaled(raw), scale))
  }
  if (converted === 'DATE' || logical?.type === 'DATE') return as({ kind: 'date' }, (raw) => dateText(raw as number))
  if (logical?.type === 'TIMESTAMP' || converted?.startsWith('TIMESTAMP_')) {
    const unit = logical?.type === 'TIMESTAMP' ? logical.unit : converted === 'TIMESTAMP_MICROS' ? 'MICROS' : 'MILLIS'
    const perMs = { MILLIS: 1n, MICROS: 1000n, NANOS: 1_000_000n }[unit]
    const isUtc = logical?.type !== 'TIMESTAMP' || logical.isAdjustedToUTC
    return { told, ...ticksColumn({ perMs, isUtc, of: (raw) => BigInt(raw as bigint) }) }
  }
  if (logical?.type === 'TIME' || converted?.startsWith('TIME_')) return none
  if (isText(element))
    return converted === 'JSON' || logical?.type === 'JSON'
      ? { ...as({ kind: 'json' }, (raw) => parseJson(textOf(raw))), text: textOf }
      : as({ kind: 'string' }, textOf)
  if (logical?.type === 'UUID') return as({ kind: 'string' }, uuidText)
  if (logical?.type === 'FLOAT16')
    return as({ kind: 'number' }, (raw) => finite(half((raw as Uint8Array)[0]! | ((raw as Uint8Array)[1]! << 8))))
  if (logical && logical.type !== 'INTEGER' && logical.type !== 'NULL') return none
  if (converted === 'INTERVAL' || converted === 'BSON') return none
  const unsigned = converted?.startsWith('UINT_') || (logical?.type === 'INTEGER' && !logical.isSigned)
  switch (type) {
    case 'BOOLEAN':
      return as({ kind: 'boolean' }, (raw) => raw)
    case 'INT32':
      return as({ kind: 'integer' }, unsigned ? (raw) => (raw as number) >>> 0 : (raw) => raw)
    case 'INT64':
      return as({ kind: 'bigint' }, unsigned ? unsigned64 : (raw) => raw)
    case 'INT96':
      return { told, ...ticksColumn({ perMs: 1_000_000n, isUtc: true, of: (raw) => raw as bigint }) }
    case 'FLOAT':
    case 'DOUBLE':
      return as({ kind: 'number' }, finite)
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return as({ kind: 'bytes' }, (raw) => raw)
    default:
      return none
  }
}

function textOf(raw: unknown): string {
  if (typeof raw === 'string') return raw
  throw new DataError('bad_encoding', 'the text is not UTF-8')
}

function unsigned64(raw: unknown): bigint {
  const value = raw as bigint
  if (value >= 0n) return value
  throw new DataError('out_of_range', `${BigInt.asUintN(64, value)} does not fit in a signed 64-bit integer`)
}

/** A stored decimal as a whole number. */
function unscaled(raw: unknown): bigint {
  if (typeof raw !== 'object') return BigInt(raw as number | bigint)
  let value = 0n
  for (const byte of raw as Uint8Array) value = (value << 8n) | BigInt(byte)
  return BigInt.asIntN((raw as Uint8Array).length * 8, value)
}

function uuidText(raw: unknown): string {
  const hex = Buffer.from(raw as Uint8Array).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
