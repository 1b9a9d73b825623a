/**
 * Reads FlatBuffers tables (https://flatbuffers.dev/internals/) from untrusted bytes: an offset outside them is a
 * `RangeError` of the DataView, and a vector is no longer than the rest of them.
 */
export class Table {
  private readonly view: DataView
  private readonly at: number

  constructor(view: DataView, at: number) {
    this.view = view
    this.at = at
  }

  /** The root of a buffer. */
  static root(bytes: Uint8Array): Table {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return new Table(view, view.getUint32(0, true))
  }

  /** The position of a field of `width` bytes; 0: it is absent. */
  private place(field: number, width: number): number {
    const vtable = this.at - this.view.getInt32(this.at, true)
    const slots = this.view.getUint16(vtable, true)
    const size = this.view.getUint16(vtable + 2, true)
    const slot = 4 + 2 * field
    if (this.at % 4 || vtable % 2 || slots % 2 || slots < 4) throw new RangeError('a table is malformed')
    if (slot + 2 > slots) return 0
    const offset = this.view.getUint16(vtable + slot, true)
    if (offset === 0) return 0
    if (offset < 4 || offset + width > size || (this.at + offset) % width)
      throw new RangeError('a field is outside its table')
    return this.at + offset
  }

  int8(field: number): number {
    const at = this.place(field, 1)
    return at === 0 ? 0 : this.view.getInt8(at)
  }

  int16(field: number, otherwise = 0): number {
    const at = this.place(field, 2)
    return at === 0 ? otherwise : this.view.getInt16(at, true)
  }

  int32(field: number, otherwise = 0): number {
    const at = this.place(field, 4)
    return at === 0 ? otherwise : this.view.getInt32(at, true)
  }

  /** As the nearest double. */
  int64(field: number): number {
    const at = this.place(field, 8)
    return at === 0 ? 0 : Number(this.view.getBigInt64(at, true))
  }

  table(field: number): Table | undefined {
    const at = this.place(field, 4)
    return at === 0 ? undefined : new Table(this.view, at + this.view.getUint32(at, true))
  }

  text(field: number): string | undefined {
    const [at, length] = this.vector(field, 1) ?? []
    if (at === undefined) return undefined
    return Buffer.from(this.view.buffer, this.view.byteOffset + at, length).toString('utf8')
  }

  tables(field: number): Table[] {
    const [at, length] = this.vector(field, 4) ?? [0, 0]
    return Array.from({ length }, (_, i) => new Table(this.view, at + 4 * i + this.view.getUint32(at + 4 * i, true)))
  }

  /** Structs of `words` whole numbers of 64 bits each, as the nearest doubles. */
  words(field: number, words: number): number[][] {
    const [at, length] = this.vector(field, 8 * words) ?? [0, 0]
    return Array.from({ length }, (_, i) =>
      Array.from({ length: words }, (__, k) => Number(this.view.getBigInt64(at + 8 * (i * words + k), true))),
    )
  }

  private vector(field: number, width: number): [at: number, length: number] | undefined {
    const place = this.place(field, 4)
    if (place === 0) return undefined
    const at = place + this.view.getUint32(place, true)
    const length = this.view.getUint32(at, true)
    if (at % 4 || (width % 8 === 0 && (at + 4) % 8)) throw new RangeError('a vector is misaligned')
    if (length * width > this.view.byteLength - at - 4) throw new RangeError('a vector is longer than its message')
    return [at + 4, length]
  }
}
