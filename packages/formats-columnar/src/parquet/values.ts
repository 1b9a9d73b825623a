/**
 * The columns of a Parquet file, and what their stored values mean
 * (https://github.com/apache/parquet-format/blob/master/LogicalTypes.md). Timestamps: see ../times.ts.
 */
import { DataError, parseJson, type Type } from '@millrace/core'
import type { FileColumn } from '../file-column.ts'
import { listColumn, mapColumn, structColumn, unreadable } from '../nested.ts'
import { dateText, decimalText, finite, floatColumn, half, timeOfUnits, unsigned64, wholeColumn } from '../stored.ts'
import { ticksColumn } from '../times.ts'
import type { SchemaNode } from './footer.ts'
import { itemOf, shapeOf } from './shape.ts'

/** Replaces a text that is not UTF-8; reported when its row is made. */
export const badText: unknown = Object.freeze({})

/** Whether a column of byte arrays holds texts. */
export const isText = ({ meaning: { kind } }: Pick<SchemaNode, 'meaning'>): boolean =>
  kind === 'STRING' || kind === 'ENUM' || kind === 'JSON'

/** A column of the file, or a part of one. */
export function fileColumn(node: SchemaNode): FileColumn {
  if (node.repetition !== 'REPEATED') return presentColumn(node)
  return listColumn(node.name, presentColumn(node), false)
}

function presentColumn(node: SchemaNode): FileColumn {
  const { name, meaning, children } = node
  if (node.type) return { name, ...leaf(node) }
  switch (shapeOf(node)) {
    case 'list': {
      const item = itemOf(node)
      const isOptional = item !== children[0] && item.repetition === 'OPTIONAL'
      return listColumn(name, presentColumn(item), isOptional)
    }
    case 'map': {
      const [key, value] = children[0]!.children as [SchemaNode, SchemaNode]
      return mapColumn(name, fileColumn(key), fileColumn(value))
    }
    case 'struct':
      // Their members are an encoding of the value, not the value.
      if (meaning.kind !== undefined) return unreadable(name, `a ${meaning.kind}`)
      return structColumn(name, children.map(fileColumn))
  }
}

type Leaf = Pick<FileColumn, 'natural' | 'told' | 'read' | 'isReady' | 'text' | 'ticks'>

function leaf({ type, meaning }: SchemaNode): Leaf {
  const told = [type, meaning.kind].filter(Boolean).join(' ')
  const as = (natural: Type, read: (raw: unknown) => unknown): Leaf => ({ natural, told, read })
  switch (meaning.kind) {
    case 'DECIMAL': {
      const { precision = 38, scale = 0 } = meaning
      return as({ kind: 'decimal', precision, scale }, (raw) => decimalText(unscaled(raw), scale))
    }
    case 'DATE':
      return as({ kind: 'date' }, (raw) => dateText(raw as number))
    case 'TIMESTAMP': {
      const perMs = { MILLIS: 1n, MICROS: 1000n, NANOS: 1_000_000n }[meaning.unit!]
      return { told, ...ticksColumn({ perMs, isUtc: meaning.isUtc === true, of: (raw) => raw as number | bigint }) }
    }
    case 'TIME': {
      const [micros, perMicro] = { MILLIS: [1000n, 1n], MICROS: [1n, 1n], NANOS: [1n, 1000n] }[meaning.unit!] as [
        bigint,
        bigint,
      ]
      return as({ kind: 'time' }, (raw) => timeOfUnits(BigInt(raw as number | bigint), micros, perMicro))
    }
    case 'STRING':
    case 'ENUM':
      return as({ kind: 'string' }, textOf)
    case 'JSON':
      return { ...as({ kind: 'json' }, (raw) => parseJson(textOf(raw))), text: textOf }
    case 'UUID':
      return as({ kind: 'string' }, uuidText)
    case 'FLOAT16':
      return as({ kind: 'number' }, (raw) => finite(half((raw as Uint8Array)[0]! | ((raw as Uint8Array)[1]! << 8))))
    case undefined:
    case 'INTEGER':
    case 'NULL':
      return plainLeaf(type!, told, meaning.unsigned === true, as)
    default:
      return { natural: undefined, told, read: (raw) => raw }
  }
}

function plainLeaf(
  type: NonNullable<SchemaNode['type']>,
  told: string,
  unsigned: boolean,
  as: (natural: Type, read: (raw: unknown) => unknown) => Leaf,
): Leaf {
  switch (type) {
    case 'BOOLEAN':
      return as({ kind: 'boolean' }, (raw) => raw)
    case 'INT32':
      return unsigned ? as({ kind: 'integer' }, (raw) => (raw as number) >>> 0) : { told, ...wholeColumn(32) }
    case 'INT64':
      return unsigned
        ? as(unsigned64, (raw) => String(BigInt.asUintN(64, BigInt(raw as number | bigint))))
        : { told, ...wholeColumn(64) }
    case 'INT96':
      return { told, ...ticksColumn({ perMs: 1_000_000n, isUtc: true, of: (raw) => raw as bigint }) }
    case 'FLOAT':
    case 'DOUBLE':
      return { told, ...floatColumn }
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return as({ kind: 'bytes' }, (raw) => raw)
  }
}

function textOf(raw: unknown): string {
  if (typeof raw === 'string') return raw
  throw new DataError('bad_encoding', 'the text is not UTF-8')
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
