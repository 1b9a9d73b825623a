/**
 * The columns of Arrow data and their values, taken directly from the buffers: the library's own getters convert finer
 * times to milliseconds as doubles and replace broken text by U+FFFD.
 */
import { DataError, type Type } from '@millrace/core'
import { DataType, type Data, DateUnit, type Field, TimeUnit, type Vector } from 'apache-arrow'
import { type FileColumn, utf8 } from '../columns.ts'
import { listColumn, mapColumn, structColumn, unreadable } from '../nested.ts'
import { dateText, decimalText, finite, half, wholeMs } from '../stored.ts'

/** A column, or part of one. Its raw values are those of `rawValues`. */
export function fileColumn({ name, type }: Field): FileColumn {
  const inner: DataType = DataType.isDictionary(type) ? type.dictionary : type
  const told = `Arrow ${inner}`
  const as = (natural: Type, read: (raw: unknown) => unknown): FileColumn => ({ name, natural, told, read })
  if (DataType.isUtf8(inner) || DataType.isLargeUtf8(inner))
    return as({ kind: 'string' }, (raw) => utf8(raw as Uint8Array))
  if (DataType.isBool(inner)) return as({ kind: 'boolean' }, same)
  if (DataType.isInt(inner)) {
    if (inner.bitWidth < 64) return as({ kind: 'integer' }, same)
    return as({ kind: 'bigint' }, inner.isSigned ? same : signed64)
  }
  if (DataType.isFloat(inner)) return as({ kind: 'number' }, finite)
  if (DataType.isDecimal(inner)) {
    const { precision, scale } = inner
    return as({ kind: 'decimal', precision, scale }, (raw) => decimalText(wholeNumber(raw as Uint32Array), scale))
  }
  if (DataType.isDate(inner)) {
    const perDay = inner.unit === DateUnit.DAY ? 1n : 86_400_000n
    return as({ kind: 'date' }, (raw) => dateText(Number(BigInt(raw as number | bigint) / perDay)))
  }
  if (DataType.isTimestamp(inner)) {
    const { unit, timezone } = inner
    const perMs = { [TimeUnit.MICROSECOND]: 1000n, [TimeUnit.NANOSECOND]: 1_000_000n }[unit as number] ?? 1n
    const ms = unit === TimeUnit.SECOND ? 1000n : 1n
    return { name, told, ...ticksColumn({ perMs, isUtc: Boolean(timezone), of: (raw) => (raw as bigint) * ms }) }
  }
  if (DataType.isBinary(inner) || DataType.isLargeBinary(inner) || DataType.isFixedSizeBinary(inner))
    return as({ kind: 'bytes' }, same)
  if (DataType.isList(inner) || DataType.isLargeList(inner) || DataType.isFixedSizeList(inner))
    return listColumn(name, fileColumn(inner.children[0]!))
  if (DataType.isStruct(inner)) return structColumn(name, inner.children.map(fileColumn))
  if (DataType.isMap(inner)) {
    const [key, value] = inner.children[0]!.type.children.map(fileColumn) as [FileColumn, FileColumn]
    return mapColumn(name, key, value)
  }
  return unreadable(name, told)
}

const same = (raw: unknown): unknown => raw

function signed64(raw: unknown): bigint {
  if ((raw as bigint) < 2n ** 63n) return raw as bigint
  throw new DataError('out_of_range', `${raw} does not fit in a signed 64-bit integer`)
}

/** Two's complement words, lowest first. */
function wholeNumber(words: Uint32Array): bigint {
  let value = 0n
  for (let i = words.length - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[i]!)
  return BigInt.asIntN(words.length * 32, value)
}

/** The values of a column of one record batch as they are stored; null where there is none. */
export const rawValues = (vector: Vector): unknown[] => vector.data.flatMap(ofData)

function ofData(data: Data): unknown[] {
  const { length, type } = data
  const made = new Array<unknown>(length).fill(null)
  const read = reader(data, type)
  for (let i = 0; i < length; i++) if (data.getValid(i)) made[i] = read(i)
  return made
}

function reader(data: Data, type: DataType): (i: number) => unknown {
  const { values, valueOffsets, offset } = data
  if (DataType.isDictionary(type)) {
    const entries = rawValues(data.dictionary!)
    return (i) => entries[Number(values[i])]
  }
  if (DataType.isBool(type)) return (i) => ((values[(offset + i) >> 3] >> ((offset + i) & 7)) & 1) === 1
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isBinary(type) || DataType.isLargeBinary(type)) {
    return (i) => values.subarray(Number(valueOffsets[i]), Number(valueOffsets[i + 1]))
  }
  if (DataType.isFixedSizeBinary(type)) return (i) => values.subarray(i * type.byteWidth, (i + 1) * type.byteWidth)
  if (DataType.isDecimal(type)) {
    const words = type.bitWidth / 32
    return (i) => values.subarray(i * words, (i + 1) * words)
  }
  if (DataType.isFloat(type) && type.precision === 0) return (i) => half(values[i])
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isMap(type)) {
    const items = ofData(data.children[0]!)
    return (i) => items.slice(Number(valueOffsets[i]), Number(valueOffsets[i + 1]))
  }
  if (DataType.isFixedSizeList(type)) {
    const items = ofData(data.children[0]!)
    return (i) => items.slice(i * type.listSize, (i + 1) * type.listSize)
  }
  if (DataType.isStruct(type)) {
    const children = data.children.map(ofData)
    return (i) => children.map((values) => values[i])
  }
  return (i) => values?.[i] ?? null
}
