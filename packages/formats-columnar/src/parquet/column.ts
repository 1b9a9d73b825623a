/**
 * One column of the current row group.
 *
 * Values go into a dictionary, and each entry keeps only the index of its value; that is small, so a group can have
 * many rows. A column inside lists can have several entries a row, or one without a value for an empty list. If the
 * dictionary does not pay off (it has most of the values), the column continues with plain values. At the end it
 * becomes a dictionary page, if there is one, and data pages (version 1, which every reader supports), each compressed
 * separately.
 *
 * One file, since dictionary and plain values are two states of one column.
 */
import { OutputBytes } from '@millrace/formats'
import type { Compress } from './codecs.ts'
import { bitsFor, putHybrid } from './hybrid.ts'
import type { Column } from './schema.ts'
import type { Entries } from './tree.ts'
import { binary, i32, i64, putStruct, struct, type Struct, type Thrift } from './thrift.ts'
import type { WrittenPage } from './page-index.ts'

type Key = string | number | bigint

const encoding = { plain: 0, rle: 3, dictionary: 8 } as const
const pageType = { data: 0, dictionary: 2 } as const

const pageBytes = 1024 * 1024
/** A dictionary larger than this is abandoned. */
const mostDictionaryBytes = 2 * 1024 * 1024
/** The first few thousand values are often more varied than the rest. */
const soonest = 20_000
/** Approximate overhead of a dictionary key in addition to its characters. */
const keyOverhead = 100
/** A longer value is not worth its space in the footer as a bound. */
const longestBound = 256

/** A finished column of a row group. */
export interface FinishedColumn {
  readonly pages: readonly Uint8Array[]
  readonly bytes: number
  readonly rawBytes: number
  /** The fields of ColumnMetaData with the locations of pages, for a chunk that begins at `offset`. */
  metadata(offset: number): { readonly dictionaryOffset: number | undefined; readonly dataOffset: number }
  readonly encodings: readonly number[]
  readonly values: number
  readonly statistics: Thrift
  /** Those of values, in order. */
  readonly valuePages: readonly WrittenPage[]
}

/** Told of an entry that cannot be written, and why. */
export type Refuse = (entry: number, column: Column, code: 'bad_text' | 'missing_value') => void

export class ColumnChunk {
  private readonly column: Column
  private readonly compress: Compress
  private entries = 0
  private nulls = 0
  /** The levels of each entry, if the column has such. */
  private definitions = new Uint8Array(0)
  private repetitions = new Uint8Array(0)
  /** Values that are not null: their dictionary indexes, or 0 and 1 for a BOOLEAN. */
  private places = new Uint32Array(1024)
  private count = 0
  private dictionary: Map<Key, number> | undefined
  private keys: Key[] = []
  private sizes: number[] = []
  private keyBytes = 0
  /** The size of the values without a dictionary. */
  private plainBytes = 0
  private readonly plain = new OutputBytes(1024)
  /** The first entry of the current page, which begins a row. */
  private pageEntry = 0
  /** Its row, and how many nulls precede it. */
  private pageRow = 0
  private pageNull = 0
  private rows = 0
  /** The bounds of its values. */
  private pageLeast: Key | undefined
  private pageMost: Key | undefined
  private valuePages: WrittenPage[] = []
  private pages: Uint8Array[] = []
  private pagedBytes = 0
  private rawBytes = 0
  private least: Key | undefined
  private most: Key | undefined
  private lastKey: Key | undefined
  private lastPlace = 0
  /** Dictionary indexes of the entries resolved last. */
  private resolved = new Uint32Array(0)

  constructor(column: Column, compress: Compress) {
    this.column = column
    this.compress = compress
    if (column.physical !== 'BOOLEAN') this.dictionary = new Map()
  }

  /** Approximate memory in use. */
  get heldBytes(): number {
    const values = this.places.length * 4 + this.keyBytes + this.keys.length * keyOverhead + this.plain.at
    return values + this.definitions.length + this.repetitions.length + this.pagedBytes
  }

  /** Approximate size in the file. Data that is not in a page yet is assumed to compress to half. */
  get bytes(): number {
    const values = (this.count * (this.dictionary ? bitsFor(this.keys.length) : 1)) / 8
    return this.pagedBytes + (values + this.keyBytes + this.plain.at) / 2
  }

  /**
   * Resolves the first `n` values before any column takes them: looks up their dictionary indexes, appends new values
   * to the dictionary, and reports what cannot be written: text that UTF-8 cannot represent, and null in a required
   * column. Most texts were seen before, so few have to be checked.
   */
  resolve(values: readonly unknown[], n: number, refuse: Refuse): void {
    const { column, dictionary } = this
    const { definition, text } = column
    if (!dictionary) {
      for (let i = 0; i < n; i++) {
        const value = values[i]
        if (value === null || value === undefined) {
          if (definition === 0) refuse(i, column, 'missing_value')
        } else if (text && isBroken(value)) refuse(i, column, 'bad_text')
      }
      return
    }
    if (this.resolved.length < n) this.resolved = new Uint32Array(Math.max(n, 1024))
    const { key } = column
    let { lastKey, lastPlace } = this
    for (let i = 0; i < n; i++) {
      const value = values[i]
      if (value === null || value === undefined) {
        if (definition === 0) refuse(i, column, 'missing_value')
        continue
      }
      const k = key ? key(value) : (value as Key)
      if (k !== lastKey) {
        let place = dictionary.get(k)
        if (place === undefined) {
          if (text && isBroken(k)) {
            refuse(i, column, 'bad_text')
            continue
          }
          place = this.keys.length
          const own = typeof k === 'string' ? detached(k) : k
          dictionary.set(own, place)
          this.keys.push(own)
          const size = column.sizeOf(k)
          this.sizes.push(size)
          this.keyBytes += size
        }
        lastKey = k
        lastPlace = place
      }
      this.resolved[i] = lastPlace
    }
    this.lastKey = lastKey
    this.lastPlace = lastPlace
  }

  /** Takes the first `n` entries, which were resolved, but for the rows left out. `nested`: their levels and rows. */
  take(
    values: readonly unknown[],
    n: number,
    without: ReadonlyMap<number, unknown> | undefined,
    nested: Entries | undefined,
  ): void {
    const { column, dictionary, resolved, sizes } = this
    const entries = this.entries + n
    if (column.definition > 0 && this.definitions.length < entries)
      this.definitions = grownBytes(this.definitions, entries)
    if (nested && this.repetitions.length < entries) this.repetitions = grownBytes(this.repetitions, entries)
    if (this.places.length < this.count + n) this.places = grown(this.places, this.count + n)
    for (let i = 0; i < n; i++) {
      if (without?.has(nested ? nested.rows[i]! : i)) continue
      const value = values[i]
      const isNull = value === null || value === undefined
      if (nested) {
        this.definitions[this.entries] = nested.definitions[i]!
        this.repetitions[this.entries] = nested.repetitions[i]!
      } else if (column.definition > 0) this.definitions[this.entries] = isNull ? 0 : 1
      this.entries++
      if (!nested || nested.repetitions[i] === 0) this.rows++
      if (isNull) this.nulls++
      else if (dictionary) {
        this.places[this.count++] = resolved[i]!
        this.plainBytes += sizes[resolved[i]!]!
      } else if (column.physical === 'BOOLEAN') this.places[this.count++] = value === true ? 1 : 0
      else this.putPlain(column.key ? column.key(value) : (value as Key))
    }
    if (dictionary && this.isWasted()) this.giveUpDictionary()
    if (this.plain.at >= pageBytes) this.endPage()
  }

  private isWasted(): boolean {
    return this.keyBytes > mostDictionaryBytes || (this.count >= soonest && this.keyBytes > this.plainBytes * 0.6)
  }

  /** Writes the gathered values as plain values. */
  private giveUpDictionary(): void {
    const { keys, places, count } = this
    this.dictionary = undefined
    this.keys = []
    this.sizes = []
    this.keyBytes = 0
    for (let i = 0; i < count; i++) this.putPlain(keys[places[i]!]!)
  }

  private putPlain(key: Key): void {
    this.column.put(this.plain, key)
    this.bound(key)
  }

  private bound(key: Key): void {
    const compare = this.column.compare ?? compareTexts
    if (this.pageLeast === undefined || compare(key, this.pageLeast) < 0) this.pageLeast = key
    if (this.pageMost === undefined || compare(key, this.pageMost) > 0) this.pageMost = key
  }

  /** The bounds of the current page, which become part of those of the chunk. */
  private endBounds(): Pick<WrittenPage, 'isEmpty' | 'least' | 'most'> {
    const { pageLeast: least, pageMost: most } = this
    this.pageLeast = this.pageMost = undefined
    if (least === undefined || most === undefined) return { isEmpty: true, least: undefined, most: undefined }
    const compare = this.column.compare ?? compareTexts
    if (this.least === undefined || compare(least, this.least) < 0) this.least = least
    if (this.most === undefined || compare(most, this.most) > 0) this.most = most
    return { isEmpty: false, least: this.boundBytes(least, true), most: this.boundBytes(most, false) }
  }

  /** Ends a page of plain values. */
  private endPage(): void {
    if (this.entries === this.pageEntry) return
    this.addPage(encoding.plain, (out) => out.bytes(this.plain.seen()))
    this.plain.clear()
  }

  private addPage(how: number, putValues: (out: OutputBytes) => void): void {
    const bounds = this.endBounds()
    scratch.clear()
    const { definition, repetition } = this.column
    const entries = this.entries - this.pageEntry
    if (repetition > 0) this.putLevels(this.repetitions, entries, repetition)
    if (definition > 0) this.putLevels(this.definitions, entries, definition)
    putValues(scratch)
    const header = struct([1, i32(entries)], [2, i32(how)], [3, i32(encoding.rle)], [4, i32(encoding.rle)])
    const bytes = this.pushPage(pageType.data, [5, header])
    this.valuePages.push({ bytes, firstRow: this.pageRow, nulls: this.nulls - this.pageNull, ...bounds })
    this.pageEntry = this.entries
    this.pageRow = this.rows
    this.pageNull = this.nulls
  }

  private putLevels(levels: Uint8Array, entries: number, most: number): void {
    const start = scratch.at
    scratch.int32(0)
    putHybrid(scratch, this.pageEntry === 0 ? levels : levels.subarray(this.pageEntry), entries, bitsFor(most))
    scratch.view.setInt32(start, scratch.at - start - 4, true)
  }

  /** Returns its size in the file. */
  private pushPage(type: number, header: Struct[number]): number {
    const raw = scratch.seen()
    const compressed = this.compress(raw)
    headers.clear()
    putStruct(headers, [[1, i32(type)], [2, i32(raw.length)], [3, i32(compressed.length)], header])
    const head = headers.take()
    this.pages.push(head, compressed === raw ? Buffer.from(raw) : compressed)
    this.pagedBytes += head.length + compressed.length
    this.rawBytes += head.length + raw.length
    return head.length + compressed.length
  }

  /** Returns everything as pages. The chunk is empty afterwards. */
  finish(): FinishedColumn {
    const width = bitsFor(Math.max(0, this.keys.length - 1))
    if (this.dictionary && this.keyBytes + (this.count * width) / 8 >= this.plainBytes) this.giveUpDictionary()
    let dictionaryBytes: number | undefined
    if (this.dictionary && this.keys.length > 0) {
      scratch.clear()
      for (const key of this.keys) {
        this.column.put(scratch, key)
        this.bound(key)
      }
      this.pushPage(pageType.dictionary, [7, struct([1, i32(this.keys.length)], [2, i32(encoding.plain)])])
      dictionaryBytes = sum(this.pages)
      this.addPage(encoding.dictionary, (out) => {
        out.byte(width)
        putHybrid(out, this.places, this.count, width)
      })
    } else if (this.column.physical === 'BOOLEAN') {
      for (let i = 0; i < this.count; i++) this.bound(this.places[i]!)
      this.addPage(encoding.plain, (out) => putBits(out, this.places, this.count))
    } else this.endPage()
    const made: FinishedColumn = {
      pages: this.pages,
      bytes: sum(this.pages),
      rawBytes: this.rawBytes,
      metadata: (offset) => ({
        dictionaryOffset: dictionaryBytes === undefined ? undefined : offset,
        dataOffset: offset + (dictionaryBytes ?? 0),
      }),
      encodings:
        dictionaryBytes === undefined
          ? [encoding.plain, encoding.rle]
          : [encoding.plain, encoding.rle, encoding.dictionary],
      values: this.entries,
      statistics: this.statistics(),
      valuePages: this.valuePages,
    }
    this.reset()
    return made
  }

  private statistics(): Thrift {
    const least = this.least === undefined ? undefined : this.boundBytes(this.least, true)
    const most = this.most === undefined ? undefined : this.boundBytes(this.most, false)
    const known = least && most
    return struct([3, i64(this.nulls)], [5, known ? binary(most) : undefined], [6, known ? binary(least) : undefined])
  }

  /** Undefined: too long. */
  private boundBytes(key: Key, isLeast: boolean): Uint8Array | undefined {
    if (this.column.physical === 'BOOLEAN') return Uint8Array.of(Number(key))
    scratch.clear()
    // As a bound, zero covers both signs.
    const isZero = this.column.physical === 'DOUBLE' && Number(key) === 0
    this.column.put(scratch, isZero ? (isLeast ? '-0' : 0) : key)
    const bytes = scratch.take()
    const value = this.column.physical === 'BYTE_ARRAY' ? bytes.subarray(4) : bytes
    return value.length <= longestBound ? value : undefined
  }

  private reset(): void {
    this.entries =
      this.nulls =
      this.count =
      this.keyBytes =
      this.plainBytes =
      this.pagedBytes =
      this.pageEntry =
      this.pageRow =
      this.pageNull =
      this.rows =
      this.rawBytes =
      this.lastPlace =
        0
    this.keys = []
    this.sizes = []
    this.pages = []
    this.valuePages = []
    this.plain.clear()
    this.least = this.most = this.lastKey = undefined
    this.dictionary = this.column.physical === 'BOOLEAN' ? undefined : new Map()
  }
}

// Only one page is made at a time.
const scratch = new OutputBytes(64 * 1024)
const headers = new OutputBytes(256)

const sum = (parts: readonly Uint8Array[]): number => parts.reduce((n, part) => n + part.length, 0)

function grown(array: Uint32Array, size: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(array.length * 2, size))
  larger.set(array)
  return larger
}

function grownBytes(array: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(array.length * 2, size, 1024))
  larger.set(array)
  return larger
}

/** A substring would keep the original text in memory; V8 copies only short ones. */
const detached = (text: string): string => (text.length < 13 ? text : Buffer.from(text).toString())

const isBroken = (value: unknown): boolean => typeof value === 'string' && !value.isWellFormed()

function putBits(out: OutputBytes, values: Uint32Array, n: number): void {
  for (let i = 0; i < n; i += 8) {
    let byte = 0
    for (let bit = 0; bit < 8 && i + bit < n; bit++) byte |= values[i + bit]! << bit
    out.byte(byte)
  }
}

/**
 * Orders texts as their UTF-8 bytes, unsigned, which is by code points. Surrogates count as above all other characters.
 */
function compareTexts(a: Key, b: Key): number {
  if (typeof a !== 'string' || typeof b !== 'string') return a < b ? -1 : a > b ? 1 : 0
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return ranked(x) - ranked(y)
  }
  return a.length - b.length
}

const ranked = (unit: number): number => (unit < 0xd800 ? unit : unit >= 0xe000 ? unit - 0x800 : unit + 0x2000)
