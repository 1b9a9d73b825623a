/** The columns of Arrow data, and what their stored values mean. */
import type { Type } from '@millrace/core'
import type { FileColumn } from '../file-column.ts'
import { listColumn, mapColumn, structColumn, unreadable } from '../nested.ts'
import { dateText, decimalText, floatColumn, timeOfUnits, unsigned64, utf8, wholeColumn } from '../stored.ts'
import { ticksColumn } from '../times.ts'
import type { ArrowField } from './schema.ts'

/** A column, or a part of one. Its raw values are those of arrays.ts. */
export function fileColumn(field: ArrowField): FileColumn {
  const { name, kind, bits, signed, precision, scale, unit, isUtc, children } = field
  const told = `Arrow ${kind}${bits > 0 && kind !== 'FixedSizeBinary' ? bits : ''}`
  const as = (natural: Type, read: (raw: unknown) => unknown): FileColumn => ({ name, natural, told, read })
  switch (kind) {
    case 'Utf8':
    case 'LargeUtf8':
    case 'Utf8View':
      return as({ kind: 'string' }, (raw) => utf8(raw as Uint8Array))
    case 'Bool':
      return as({ kind: 'boolean' }, same)
    case 'Int':
      return signed || bits < 64 ? { name, told, ...wholeColumn(bits) } : as(unsigned64, String)
    case 'Float':
      return { name, told, ...floatColumn }
    case 'Decimal':
      return as({ kind: 'decimal', precision, scale }, (raw) => decimalText(wholeNumber(raw as Uint32Array), scale))
    case 'Date': {
      const perDay = unit === 0 ? 1n : 86_400_000n
      return as({ kind: 'date' }, (raw) => dateText(Number(BigInt(raw as number | bigint) / perDay)))
    }
    case 'Time': {
      const [micros, perMicro] = [
        [1_000_000n, 1n],
        [1000n, 1n],
        [1n, 1n],
        [1n, 1000n],
      ][unit] as [bigint, bigint]
      return as({ kind: 'time' }, (raw) => timeOfUnits(BigInt(raw as number | bigint), micros, perMicro))
    }
    case 'Timestamp': {
      const perMs = [1n, 1n, 1000n, 1_000_000n][unit]!
      return {
        name,
        told,
        ...ticksColumn({
          perMs,
          isUtc,
          of: unit === 0 ? (raw) => BigInt(raw as number | bigint) * 1000n : (raw) => raw as number | bigint,
        }),
      }
    }
    case 'Binary':
    case 'LargeBinary':
    case 'BinaryView':
    case 'FixedSizeBinary':
      return as({ kind: 'bytes' }, same)
    case 'Null':
      return as({ kind: 'json' }, same)
    case 'List':
    case 'LargeList':
    case 'FixedSizeList':
      return listColumn(name, fileColumn(children[0]!))
    case 'Struct':
      return structColumn(name, children.map(fileColumn))
    case 'Map': {
      const [key, value] = children[0]!.children.map(fileColumn) as [FileColumn, FileColumn]
      return mapColumn(name, key, value)
    }
    default:
      return unreadable(name, told)
  }
}

const same = (raw: unknown): unknown => raw

/** Two's complement words, lowest first. */
function wholeNumber(words: Uint32Array): bigint {
  let value = 0n
  for (let i = words.length - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[i]!)
  return BigInt.asIntN(words.length * 32, value)
}
