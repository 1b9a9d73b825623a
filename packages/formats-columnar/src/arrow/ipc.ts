/**
 * Arrow's messages
 * (https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc): those of a
 * file by its footer, those of a stream one after the other. With random access, only the ranges that are needed are
 * read; what comes in order, or is compressed, is held in memory, within a bound. A file may have its dictionaries
 * anywhere, so one that comes in order is held whole.
 */
import { asBuffer, type ByteSource, bytesSource, withoutPauses } from '@millrace/formats'
import { Room } from '../room.ts'
import { columnOf, type Parts } from './arrays.ts'
import { type Bytes, codecs, FileBytes, HeldBytes, InOrder, unpack } from './bytes.ts'
import { broken } from './broken.ts'
import { Table } from './flatbuffer.ts'
import type { ArrowColumn } from './ranges.ts'
import { type ArrowField, fieldsOf } from './schema.ts'

/** A record batch. */
export interface Batch {
  readonly rows: number
  readonly bytes: number
  readonly columns: readonly ArrowColumn[]
}

export interface ArrowData {
  readonly fields: readonly ArrowField[]
  /** The batches from number `from` on. */
  batches(from: number, signal: AbortSignal): AsyncGenerator<Batch>
}

/** A message and its body. */
interface Message {
  readonly version: number
  readonly kind: number
  readonly header: Table
  readonly bodyBytes: number
  body(offset: number, length: number): Bytes
}

const magic = 'ARROW1'
const kinds = { schema: 1, dictionary: 2, batch: 3 } as const
/** How much of each file is read ahead, over all buffers. */
const aheadBytes = 64 * 1024 * 1024
const mostMetadata = 64 * 1024 * 1024

/** Opens a file or stream. `most`: see `Room`. Throws `MillraceError` `broken_file`, `too_expanded`. */
export async function openArrow(input: ByteSource, most: number, signal: AbortSignal): Promise<ArrowData> {
  const dictionaries = new Dictionaries(new Room(most))
  if (input.size !== undefined && input.size >= 12) {
    const start = asBuffer(await input.slice(0, magic.length)).toString('latin1')
    if (start === magic) return openFile(input, input.size, dictionaries)
  }
  const ordered = input.size === undefined ? new InOrder(withoutPauses(input.stream(0, signal))) : undefined
  if (ordered && (await ordered.startsWith(magic))) {
    const all = await ordered.all(dictionaries.room)
    return openFile(bytesSource(all), all.length, dictionaries)
  }
  const messages = ordered ? inOrder(ordered, dictionaries.room) : byPlace(input, input.size!)
  const { value: first } = await messages.next()
  if (first?.kind !== kinds.schema) throw broken('it has no schema')
  const fields = fieldsOf(first.header)
  dictionaries.fields = fields
  return {
    fields,
    async *batches(from) {
      let number = 0
      for await (const message of messages) {
        if (message.kind === kinds.dictionary) await dictionaries.add(message)
        else if (message.kind === kinds.batch && number++ >= from) yield await batchOf(message, fields, dictionaries)
      }
    },
  }
}

async function openFile(input: ByteSource, size: number, dictionaries: Dictionaries): Promise<ArrowData> {
  const tail = asBuffer(await input.slice(size - 10, size))
  if (tail.subarray(4).toString('latin1') !== magic) throw broken('it does not end with ARROW1')
  const length = tail.readInt32LE(0)
  if (length < 4 || length > Math.min(size - 18, mostMetadata)) throw broken('its footer is longer than the file')
  const footer = Table.root(await input.slice(size - 10 - length, size - 10))
  const schema = footer.table(1)
  if (!schema) throw broken('it has no schema')
  const fields = fieldsOf(schema)
  dictionaries.fields = fields
  const end = size - 10 - length
  const message = async ([at, metadata, body]: number[]) => {
    const found = await messageAt(input, at!, end)
    if (found?.end !== blockEnd(at!, metadata!, body!)) throw broken('a block in its footer is not a message')
    return found.message
  }
  const blocks = footer.words(3, 3)
  await refuseGaps(input, [...footer.words(2, 3), ...blocks], end)
  for (const block of footer.words(2, 3)) {
    const found = await message(block)
    if (found.kind !== kinds.dictionary) throw broken('a block in its footer is not a dictionary')
    await dictionaries.add(found)
  }
  return {
    fields,
    async *batches(from) {
      for (const block of blocks.slice(from)) {
        const found = await message(block)
        if (found.kind !== kinds.batch) throw broken('a block in its footer is not a record batch')
        yield await batchOf(found, fields, dictionaries)
      }
    },
  }
}

/** A block consists of its offset, the length of its metadata, four bytes of padding, and the length of its body. */
const blockEnd = (at: number, metadata: number, body: number): number => at + (metadata % 2 ** 32) + body

const mostPadding = 64

/**
 * Blocks follow one another up to the footer: anything in between would be records that are not read. The schema
 * precedes the first block, not always as a message.
 */
async function refuseGaps(input: ByteSource, blocks: readonly number[][], end: number): Promise<void> {
  const [first, ...others] = blocks.toSorted(([a], [b]) => a! - b!) as [number, number, number][]
  let last = first ? blockEnd(...first) : 8
  for (const [at, metadata, body] of others) {
    if (at < last || at > last + mostPadding) throw broken('its footer leaves out some of its record batches')
    last = blockEnd(at, metadata, body)
  }
  let rest = await messageAt(input, last, end).catch(() => undefined)
  if (!first && rest?.message.kind === kinds.schema) rest = await messageAt(input, rest.end, end).catch(() => undefined)
  if (rest) throw broken('its footer leaves out some of its record batches')
}

/** The messages of a stream with random access. */
async function* byPlace(input: ByteSource, size: number): AsyncGenerator<Message> {
  for (let at = 0; at < size; ) {
    const found = await messageAt(input, at, size)
    if (!found) return
    yield found.message
    at = found.end
  }
}

async function messageAt(
  input: ByteSource,
  at: number,
  end: number,
): Promise<{ message: Message; end: number } | undefined> {
  if (!(at >= 0 && at + 4 <= end)) throw broken('a message is outside the file')
  const head = asBuffer(await input.slice(at, Math.min(at + 8, end)))
  const start = head.readInt32LE(0) === -1 ? 8 : 4
  const length = start === 8 ? head.readInt32LE(4) : head.readInt32LE(0)
  if (length === 0) return undefined
  const bodyAt = at + start + length
  if (length < 4 || length > mostMetadata || bodyAt > end) throw broken('a message is longer than the file')
  const message = messageOf(await input.slice(at + start, bodyAt))
  if (!(message.bodyBytes >= 0 && message.bodyBytes <= end - bodyAt)) throw broken('a message is longer than the file')
  const body = (offset: number, size: number): Bytes => new FileBytes(input, bodyAt + offset, size)
  return { message: { ...message, body }, end: bodyAt + message.bodyBytes }
}

function messageOf(metadata: Uint8Array): Omit<Message, 'body'> {
  const table = Table.root(metadata)
  const header = table.table(2)
  if (!header) throw broken('a message has no header')
  return { version: table.int16(0), kind: table.int8(1), header, bodyBytes: table.int64(3) }
}

/** The messages of a stream that comes in order. */
async function* inOrder(bytes: InOrder, room: Room): AsyncGenerator<Message> {
  for (let head = await bytes.take(4); head.length > 0; head = await bytes.take(4)) {
    if (head.length < 4) throw broken('it ends in the middle of a message')
    let length = head.readInt32LE(0)
    if (length === -1) length = (await bytes.whole(4)).readInt32LE(0)
    if (length === 0) return
    if (length < 4 || length > mostMetadata) throw broken('a message has an invalid length')
    const message = messageOf(await bytes.whole(length))
    const { bodyBytes } = message
    if (!(bodyBytes >= 0)) throw broken('a message has an invalid length')
    room.take(bodyBytes)
    const held = await bytes.whole(bodyBytes)
    yield { ...message, body: (offset, size) => new HeldBytes(held.subarray(offset, offset + size)) }
    if (message.kind !== kinds.dictionary) room.give(bodyBytes)
  }
}

async function batchOf(message: Message, fields: readonly ArrowField[], dictionaries: Dictionaries): Promise<Batch> {
  const rows = message.header.int64(0)
  const room = new Room(dictionaries.room.free)
  const parts = await partsOf(message, message.header, dictionaries, room)
  const columns = fields.map((field) => columnOf(field, parts))
  parts.end()
  if (!(rows >= 0) || columns.some(({ length }) => length !== rows))
    throw broken('a record batch has columns whose length differs from its own')
  return { rows, bytes: message.bodyBytes, columns }
}

async function partsOf(message: Message, batch: Table, dictionaries: Dictionaries, room: Room): Promise<Parts> {
  const compression = batch.table(3)
  const codec = compression && codecs[compression.int8(0)]
  if (compression && !codec) throw broken('it is compressed with an unknown codec')
  const places = batch.words(2, 2)
  const buffers: Bytes[] = []
  for (const [offset, length] of places as [number, number][]) {
    if (!(offset >= 0 && length >= 0 && offset + length <= message.bodyBytes))
      throw broken('a buffer is outside its message')
    const bytes = message.body(offset, length)
    if (bytes instanceof FileBytes) bytes.ahead = Math.min(256 * 1024, Math.floor(aheadBytes / places.length))
    buffers.push(codec ? await unpack(bytes, codec, room) : bytes)
  }
  const nodes = batch.words(1, 2) as [number, number][]
  const views = batch.words(4, 1)
  const next = <T>(all: T[], what: string): T => {
    const one = all.shift()
    if (one === undefined) throw broken(`a record batch has fewer ${what} than its schema requires`)
    return one
  }
  return {
    node() {
      const [length, nulls] = next(nodes, 'columns')
      return { length, nulls }
    },
    buffer: () => next(buffers, 'buffers'),
    views() {
      const [count] = next(views, 'buffer counts') as [number]
      if (!(count >= 0 && count <= buffers.length)) throw broken('a column declares more buffers than there are')
      return count
    },
    end() {
      if (nodes.length + buffers.length + views.length > 0)
        throw broken('a record batch has more columns than its schema')
    },
    dictionary: (id) => dictionaries.entries(id),
    most: room.bytes,
    oldUnions: message.version < 4,
  }
}

class Dictionaries {
  fields: readonly ArrowField[] = []
  readonly room: Room
  private readonly byId = new Map<number, () => Promise<readonly unknown[]>>()

  constructor(room: Room) {
    this.room = room
  }

  async add(message: Message): Promise<void> {
    const id = message.header.int64(0)
    const batch = message.header.table(1)
    const field = withDictionary(this.fields, id)
    if (!batch || !field) throw broken('a dictionary does not belong to any column')
    const { dictionary: _, ...values } = field
    const parts = await partsOf(message, batch, this, this.room)
    const column = columnOf(values, parts)
    parts.end()
    const before = message.header.int8(2) ? this.byId.get(id) : undefined
    let made: Promise<readonly unknown[]> | undefined
    this.byId.set(id, () => (made ??= this.make(column, before)))
  }

  /** The values of a dictionary. */
  entries(id: number): Promise<readonly unknown[]> {
    const entries = this.byId.get(id)
    if (!entries) throw broken('a column refers to a dictionary that is missing')
    return entries()
  }

  private async make(
    column: ArrowColumn,
    before: (() => Promise<readonly unknown[]>) | undefined,
  ): Promise<readonly unknown[]> {
    // A value takes this much memory in addition to its bytes.
    this.room.take(16 * column.length)
    const more = await column.read(0, column.length)
    return before ? [...(await before()), ...more] : more
  }
}

function withDictionary(fields: readonly ArrowField[], id: number): ArrowField | undefined {
  for (const field of fields) {
    const found = field.dictionary?.id === id ? field : withDictionary(field.children, id)
    if (found) return found
  }
  return undefined
}
