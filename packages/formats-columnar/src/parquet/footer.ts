/**
 * The footer of a Parquet file (https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift):
 * its schema as a tree, and its row groups, each parsed when it is read.
 */
import type { ByteSource } from '@millrace/formats'
import { broken, unsupported } from './broken.ts'
import { countIn, type Fields, listIn, maybeInt, maybeStruct, maybeText, ThriftReader } from './thrift-read.ts'

const physicalTypes = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
] as const
export type PhysicalType = (typeof physicalTypes)[number]

/** Indexed by their numbers in the format. */
const convertedTypes = [
  'UTF8',
  'MAP',
  'MAP_KEY_VALUE',
  'LIST',
  'ENUM',
  'DECIMAL',
  'DATE',
  'TIME_MILLIS',
  'TIME_MICROS',
  'TIMESTAMP_MILLIS',
  'TIMESTAMP_MICROS',
  'UINT_8',
  'UINT_16',
  'UINT_32',
  'UINT_64',
  'INT_8',
  'INT_16',
  'INT_32',
  'INT_64',
  'JSON',
  'BSON',
  'INTERVAL',
] as const

const logicalTypes = [
  '',
  'STRING',
  'MAP',
  'LIST',
  'ENUM',
  'DECIMAL',
  'DATE',
  'TIME',
  'TIMESTAMP',
  '',
  'INTEGER',
  'NULL',
  'JSON',
  'BSON',
  'UUID',
  'FLOAT16',
  'VARIANT',
  'GEOMETRY',
  'GEOGRAPHY',
] as const

/** What the values of a column, or a group, mean. */
export interface Meaning {
  /** A logical type, or the converted type that older writers gave; undefined: what is stored. */
  readonly kind?: string
  readonly precision?: number
  readonly scale?: number
  /** For times. */
  readonly unit?: 'MILLIS' | 'MICROS' | 'NANOS'
  /** For timestamps. False: on a clock that the file does not name. */
  readonly isUtc?: boolean
  /** For integers. */
  readonly unsigned?: boolean
}

/** A column or a group of them. */
export interface SchemaNode {
  readonly name: string
  /** Undefined: a group. */
  readonly type: PhysicalType | undefined
  /** Bytes of FIXED_LEN_BYTE_ARRAY. */
  readonly length: number
  readonly repetition: 'REQUIRED' | 'OPTIONAL' | 'REPEATED'
  readonly meaning: Meaning
  readonly children: readonly SchemaNode[]
  /** Levels of a present value. */
  readonly definition: number
  readonly repeats: number
  /** Its columns, by their indexes in a row group. */
  readonly firstLeaf: number
  readonly endLeaf: number
}

/** A column's part of a row group. */
export interface ChunkPlace {
  readonly codec: number
  readonly values: number
  readonly start: number
  readonly bytes: number
  readonly statistics: Statistics | undefined
}

/** Of a column's values in a row group. */
export interface Statistics {
  readonly nulls: number | undefined
  /** No value is less, as a plain value; undefined: unknown. */
  readonly least: Uint8Array | undefined
  readonly most: Uint8Array | undefined
}

export interface RowGroup {
  readonly rows: number
  /** Of all columns, uncompressed; only for statistics. */
  readonly bytes: number
  chunk(leaf: number): ChunkPlace
}

export interface Footer {
  readonly rows: number
  readonly columns: readonly SchemaNode[]
  readonly groups: number
  group(index: number): RowGroup
  /** Where the footer begins: no page extends beyond it. */
  readonly start: number
}

/** Reads the footer. Throws `MillraceError` `broken_file`. */
export async function readFooter(input: ByteSource): Promise<Footer> {
  const { size } = input
  // Throws if there is no random access.
  if (size === undefined) await input.slice(0, 4)
  const end = size ?? 0
  if (end < 12) throw broken('it is too short')
  const tail = await input.slice(end - 8, end)
  const length = Buffer.from(tail).readUInt32LE(0)
  const magic = Buffer.from(tail.subarray(4)).toString('latin1')
  if (magic === 'PARE') throw unsupported('the file is encrypted', 'write it without encryption')
  if (magic !== 'PAR1') throw broken('it does not end with PAR1')
  if (length > end - 12) throw broken('its footer is longer than the file')
  const start = end - 8 - length
  const bytes = await input.slice(start, end - 8)
  const fields = new ThriftReader(bytes).struct(4)
  const columns = schemaOf(listIn(fields, 2) as readonly Fields[])
  const leaves = leavesOf(columns)
  const orders = listIn(fields, 7)
  // Without an order by type, only numbers have one that is certain.
  const isOrdered = leaves.map((leaf, k) => {
    const order = orders[k]
    return order instanceof Map ? order.has(1) && leaf.type !== 'INT96' : isNumber(leaf)
  })
  const places = listIn(fields, 4) as readonly number[]
  return {
    rows: countIn(fields, 3, 'the number of rows'),
    columns,
    groups: places.length,
    group: (index) => groupOf(new ThriftReader(bytes, places[index]!).struct(), isOrdered),
    start,
  }
}

const deepestSchema = 64

function schemaOf(elements: readonly Fields[]): SchemaNode[] {
  let next = 0
  let leaf = 0
  function node(definition: number, repeats: number, depth: number): SchemaNode {
    const fields = elements[next++]
    if (!(fields instanceof Map) || depth > deepestSchema) throw broken('its schema is not a tree')
    const repetition = (['REQUIRED', 'OPTIONAL', 'REPEATED'] as const)[maybeInt(fields, 3) ?? 0]
    const kind = maybeInt(fields, 1)
    const count = maybeInt(fields, 5) ?? 0
    const type = kind === undefined ? undefined : physicalTypes[kind]
    const name = maybeText(fields.get(4))
    if (!repetition || (kind !== undefined && !type) || name === undefined || count > elements.length - next)
      throw broken('its schema has an invalid element')
    const own = depth === 0 || repetition === 'REQUIRED' ? definition : definition + 1
    const ownRepeats = depth > 0 && repetition === 'REPEATED' ? repeats + 1 : repeats
    const firstLeaf = leaf
    if (type) leaf++
    const children: SchemaNode[] = []
    if (!type) for (let i = 0; i < count; i++) children.push(node(own, ownRepeats, depth + 1))
    return {
      name,
      type,
      length: maybeInt(fields, 2) ?? 0,
      repetition,
      meaning: meaningOf(fields),
      children,
      definition: own,
      repeats: ownRepeats,
      firstLeaf,
      endLeaf: leaf,
    }
  }
  const root = node(0, 0, 0)
  if (next !== elements.length || root.type) throw broken('its schema is not a tree')
  return [...root.children]
}

function meaningOf(fields: Fields): Meaning {
  const converted = convertedTypes[maybeInt(fields, 6) ?? -1]
  const [[id, logical] = [0, undefined]] = maybeStruct(fields, 10) ?? []
  const kind = logicalTypes[id]
  const inside: Fields = logical instanceof Map ? logical : new Map()
  switch (kind || converted) {
    case 'DECIMAL':
      return {
        kind: 'DECIMAL',
        scale: (kind ? maybeInt(inside, 1) : maybeInt(fields, 7)) ?? 0,
        precision: (kind ? maybeInt(inside, 2) : maybeInt(fields, 8)) ?? 38,
      }
    case 'TIME':
    case 'TIMESTAMP': {
      const [[unit] = [0]] = maybeStruct(inside, 2) ?? []
      const name = ([undefined, 'MILLIS', 'MICROS', 'NANOS'] as const)[unit]
      if (!name) throw broken('a column has times of an unknown unit')
      return { kind: kind!, unit: name, isUtc: inside.get(1) === true }
    }
    case 'TIMESTAMP_MILLIS':
    case 'TIMESTAMP_MICROS':
      return { kind: 'TIMESTAMP', unit: converted === 'TIMESTAMP_MILLIS' ? 'MILLIS' : 'MICROS', isUtc: true }
    case 'TIME_MILLIS':
    case 'TIME_MICROS':
      return { kind: 'TIME', unit: converted === 'TIME_MILLIS' ? 'MILLIS' : 'MICROS' }
    case 'UTF8':
      return { kind: 'STRING' }
    case 'MAP_KEY_VALUE':
      return { kind: 'MAP' }
    case 'INTEGER':
      return { kind: 'INTEGER', unsigned: inside.get(2) === false }
    case undefined:
      return id === 0 ? {} : { kind: `of unknown kind ${id}` }
    default:
      if (converted?.includes('INT_') && !kind) return { kind: 'INTEGER', unsigned: converted.startsWith('U') }
      return { kind: (kind || converted)! }
  }
}

/** The columns of values, in order. */
const leavesOf = (nodes: readonly SchemaNode[]): SchemaNode[] =>
  nodes.flatMap((node) => (node.type ? [node] : leavesOf(node.children)))

const isNumber = ({ type, meaning }: SchemaNode): boolean =>
  (type === 'INT32' || type === 'INT64' || type === 'FLOAT' || type === 'DOUBLE') && !meaning.unsigned

function statisticsOf(meta: Fields, isOrdered: boolean): Statistics | undefined {
  const found = maybeStruct(meta, 12)
  if (!found) return undefined
  const bound = (id: number) => {
    const value = isOrdered ? found.get(id) : undefined
    return value instanceof Uint8Array ? value : undefined
  }
  return { nulls: maybeInt(found, 3), least: bound(6), most: bound(5) }
}

function groupOf(fields: Fields, isOrdered: readonly boolean[]): RowGroup {
  const chunks = listIn(fields, 1)
  if (chunks.length !== isOrdered.length) throw broken('the columns of a row group do not match the schema')
  return {
    rows: countIn(fields, 3, 'the number of rows of a row group'),
    bytes: maybeInt(fields, 2) ?? 0,
    chunk(leaf) {
      const chunk = chunks[leaf]
      const meta = chunk instanceof Map ? maybeStruct(chunk as Fields, 3) : undefined
      if (!meta)
        throw unsupported('a column of the file is encrypted or has no metadata', 'write it without encryption')
      if ((chunk as Fields).has(1))
        throw unsupported('a column of the file is stored in another file', 'write it as a single file')
      const dictionary = maybeInt(meta, 11)
      const data = countIn(meta, 9, "the position of a column's first page")
      return {
        codec: countIn(meta, 4, "a column's compression"),
        values: countIn(meta, 5, "the number of a column's values"),
        // Some writers write 0 if there is no dictionary.
        start: dictionary !== undefined && dictionary > 0 && dictionary < data ? dictionary : data,
        bytes: countIn(meta, 7, "the length of a column's pages"),
        statistics: statisticsOf(meta, isOrdered[leaf]!),
      }
    },
  }
}
