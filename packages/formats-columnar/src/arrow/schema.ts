/**
 * The schema of Arrow data (https://github.com/apache/arrow/blob/main/format/Schema.fbs), and what a column of each
 * type consists of.
 */
import { broken } from './broken.ts'
import type { Table } from './flatbuffer.ts'

/** Indexed by their numbers in the format. */
const kinds = [
  '',
  'Null',
  'Int',
  'Float',
  'Binary',
  'Utf8',
  'Bool',
  'Decimal',
  'Date',
  'Time',
  'Timestamp',
  'Interval',
  'List',
  'Struct',
  'Union',
  'FixedSizeBinary',
  'FixedSizeList',
  'Map',
  'Duration',
  'LargeBinary',
  'LargeUtf8',
  'LargeList',
  'RunEndEncoded',
  'BinaryView',
  'Utf8View',
  'ListView',
  'LargeListView',
] as const
export type ArrowKind = Exclude<(typeof kinds)[number], ''>

/** A column, or a part of one. */
export interface ArrowField {
  readonly name: string
  readonly nullable: boolean
  readonly kind: ArrowKind
  /** For numbers and decimals; for FixedSizeBinary: bytes. */
  readonly bits: number
  readonly signed: boolean
  readonly precision: number
  readonly scale: number
  /** For dates: 0 days, 1 ms. For times: 0 s, 1 ms, 2 us, 3 ns. */
  readonly unit: number
  /** For timestamps. False: on a clock that the file does not name. */
  readonly isUtc: boolean
  /** For FixedSizeList. */
  readonly size: number
  /** For Union: its members are as long as it is. */
  readonly sparse: boolean
  readonly children: readonly ArrowField[]
  /** The values are indexes into a dictionary. */
  readonly dictionary?: { readonly id: number; readonly bits: number; readonly signed: boolean }
}

const deepest = 64
const mostFields = 100_000

/** Throws `MillraceError` `broken_file`, and `RangeError` for offsets outside the bytes. */
export function fieldsOf(schema: Table): ArrowField[] {
  if (schema.int16(0) !== 0) throw broken('it is big-endian, which is not supported')
  let left = mostFields
  const read = (table: Table, depth: number): ArrowField => {
    if (depth > deepest) throw broken('its schema is nested too deeply')
    if (--left < 0) throw broken('its schema has too many fields')
    const kind = kinds[table.int8(2)]
    const type = table.table(3)
    if (!kind || !type) throw broken('its schema has an unknown type')
    const encoding = table.table(4)
    const index = encoding?.table(1)
    return {
      name: table.text(0) ?? '',
      nullable: table.int8(1) !== 0,
      kind,
      ...shapeOf(kind, type),
      children: table.tables(5).map((child) => read(child, depth + 1)),
      ...(encoding && {
        dictionary: {
          id: encoding.int64(0),
          bits: index ? index.int32(0) : 32,
          signed: index ? index.int8(1) !== 0 : true,
        },
      }),
    }
  }
  const fields = schema.tables(1).map((table) => read(table, 0))
  for (const field of fields) check(field)
  return fields
}

function shapeOf(kind: ArrowKind, type: Table) {
  const plain = { bits: 0, signed: false, precision: 0, scale: 0, unit: 0, isUtc: false, size: 0, sparse: false }
  switch (kind) {
    case 'Int':
      return { ...plain, bits: type.int32(0), signed: type.int8(1) !== 0 }
    case 'Float':
      return { ...plain, bits: [16, 32, 64][type.int16(0)] ?? 0 }
    case 'Decimal':
      return { ...plain, precision: type.int32(0), scale: type.int32(1), bits: type.int32(2, 128) }
    case 'Date': {
      const unit = type.int16(0, 1)
      return { ...plain, unit, bits: unit === 0 ? 32 : 64 }
    }
    case 'Time':
      return { ...plain, unit: type.int16(0, 1), bits: type.int32(1, 32) }
    case 'Timestamp':
      return { ...plain, unit: type.int16(0), bits: 64, isUtc: Boolean(type.text(1)) }
    case 'Interval':
      return { ...plain, bits: [32, 64, 128][type.int16(0)] ?? 0 }
    case 'Duration':
      return { ...plain, bits: 64 }
    case 'FixedSizeBinary':
      return { ...plain, bits: 8 * type.int32(0) }
    case 'FixedSizeList':
      return { ...plain, size: type.int32(0) }
    case 'Union':
      return { ...plain, sparse: type.int16(0) === 0 }
    default:
      return plain
  }
}

const numbers = [8, 16, 32, 64]

/** Throws if a type lacks what it consists of. */
function check(field: ArrowField): void {
  const { kind, bits, size, unit, scale, children, dictionary } = field
  const one = ['List', 'LargeList', 'FixedSizeList', 'Map', 'ListView', 'LargeListView']
  const isSound =
    (kind !== 'Int' || numbers.includes(bits)) &&
    (kind !== 'Float' || bits > 0) &&
    (kind !== 'Decimal' || [32, 64, 128, 256].includes(bits)) &&
    Math.abs(scale) <= 1000 &&
    (kind !== 'Time' || bits === 32 || bits === 64) &&
    (kind !== 'Interval' || bits > 0) &&
    bits >= 0 &&
    size >= 0 &&
    unit >= 0 &&
    unit <= 3 &&
    (!one.includes(kind) || children.length === 1) &&
    (kind !== 'Map' || (children[0]!.kind === 'Struct' && children[0]!.children.length === 2)) &&
    (kind !== 'RunEndEncoded' || children.length === 2) &&
    (!dictionary || numbers.includes(dictionary.bits))
  if (!isSound) throw broken(`its column ${field.name} has an invalid type`)
  for (const child of children) check(child)
}
