/**
 * The pages of one column of a row group, one at a time (https://parquet.apache.org/docs/file-format/data-pages/):
 * their headers, their checksums, their levels. The decompressed size of a page is checked against what all open pages
 * of the file may take, before it is allocated.
 */
import { crc32 } from 'node:zlib'
import { asBuffer, type ByteSource } from '@millrace/formats'
import { type CodecName, codecs, decompress } from '../decompress.ts'
import { Room } from '../room.ts'
import { broken, unsupported } from './broken.ts'
import type { ChunkPlace, SchemaNode } from './footer.ts'
import { bitsFor } from './hybrid.ts'
import { HybridReader } from './hybrid-read.ts'
import { countIn, type Fields, maybeInt, maybeStruct, ThriftReader } from './thrift-read.ts'
import { plain, type ReadValues, valuesOf } from './values-read.ts'

/** Indexed by their numbers in the footer. */
const codecNames = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW']

function unpacked(codec: number, bytes: Buffer, size: number): Buffer {
  const name = codecNames[codec]
  if (name === undefined || !(name in codecs))
    throw unsupported(
      `the file is compressed with ${name ?? `codec ${codec}`}, which cannot be read`,
      'write it with zstd, snappy or gzip',
    )
  const page = decompress(name as CodecName, bytes, size)
  if (typeof page === 'string') throw broken(`a page cannot be decompressed: ${page}`)
  return asBuffer(page)
}

/** A page of values. */
export interface Page {
  /** Values and nulls. */
  readonly entries: number
  readonly repetition: HybridReader | undefined
  readonly definition: HybridReader | undefined
  readonly read: ReadValues
}

/** Where a column's pages are. */
export interface PagesOf {
  readonly input: ByteSource
  readonly leaf: SchemaNode
  readonly chunk: ChunkPlace
  /** No page extends beyond it. */
  readonly end: number
  readonly room: Room
  /** How much of the file is read at a time. */
  readonly readBytes: number
}

const mostHeader = 16 * 1024 * 1024

export class Pages {
  private readonly of: PagesOf
  private at: number
  /** Bytes of the file from `from` on. */
  private held: Buffer = Buffer.alloc(0)
  private from = 0
  private dictionary: ArrayLike<unknown> | undefined
  private dictionaryBytes = 0
  private pageBytes = 0
  private left: number

  constructor(of: PagesOf) {
    this.of = of
    this.at = of.chunk.start
    this.left = of.chunk.values
  }

  /** The next page of values; undefined: all values of the chunk were in those before. */
  async next(): Promise<Page | undefined> {
    this.freePage()
    while (this.left > 0) {
      const header = await this.header()
      const kind = countIn(header, 1, 'the kind of a page')
      const size = countIn(header, 2, 'the size of a page')
      const packedSize = countIn(header, 3, 'the compressed size of a page')
      this.of.room.take(packedSize)
      try {
        const packed = await this.bytes(packedSize)
        this.at += packedSize
        const sum = maybeInt(header, 4)
        if (sum !== undefined && sum >>> 0 !== crc32(packed))
          throw broken(`a page of the column ${this.of.leaf.name} does not match the checksum in its header`)
        const page = kind === 1 ? undefined : this.page(kind, header, size, packed)
        if (page) return page
      } finally {
        this.of.room.give(packedSize)
      }
    }
    return undefined
  }

  /** Releases what its pages take. */
  close(): void {
    this.freePage()
    this.of.room.give(this.dictionaryBytes)
    this.dictionaryBytes = 0
  }

  private freePage(): void {
    this.of.room.give(this.pageBytes)
    this.pageBytes = 0
  }

  private page(kind: number, header: Fields, size: number, packed: Buffer): Page | undefined {
    const { room, chunk, leaf } = this.of
    if (kind === 2) {
      const dictionary = maybeStruct(header, 7)
      if (!dictionary || this.dictionary) throw broken('a dictionary page is misplaced')
      const values = countIn(dictionary, 1, "the number of a dictionary's values")
      // A value of a dictionary takes this much memory in addition to its bytes.
      const taken = size + 16 * values
      room.take(taken)
      this.dictionaryBytes = taken
      const page = unpacked(chunk.codec, packed, size)
      this.dictionary = plain(leaf, { page, at: 0, most: room.bytes })(values)
      return undefined
    }
    room.take(size)
    this.pageBytes = size
    const first = kind === 0 ? maybeStruct(header, 5) : undefined
    const second = kind === 3 ? maybeStruct(header, 8) : undefined
    const made = first
      ? this.version1(first, unpacked(chunk.codec, packed, size))
      : second && this.version2(second, size, packed)
    if (!made && (kind === 0 || kind === 3)) throw broken('a page has no header for its type')
    if (!made) throw broken(`a page is of unknown type ${kind}`)
    this.left -= made.entries
    if (this.left < 0) throw broken('a column has more values than its footer says')
    return made
  }

  private version1(header: Fields, page: Buffer): Page {
    const { leaf, room } = this.of
    let at = 0
    const levels = (most: number, encoding: number): HybridReader | undefined => {
      if (most === 0) return undefined
      if (maybeInt(header, encoding) !== 3)
        throw unsupported(
          `the column ${leaf.name} has levels in a deprecated encoding`,
          'write the file again with a current version of its writer',
        )
      const length = at + 4 <= page.length ? page.readUInt32LE(at) : page.length
      at += 4 + length
      if (at > page.length) throw broken('the levels of a page are longer than the page')
      return new HybridReader(page, at - length, at, bitsFor(most))
    }
    const repetition = levels(leaf.repeats, 4)
    const definition = levels(leaf.definition, 3)
    const values = { page, at, most: room.bytes }
    return {
      entries: countIn(header, 1, "the number of a page's values"),
      repetition,
      definition,
      read: valuesOf(leaf, countIn(header, 2, 'the encoding of a page'), values, this.dictionary),
    }
  }

  private version2(header: Fields, size: number, packed: Buffer): Page {
    const { leaf, chunk, room } = this.of
    const definitionBytes = countIn(header, 5, 'the length of levels')
    const repetitionBytes = countIn(header, 6, 'the length of levels')
    const levelBytes = definitionBytes + repetitionBytes
    if (levelBytes > size || levelBytes > packed.length) throw broken('the levels of a page are longer than the page')
    const values = packed.subarray(levelBytes)
    const isPacked = header.get(7) !== false && size > levelBytes
    const page = isPacked ? unpacked(chunk.codec, values, size - levelBytes) : values
    const levels = (most: number, from: number, to: number) =>
      most > 0 ? new HybridReader(packed, from, to, bitsFor(most)) : undefined
    return {
      entries: countIn(header, 1, "the number of a page's values"),
      repetition: levels(leaf.repeats, 0, repetitionBytes),
      definition: levels(leaf.definition, repetitionBytes, levelBytes),
      read: valuesOf(
        leaf,
        countIn(header, 4, 'the encoding of a page'),
        { page, at: 0, most: room.bytes },
        this.dictionary,
      ),
    }
  }

  /** A header, whose length is only known once it is read. */
  private async header(): Promise<Fields> {
    for (let length = 1024; ; length *= 16) {
      const most = Math.min(length, this.of.end - this.at, mostHeader)
      const bytes = await this.bytes(Math.max(most, 0), true)
      const reader = new ThriftReader(bytes)
      try {
        const header = reader.struct()
        this.at += reader.at
        return header
      } catch (error) {
        if (most < length) throw error
      }
    }
  }

  /** The next `length` bytes; `orMore`: with those that are held after them. */
  private async bytes(length: number, orMore = false): Promise<Buffer> {
    const { input, end, chunk, readBytes } = this.of
    const { at } = this
    if (length > end - at || at < 0) throw broken('a page reaches beyond the pages of the file')
    const there = at >= this.from ? this.from + this.held.length - at : 0
    if (there < length) {
      const rest = there > 0 ? this.held.subarray(at - this.from) : this.held.subarray(0, 0)
      const start = at + rest.length
      // Not beyond the column, so that nothing is read in vain.
      const stop = Math.max(at + length, Math.min(start + readBytes, chunk.start + chunk.bytes, end))
      const more = asBuffer(await input.slice(start, stop))
      if (more.length < stop - start) throw broken('it ends early')
      this.held = rest.length === 0 ? more : Buffer.concat([rest, more])
      this.from = at
    }
    const from = at - this.from
    return this.held.subarray(from, orMore ? Math.min(this.held.length, from + mostHeader) : from + length)
  }
}
