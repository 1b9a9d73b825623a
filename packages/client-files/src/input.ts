/**
 * One input file, read through one handle from beginning to end, so that changes of its name cannot mix two contents.
 *
 * The CRC-32 of the content up to a position is saved with it, so that a later run can tell whether the file still
 * begins with that content; what follows may be changed. If inode, size and modification time are the same, that is
 * assumed; otherwise the file is read again up to the position and the checksums are compared. Content means
 * decompressed content. Formats with random access (Parquet, Arrow) have no checksum.
 *
 * Decision: docs/decisions/20261130-input-files-by-checksum.md
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { MillraceError } from '@millrace/core'
import { type ByteSource, compressionOf, decompress } from '@millrace/formats'
import type { Disk, DiskReader, FileState } from './disk.ts'
import { crcOf, type Extent, stampOf } from './extent.ts'
import { fileError, inputChanged, noRandomAccess } from './failures.ts'

const chunkBytes = 64 * 1024
/** Modification times advance in steps of some milliseconds. */
const clockStepMs = 20

export class FileInput implements ByteSource {
  /** Its state when it was opened. */
  readonly state: FileState
  /** Undefined: it is compressed, so it can only be read sequentially. */
  readonly size: number | undefined
  /** See `ByteSource.grows`. */
  grows = false
  /**
   * Ends where the file ended when it was opened, although it may have grown since: what its identity was derived from
   * is then what is read.
   */
  private readonly isSnapshot: boolean
  private readonly disk: Disk
  private readonly path: string
  private readonly name: string
  private readonly reader: DiskReader
  private inOrder = false
  /** Content up to here is in the checksum. */
  private summed = 0
  private sum = 0
  /** What was read beyond it. */
  private ahead: Uint8Array[] = []
  private read = 0
  /** Content up to here is not compared again; undefined: all of it is. */
  private trusted: number | undefined
  /** The checksum of what comes after it. */
  private trustedSum = 0

  private constructor(
    disk: Disk,
    path: string,
    name: string,
    reader: DiskReader,
    state: FileState,
    isSnapshot: boolean,
  ) {
    this.disk = disk
    this.path = path
    this.name = name
    this.reader = reader
    this.state = state
    this.isSnapshot = isSnapshot
    this.size = compressionOf(path) ? undefined : state.bytes
  }

  /**
   * `name`: its name in messages. `isSnapshot`: without what is appended from now on. Throws `MillraceError` with exit
   * code 3 if it cannot be opened.
   */
  static async open(disk: Disk, path: string, name: string, isSnapshot = false): Promise<FileInput> {
    let reader: DiskReader | undefined
    try {
      reader = await disk.open(path)
      return new FileInput(disk, path, name, reader, await reader.state(), isSnapshot)
    } catch (error) {
      await reader?.close()
      throw fileError(error, name)
    }
  }

  /** The extent up to a position; undefined: everything that was read. */
  extentAt(position: number | undefined): Extent {
    const stamp = stampOf(this.state)
    if (!this.inOrder) return { stamp, bytes: this.state.bytes }
    const end = position ?? this.read
    while (this.summed < end && this.ahead.length > 0) {
      const [chunk] = this.ahead as [Uint8Array]
      const own = chunk.subarray(0, Math.min(chunk.length, end - this.summed))
      this.sum = crc32(own, this.sum)
      if (this.trusted !== undefined) this.trustedSum = crc32(own, this.trustedSum)
      this.summed += own.length
      if (own.length === chunk.length) this.ahead.shift()
      else this.ahead[0] = chunk.subarray(own.length)
    }
    return { stamp, bytes: this.summed, sum: this.sum }
  }

  /** How many bytes were read after a position. */
  beyond(position: number): number {
    return this.read - position
  }

  /** Continues from what was read before. `isTrusted`: that is known to be still there. */
  resume({ bytes, sum }: Extent, isTrusted: boolean): void {
    if (sum === undefined) return
    this.sum = sum
    this.summed = this.read = bytes
    if (isTrusted) this.trusted = bytes
  }

  /** The CRC-32 of the last bytes before a position, at most `most`, as they are on disk; undefined: it is shorter. */
  sumBefore(position: number, most: number, signal: AbortSignal): Promise<number | undefined> {
    return crcOf(this.reader, position, signal, Math.max(0, position - most))
  }

  /** How the content compares with what was read before: `same`, continued (`longer`), `shorter`, or `changed`. */
  async since({ bytes, sum }: Extent, signal: AbortSignal): Promise<'same' | 'longer' | 'shorter' | 'changed'> {
    if (sum === undefined) return this.state.bytes === bytes ? 'same' : 'longer'
    let found = 0
    let at = 0
    let isMore = false
    for await (const chunk of this.look(signal)) {
      const own = chunk.subarray(0, bytes - at)
      found = crc32(own, found)
      at += own.length
      isMore = own.length < chunk.length
      if (isMore) break
    }
    if (at < bytes) return 'shorter'
    return found !== sum ? 'changed' : isMore ? 'longer' : 'same'
  }

  /**
   * Call it at the end of the file, when everything before `end` was taken; returns what to save. Throws
   * `input_changed` if the name now belongs to a different file, or if the bytes that were read are no longer those of
   * the file. Bytes appended meanwhile do not matter.
   */
  async finish(end: number | undefined, signal: AbortSignal): Promise<Extent> {
    let now = await this.reader.state()
    // Changes within one clock tick have the same modification time.
    const isRecent = Date.now() - Number(now.changedNs / 1_000_000n) < clockStepMs
    if (isRecent) {
      await sleep(clockStepMs, undefined, { signal })
      now = await this.reader.state()
    }
    const named = await this.disk.state(this.path)
    if (named && named.id !== now.id) throw inputChanged(this.name, 'has been replaced')
    const isSame = stampOf(now) === stampOf(this.state)
    const extent = this.extentAt(end)
    if (!this.inOrder) {
      if (!isSame) throw inputChanged(this.name, 'has been changed')
      return extent
    }
    if (this.size !== undefined && now.bytes < extent.bytes) throw inputChanged(this.name, 'has become shorter')
    const since = !isSame || isRecent ? await this.compare(extent, signal) : 'same'
    if (since === 'shorter') throw inputChanged(this.name, 'has become shorter')
    if (since === 'changed') throw inputChanged(this.name, 'has been changed')
    if (since === 'longer' && this.size === undefined) throw inputChanged(this.name, 'has grown')
    return this.size === undefined ? extent : { ...extent, stamp: stampOf({ ...now, bytes: extent.bytes }) }
  }

  /** How what was read compares with what is there now. */
  private async compare(extent: Extent, signal: AbortSignal): Promise<'same' | 'longer' | 'shorter' | 'changed'> {
    if (this.trusted === undefined) return this.since(extent, signal)
    const sum = await crcOf(this.reader, extent.bytes, signal, this.trusted)
    return sum === undefined ? 'shorter' : sum === this.trustedSum ? 'same' : 'changed'
  }

  /** The content from the beginning, without counting it as read. */
  look(signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.content(0, signal)
  }

  /** The content from a position on. Bytes that were read before may repeat. */
  async *stream(from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    this.inOrder = true
    let at = from
    for await (const chunk of this.content(from, signal)) {
      at += chunk.length
      if (at > this.read) {
        this.ahead.push(chunk.subarray(chunk.length - Math.min(chunk.length, at - this.read)))
        this.read = at
      }
      yield chunk
    }
  }

  async slice(start: number, end: number): Promise<Uint8Array> {
    const { size } = this
    if (size === undefined) throw noRandomAccess(this.name, 'is compressed', 'decompress it first')
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(end, size) - start))
    for (let at = 0; at < buffer.length; ) {
      const bytesRead = await this.readAt(buffer.subarray(at), start + at)
      if (bytesRead === 0) throw inputChanged(this.name, 'has become shorter')
      at += bytesRead
    }
    return buffer
  }

  close(): Promise<void> {
    return this.reader.close()
  }

  private async readAt(into: Uint8Array, position: number): Promise<number> {
    try {
      return await this.reader.read(into, position)
    } catch (error) {
      throw fileError(error, this.name)
    }
  }

  /** Chunks as they are on disk, reading one ahead. Throws `input_changed` if they end before the original size. */
  private async *chunks(from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const read = async (position: number) => {
      const left = this.state.bytes - position
      const most = this.isSnapshot ? left : Math.max(left, 4096)
      const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(chunkBytes, most)))
      const bytes = buffer.length > 0 ? await this.readAt(buffer, position) : 0
      // A short read at the expected size is the end. Most files are small, and this saves each a second read.
      return { chunk: buffer.subarray(0, bytes), isLast: bytes === 0 || (bytes < buffer.length && bytes >= left) }
    }
    let at = from
    let next = read(at)
    try {
      for (let isLast = false; !isLast; ) {
        const got = await next
        signal.throwIfAborted()
        isLast = got.isLast
        at += got.chunk.length
        if (!isLast) next = read(at)
        if (got.chunk.length > 0) yield got.chunk
      }
      if (at < this.state.bytes) throw inputChanged(this.name, 'has become shorter')
    } finally {
      // The handle is closed as soon as nothing reads from it any more.
      await next.catch(() => {})
    }
  }

  private content(from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.size === undefined ? skip(this.decompressed(signal), this.name, from) : this.chunks(from, signal)
  }

  private async *decompressed(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* decompress(this.chunks(0, signal), compressionOf(this.path)!, signal)
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'broken_compression') throw error
      throw new MillraceError(error.code, `${this.name}: ${error.message}`, { hint: error.hint, cause: error })
    }
  }
}

async function* skip(chunks: AsyncIterable<Uint8Array>, name: string, from: number): AsyncGenerator<Uint8Array> {
  let left = from
  for await (const chunk of chunks) {
    if (left < chunk.length) yield left > 0 ? chunk.subarray(left) : chunk
    left = Math.max(0, left - chunk.length)
  }
  if (left > 0) throw inputChanged(name, 'has become shorter')
}
