/**
 * Converts fetched record batches to batches of rows. Only rows are made here; id, key, arrival time and bytes of a
 * record are derived from the client's data on demand.
 */
import {
  type BadRecord,
  type Batch,
  type Headers,
  isInstant,
  type Json,
  type Row,
  unknownOf,
  wireText,
  type WireText,
} from '@millrace/core'
import { contextOf, idHeader, type Message, type StreamDecoder } from '@millrace/kinds'
import { Block } from '@millrace/formats'
import type { RecordBatch } from './committed.ts'

type KafkaRecord = RecordBatch['records'][number]

const logAppendTime = 1 << 3
const noBytes = Buffer.alloc(0)
const nothing: Message = { timestamp: 0 }
const withoutValue: Message = { timestamp: 0, tombstone: true }
const idHeaderBytes = Buffer.from(idHeader)
/** The overhead of a record in addition to its value. */
const besideBytes = 16
/** A batch ends when its values have this size. */
const batchBytes = 1 << 20

export interface Position {
  /** The topic's own id: a different one means that it was recreated. */
  readonly topic: string
  readonly next: number
}

/** A batch that may still be marked as the last one available. */
export type OpenBatch = { -readonly [K in keyof Batch]: Batch[K] }

/** Record batches of one partition, and which part of them to read. */
export interface Part {
  readonly partition: number
  readonly batches: readonly RecordBatch[]
  /** The first offset that counts. */
  readonly from: bigint
  /** The next offset after all of them. */
  readonly next: bigint
}

/** A batch without records, to advance the position. */
export function emptyBatch(partition: number, topic: string, next: bigint): OpenBatch {
  return {
    split: String(partition),
    rows: [],
    bytes: 0,
    position: positionOf(topic, Number(next)),
    positionAt: () => 0,
  }
}

/** The records of a part as one batch, or as several if they are large. */
export function* batchesOf(part: Part, topic: string, decoder: StreamDecoder): Generator<OpenBatch> {
  let left = 0
  for (const batch of part.batches) left += batch.records.length
  let filling = emptyFilling(left)
  const first = Number(part.from)
  const { needs } = decoder
  for (const batch of part.batches) {
    const base = Number(batch.firstOffset)
    const appended = batch.attributes & logAppendTime ? Number(batch.maxTimestamp) : undefined
    const firstTime = Number(batch.firstTimestamp)
    const block = blockOf(batch)
    for (const record of batch.records) {
      left--
      const offset = base + record.offsetDelta
      if (offset < first) continue
      // The client types it as bytes.
      const isTombstone = (record.value as Buffer | null) === null
      if (isTombstone && decoder.skipsTombstones) {
        filling.skipped++
        continue
      }
      const value = record.value ?? noBytes
      const time = appended ?? firstTime + Number(record.timestampDelta)
      const plain = isTombstone ? withoutValue : nothing
      const row = decoder.decode(value, needs.beside ? messageOf(record, time, needs.headers) : plain, block)
      filling.bytes += value.length + besideBytes
      if (row) {
        const n = filling.rows.length
        filling.offsets[n] = offset
        filling.times[n] = time
        if (!isTime(time)) filling.anyTimeless = true
        filling.rows.push(row)
        filling.records.push(record)
        if (record.key !== null) filling.anyKey = true
        if (isTombstone) filling.anyTombstone = true
        if (!filling.anyHeader && hasOwnHeaders(record)) filling.anyHeader = true
      } else filling.bad.push(badRecord(record, offset, time, decoder))
      if (filling.bytes < batchBytes || left === 0) continue
      yield made(filling, part.partition, positionOf(topic, offset + 1), decoder)
      filling = emptyFilling(left)
    }
  }
  yield made(filling, part.partition, positionOf(topic, Number(part.next)), decoder)
}

const positionOf = (topic: string, next: number): Json => ({ topic, next }) satisfies Position

/** The parts of a batch. */
interface Filling {
  readonly rows: Row[]
  readonly records: KafkaRecord[]
  readonly offsets: Float64Array
  /** As stored, ms; see `isTime`. */
  readonly times: Float64Array
  anyTimeless: boolean
  readonly bad: BadRecord[]
  bytes: number
  anyKey: boolean
  anyHeader: boolean
  anyTombstone: boolean
  /** Records without a value that are left out. */
  skipped: number
}

const emptyFilling = (most: number): Filling => ({
  rows: [],
  records: [],
  offsets: new Float64Array(most),
  times: new Float64Array(most),
  anyTimeless: false,
  bad: [],
  bytes: 0,
  anyKey: false,
  anyHeader: false,
  anyTombstone: false,
  skipped: 0,
})

function made(filling: Filling, partition: number, position: Json, decoder: StreamDecoder): OpenBatch {
  const { rows, records, offsets, bad, bytes, anyKey, anyHeader, anyTombstone } = filling
  const times = filling.times.subarray(0, rows.length)
  const batch: OpenBatch = {
    split: String(partition),
    rows,
    bytes,
    position,
    positionAt: (i) => offsets[i]!,
    rawAt: (i) => records[i]!.value ?? noBytes,
    idAt: (i) => idOf(records[i]!),
    contextAt: (i) => contextOf(times[i]!),
    arrivals: filling.anyTimeless ? times.map((time) => (isTime(time) ? time : Number.NaN)) : times,
    ...(anyHeader ? { headersAt: (i: number) => headersOf(records[i]!) } : {}),
    ...(anyTombstone ? { tombstoneAt: (i: number) => (records[i]!.value as Buffer | null) === null } : {}),
    ...unknownOf(decoder.tally),
    ...(filling.skipped ? { skipped: filling.skipped } : {}),
    ...(bad.length ? { bad } : {}),
  }
  // These are rarely needed.
  let keys: (WireText | undefined)[] | undefined
  if (anyKey) Object.defineProperty(batch, 'keys', { get: () => (keys ??= records.map(keyOf)), enumerable: true })
  return batch
}

/** Not so: none at all, which Kafka writes as -1, or a number that is in other units. */
const isTime = (time: number): boolean => time !== -1 && isInstant(time)

function badRecord(record: KafkaRecord, position: number, arrival: number, decoder: StreamDecoder): BadRecord {
  const id = idOf(record)
  return {
    ...decoder.failure,
    position,
    bytes: record.value ?? noBytes,
    ...(id === undefined ? {} : { id }),
    key: keyOf(record),
    headers: headersOf(record),
    tombstone: (record.value as Buffer | null) === null,
    ...(isTime(arrival) ? { arrival } : {}),
    context: contextOf(arrival),
  }
}

/** The bytes of a batch's values, if the first and the last of them are slices of the same buffer. */
function blockOf({ records }: RecordBatch): Block | undefined {
  const first = records[0]?.value
  const last = records.at(-1)?.value
  if (!first || !last || last.byteOffset < first.byteOffset || last.buffer !== first.buffer) return undefined
  return new Block(Buffer.from(first.buffer, first.byteOffset, last.byteOffset + last.length - first.byteOffset))
}

const keyOf = ({ key }: KafkaRecord): WireText | undefined => (key === null ? undefined : wireText(key))

/** Key, time and headers, and whether there is a value. */
const messageOf = (record: KafkaRecord, timestamp: number, withHeaders: boolean): Message => ({
  key: keyOf(record),
  timestamp,
  headers: withHeaders ? headersOf(record) : undefined,
  tombstone: (record.value as Buffer | null) === null,
})

/** Whether there are headers beside the one that carries the id. */
const hasOwnHeaders = ({ headers }: KafkaRecord): boolean =>
  headers.length > 1 || (headers.length === 1 && !isIdHeader(headers[0]![0]))

/** The headers, without the one that carries the id. */
function headersOf({ headers }: KafkaRecord): Headers {
  const found: [WireText, WireText | null][] = []
  for (const [name, value] of headers as readonly [Buffer | null, Buffer | null][])
    if (!isIdHeader(name)) found.push([wireText(name ?? noBytes), value === null ? null : wireText(value)])
  return found
}

/** Compared byte by byte, since a call of `equals` for every record costs more. */
function isIdHeader(name: Buffer | null): boolean {
  if (name?.length !== idHeaderBytes.length) return false
  for (let i = 0; i < name.length; i++) if (name[i] !== idHeaderBytes[i]) return false
  return true
}

function idOf({ headers }: KafkaRecord): string | undefined {
  let id: string | undefined
  for (const [name, content] of headers) if (isIdHeader(name)) id = content?.toString('utf8')
  return id
}
