/**
 * Stored values in the form that core's JSON reader takes, so that a type accepts the same values as in every other
 * documents store, and no digit of a number is lost before its type is known.
 */
import { isNested, mapValues, readJson, type Type } from '@millrace/core'
import type { Stored } from '@millrace/client-dynamodb'

/** A number of so many characters is exactly a double: its exponent has at most three digits here. */
const shortNumber = 15

const numberOf = (text: string): unknown => (text.length <= shortNumber ? Number(text) : readJson(text))

/** Bytes are base64 text where the type has room for them; anywhere else a form that the type refuses. */
function bytesFor(type: Type | undefined, bytes: Uint8Array): unknown {
  const isScalar = type !== undefined && type.kind !== 'object' && !isNested(type)
  if (isScalar && type.kind !== 'bytes' && type.kind !== 'json') return bytes
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** A stored value as JSON has it. `type`: what it will be read as; undefined: anything. */
export function readable(value: Stored, type: Type | undefined): unknown {
  if (value.S !== undefined) return value.S
  if (value.N !== undefined) return numberOf(value.N)
  if (value.BOOL !== undefined) return value.BOOL
  if (value.M !== undefined) {
    const fields = type?.kind === 'object' ? type.record.fields : undefined
    const inner = type?.kind === 'map' ? type.of.type : undefined
    return mapValues(value.M, (part, name) =>
      readable(part as Stored, fields && Object.hasOwn(fields, name) ? fields[name]!.type : inner),
    )
  }
  const item = type?.kind === 'list' ? type.of.type : undefined
  if (value.L !== undefined) return value.L.map((part) => readable(part, item))
  if (value.B !== undefined) return bytesFor(type, value.B)
  if (value.SS !== undefined) return value.SS
  if (value.NS !== undefined) return value.NS.map(numberOf)
  return value.BS === undefined ? null : value.BS.map((bytes) => bytesFor(item, bytes))
}
