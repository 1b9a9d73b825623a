/**
 * The bytes of one object. Every request names its ETag, so that two contents of the same key are never mixed.
 *
 * Formats that read from beginning to end take one request; if the connection breaks on the way, another one continues
 * where it broke. Formats with random access get blocks, the last few of which are kept, since they read many small
 * pieces next to each other.
 */
import { MillraceError, SystemError } from '@millrace/core'
import type { Bucket, ListedObject } from '@millrace/client-s3/driver'
import { type ByteSource, compressionOf, decompress } from '@millrace/formats'

const blockBytes = 8 * 1024 * 1024
const mostBlocks = 4

/** An object is not the one that was found any more. */
export const objectChanged = (name: string, how: string): MillraceError =>
  new MillraceError('input_changed', `${name} ${how} since the run began to read it`, {
    hint: 'restore the object and run again, or discard its positions: pipe state reset PIPELINE',
  })

export class ObjectInput implements ByteSource {
  /** Undefined: it is compressed, so it can only be read sequentially. */
  readonly size: number | undefined
  private readonly bucket: Bucket
  private readonly object: ListedObject
  /** Its address, for messages. */
  private readonly name: string
  private readonly signal: AbortSignal
  private readonly blocks = new Map<number, Promise<Uint8Array>>()

  constructor(bucket: Bucket, object: ListedObject, name: string, signal: AbortSignal) {
    this.bucket = bucket
    this.object = object
    this.name = name
    this.signal = signal
    this.size = compressionOf(object.key) ? undefined : object.bytes
  }

  stream(from: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const compression = compressionOf(this.object.key)
    return compression
      ? this.skipped(decompress(this.stored(0, signal), compression, signal), from)
      : this.stored(from, signal)
  }

  async slice(start: number, end: number): Promise<Uint8Array> {
    const { size } = this
    if (size === undefined)
      throw new MillraceError('no_random_access', `${this.name} is compressed, but its format needs random access`, {
        hint: 'decompress it first',
      })
    const last = Math.min(end, size)
    if (start >= last) return new Uint8Array(0)
    const [first, after] = [Math.floor(start / blockBytes), Math.ceil(last / blockBytes)]
    if (after - first > 2) return this.fetch(start, last)
    const at = first * blockBytes
    const blocks = []
    for (let n = first; n < after; n++) blocks.push(await this.block(n))
    const bytes = blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks)
    return bytes.subarray(start - at, last - at)
  }

  private block(n: number): Promise<Uint8Array> {
    const { blocks } = this
    const known = blocks.get(n)
    blocks.delete(n)
    const block = known ?? this.fetch(n * blockBytes, Math.min((n + 1) * blockBytes, this.object.bytes))
    // The most recently used one comes last.
    blocks.set(n, block)
    if (blocks.size > mostBlocks) blocks.delete(blocks.keys().next().value!)
    block.catch(() => blocks.delete(n))
    return block
  }

  private async fetch(start: number, end: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafeSlow(end - start)
    let at = 0
    for await (const chunk of this.stored(start, this.signal, end)) {
      buffer.set(chunk, at)
      at += chunk.length
    }
    return buffer
  }

  /** The bytes as they are stored. */
  private async *stored(from: number, signal: AbortSignal, end = this.object.bytes): AsyncGenerator<Uint8Array> {
    const { key, etag, bytes } = this.object
    for (let at = from; at < end; ) {
      const begin = at
      const body = await this.bucket.get(key, etag, at, end === bytes ? undefined : end, signal)
      if (!body) throw objectChanged(this.name, 'has been replaced or removed')
      try {
        for await (const chunk of body) {
          at += chunk.length
          yield chunk
        }
      } catch (error) {
        // A connection that broke on the way is opened again where it broke.
        if (at === begin || !(error instanceof SystemError && error.retry) || signal.aborted) throw error
      }
      if (at === begin) throw objectChanged(this.name, 'has become shorter')
    }
  }

  private async *skipped(chunks: AsyncIterable<Uint8Array>, from: number): AsyncGenerator<Uint8Array> {
    let left = from
    try {
      for await (const chunk of chunks) {
        if (left < chunk.length) yield left > 0 ? chunk.subarray(left) : chunk
        left = Math.max(0, left - chunk.length)
      }
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'broken_compression') throw error
      throw new MillraceError(error.code, `${this.name}: ${error.message}`, { hint: error.hint, cause: error })
    }
    if (left > 0) throw objectChanged(this.name, 'has become shorter')
  }
}
