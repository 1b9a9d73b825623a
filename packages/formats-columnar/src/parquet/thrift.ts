/**
 * The part of Thrift's compact protocol that Parquet's headers and footer need
 * (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md). A struct is a list of fields
 * with ascending ids; undefined fields are left out.
 */
import type { OutputBytes } from '@millrace/formats'

/** A value with its Thrift type. */
export type Thrift =
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'i8' | 'i16' | 'i32' | 'i64'; readonly value: number }
  | { readonly kind: 'binary'; readonly value: Uint8Array }
  | { readonly kind: 'list'; readonly of: Thrift['kind']; readonly values: readonly Thrift[] }
  | { readonly kind: 'struct'; readonly fields: Struct }
/** Fields by id. */
export type Struct = readonly (readonly [id: number, value: Thrift | undefined])[]

const codes: Readonly<Record<Thrift['kind'], number>> = {
  bool: 1,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  binary: 8,
  list: 9,
  struct: 12,
}

export const bool = (value: boolean): Thrift => ({ kind: 'bool', value })
export const i8 = (value: number): Thrift => ({ kind: 'i8', value })
export const i16 = (value: number): Thrift => ({ kind: 'i16', value })
export const i32 = (value: number): Thrift => ({ kind: 'i32', value })
export const i64 = (value: number): Thrift => ({ kind: 'i64', value })
export const binary = (value: Uint8Array): Thrift => ({ kind: 'binary', value })
export const text = (value: string): Thrift => ({ kind: 'binary', value: Buffer.from(value, 'utf8') })
export const list = (of: Thrift['kind'], values: readonly Thrift[]): Thrift => ({ kind: 'list', of, values })
export const struct = (...fields: Struct): Thrift => ({ kind: 'struct', fields })

/** An unsigned number within 2^53 in groups of seven bits. */
export function putVarint(out: OutputBytes, value: number): void {
  let rest = value
  while (rest >= 128) {
    out.byte((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  out.byte(rest)
}

const zigzag = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2)

/** Appends a struct. */
export function putStruct(out: OutputBytes, fields: Struct): void {
  let last = 0
  for (const [id, value] of fields) {
    if (!value) continue
    // The value of a boolean is in its type.
    const code = value.kind === 'bool' && !value.value ? 2 : codes[value.kind]
    if (id - last <= 15) out.byte(((id - last) << 4) | code)
    else {
      out.byte(code)
      putVarint(out, zigzag(id))
    }
    last = id
    if (value.kind !== 'bool') putValue(out, value)
  }
  out.byte(0)
}

function putValue(out: OutputBytes, value: Thrift): void {
  switch (value.kind) {
    case 'bool':
      return out.byte(value.value ? 1 : 2)
    case 'i8':
      return out.byte(value.value & 255)
    case 'i16':
    case 'i32':
    case 'i64':
      return putVarint(out, zigzag(value.value))
    case 'binary':
      putVarint(out, value.value.length)
      return out.bytes(value.value)
    case 'list': {
      const n = value.values.length
      out.byte((Math.min(n, 15) << 4) | codes[value.of])
      if (n >= 15) putVarint(out, n)
      for (const item of value.values) putValue(out, item)
      return undefined
    }
    case 'struct':
      return putStruct(out, value.fields)
  }
}
