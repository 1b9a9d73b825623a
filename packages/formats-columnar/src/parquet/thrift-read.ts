/**
 * Reads Thrift's compact protocol (see thrift.ts) from untrusted bytes: lengths and counts are checked against the
 * bytes that are left before anything is made of them, structs may nest only to a depth that no valid file reaches, and
 * one reader returns a limited number of values.
 */
import { broken } from './broken.ts'

export type Fields = ReadonlyMap<number, ThriftValue>
export type ThriftValue = boolean | number | Uint8Array | readonly ThriftValue[] | Fields

const deepest = 32
const mostValues = 4_000_000

export class ThriftReader {
  at: number
  private readonly bytes: Uint8Array
  private left = mostValues

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** A struct. `lazy`: a field of it, a list of structs, of which only the offsets are returned. */
  struct(lazy?: number, depth = 0): Fields {
    if (depth > deepest) throw broken('its metadata is nested too deeply')
    const fields = new Map<number, ThriftValue>()
    for (let id = 0; ; ) {
      const head = this.byte()
      const kind = head & 15
      if (kind === 0) return fields
      id = head >> 4 ? id + (head >> 4) : this.zigzag()
      fields.set(id, id === lazy && kind === 9 ? this.places() : this.value(kind, depth))
    }
  }

  private value(kind: number, depth: number): ThriftValue {
    if (--this.left < 0) throw broken(`its metadata holds more than ${mostValues} values`)
    switch (kind) {
      case 1:
      case 2:
        return kind === 1
      case 3:
        return (this.byte() << 24) >> 24
      case 4:
      case 5:
      case 6:
        return this.zigzag()
      case 7:
        this.pass(8)
        return Number.NaN
      case 8: {
        const length = this.varint()
        return this.bytes.subarray(this.at, this.pass(length))
      }
      case 9:
      case 10: {
        const [size, of] = this.listHead()
        const values: ThriftValue[] = []
        for (let i = 0; i < size; i++) values.push(of < 3 ? this.byte() === 1 : this.value(of, depth))
        return values
      }
      case 12:
        return this.struct(undefined, depth + 1)
      default:
        throw broken(`its metadata has a value of unknown type ${kind}`)
    }
  }

  private places(): number[] {
    const [size, of] = this.listHead()
    const places: number[] = []
    for (let i = 0; i < size; i++) {
      if (--this.left < 0 || of !== 12) throw broken('its metadata is malformed')
      places.push(this.at)
      this.skip(of, 0)
    }
    return places
  }

  private skip(kind: number, depth: number): void {
    if (depth > deepest) throw broken('its metadata is nested too deeply')
    if (kind === 12) {
      for (let head = this.byte(); head & 15; head = this.byte()) {
        if (head >> 4 === 0) this.zigzag()
        if ((head & 15) > 2) this.skip(head & 15, depth + 1)
      }
    } else if (kind === 9 || kind === 10) {
      const [size, of] = this.listHead()
      for (let i = 0; i < size; i++) this.skip(of < 3 ? 3 : of, depth + 1)
    } else if (kind === 3) this.byte()
    else if (kind === 7) this.pass(8)
    else if (kind === 8) this.pass(this.varint())
    else if (kind >= 4 && kind <= 6) this.varint()
    else throw broken(`its metadata has a value of unknown type ${kind}`)
  }

  /** The number of elements, each of at least one byte, and their kind. */
  private listHead(): [size: number, of: number] {
    const head = this.byte()
    const size = head >> 4 === 15 ? this.varint() : head >> 4
    if (size > this.bytes.length - this.at) throw broken('a list in its metadata is longer than the metadata')
    return [size, head & 15]
  }

  private byte(): number {
    if (this.at >= this.bytes.length) throw broken('its metadata ends early')
    return this.bytes[this.at++]!
  }

  private pass(length: number): number {
    if (length > this.bytes.length - this.at) throw broken('its metadata ends early')
    return (this.at += length)
  }

  /** Beyond 2^53, approximate. */
  private varint(): number {
    let value = 0
    for (let factor = 1, n = 0; n < 10; n++, factor *= 128) {
      const byte = this.byte()
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
    throw broken('a number in its metadata does not end')
  }

  private zigzag(): number {
    const value = this.varint()
    return value % 2 ? -(value + 1) / 2 : value / 2
  }
}

/** A whole number of a field; undefined: there is none. */
export function maybeInt(fields: Fields, id: number): number | undefined {
  const value = fields.get(id)
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined
}

/** A count, length or offset. `what` names it. */
export function countIn(fields: Fields, id: number, what: string): number {
  const value = maybeInt(fields, id)
  if (value === undefined || value < 0) throw broken(`${what} is missing or not a valid number`)
  return value
}

export function maybeStruct(fields: Fields, id: number): Fields | undefined {
  const value = fields.get(id)
  return value instanceof Map ? value : undefined
}

export function listIn(fields: Fields, id: number): readonly ThriftValue[] {
  const value = fields.get(id)
  return Array.isArray(value) ? value : []
}

/** A text; undefined: there is none. */
export function maybeText(value: ThriftValue | undefined): string | undefined {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : undefined
}
