/** Buffers of Arrow data, and where their bytes come from: a file, memory, or compressed bytes of either. */
import { asBuffer, type ByteSource } from '@millrace/formats'
import { decompress } from '../decompress.ts'
import type { Room } from '../room.ts'
import { broken } from './broken.ts'

/** A buffer of a batch. */
export interface Bytes {
  readonly length: number
  /** The bytes of a range within it. */
  range(from: number, to: number): Promise<Uint8Array>
}

/** Bytes that come in order. */
export class InOrder {
  private readonly chunks: AsyncIterator<Uint8Array>
  private held: Uint8Array[] = []
  private heldBytes = 0

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks[Symbol.asyncIterator]()
  }

  /** Whether the rest begins with a text. */
  async startsWith(text: string): Promise<boolean> {
    await this.hold(text.length)
    return Buffer.concat(this.held).toString('latin1', 0, text.length) === text
  }

  /** The rest. */
  async all(room: Room): Promise<Buffer> {
    for (let before = this.heldBytes; await this.hold(this.heldBytes + 1); before = this.heldBytes)
      room.take(this.heldBytes - before)
    return Buffer.concat(this.held)
  }

  /** Holds at least `length` bytes; false: there are fewer. */
  private async hold(length: number): Promise<boolean> {
    while (this.heldBytes < length) {
      const { value, done } = await this.chunks.next()
      if (done) return false
      this.held.push(value)
      this.heldBytes += value.length
    }
    return true
  }

  /** The next `length` bytes, or fewer at the end. */
  async take(length: number): Promise<Buffer> {
    await this.hold(length)
    const all = Buffer.concat(this.held)
    this.held = [all.subarray(length)]
    this.heldBytes = Math.max(0, all.length - length)
    return all.subarray(0, length)
  }

  async whole(length: number): Promise<Buffer> {
    const bytes = await this.take(length)
    if (bytes.length < length) throw broken('it ends in the middle of a message')
    return bytes
  }
}

/** Bytes in memory. */
export class HeldBytes implements Bytes {
  readonly length: number
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.length = bytes.length
  }

  range(from: number, to: number): Promise<Uint8Array> {
    return Promise.resolve(this.bytes.subarray(from, to))
  }
}

/** A part of a file, read piece by piece. */
export class FileBytes implements Bytes {
  readonly length: number
  ahead = 4096
  private readonly input: ByteSource
  private readonly start: number
  private held: Uint8Array = new Uint8Array(0)
  private from = 0

  constructor(input: ByteSource, start: number, length: number) {
    this.input = input
    this.start = start
    this.length = length
  }

  async range(from: number, to: number): Promise<Uint8Array> {
    if (from < this.from || to > this.from + this.held.length) {
      const end = Math.min(this.length, Math.max(to, from + this.ahead))
      this.held = await this.input.slice(this.start + from, this.start + end)
      if (this.held.length < to - from) throw broken('it ends early')
      this.from = from
    }
    return this.held.subarray(from - this.from, to - this.from)
  }
}

/** Indexed by their numbers in the format. */
export const codecs = ['LZ4_FRAME', 'ZSTD'] as const
type BufferCodec = (typeof codecs)[number]

/** A compressed buffer, decompressed when it is first read. */
class PackedBytes implements Bytes {
  readonly length: number
  private readonly packed: Bytes
  private readonly codec: BufferCodec
  private readonly room: Room
  private bytes: Uint8Array | undefined

  constructor(packed: Bytes, length: number, codec: BufferCodec, room: Room) {
    this.packed = packed
    this.length = length
    this.codec = codec
    this.room = room
  }

  async range(from: number, to: number): Promise<Uint8Array> {
    this.bytes ??= await this.unpacked()
    return this.bytes.subarray(from, to)
  }

  private async unpacked(): Promise<Uint8Array> {
    const { packed, room, length } = this
    room.take(packed.length + length)
    const bytes = decompress(this.codec, await packed.range(8, packed.length), length)
    if (typeof bytes === 'string') throw broken(`a buffer cannot be decompressed: ${bytes}`)
    room.give(packed.length)
    return bytes
  }
}

/** A buffer after its length; -1: it is not compressed. */
export async function unpack(packed: Bytes, codec: BufferCodec, room: Room): Promise<Bytes> {
  if (packed.length === 0) return packed
  if (packed.length < 8) throw broken('a compressed buffer has no length')
  const length = Number(asBuffer(await packed.range(0, 8)).readBigInt64LE(0))
  if (length === -1) return { length: packed.length - 8, range: (from, to) => packed.range(from + 8, to + 8) }
  if (!(length >= 0)) throw broken('a compressed buffer has an invalid length')
  return new PackedBytes(packed, length, codec, room)
}
