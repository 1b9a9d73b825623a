/** Converts the records of a shard to batches of rows. */
import { type BadRecord, type Batch, type Json, type Row, unknownOf } from '@millrace/core'
import { spreadingKey, takeId } from '@millrace/client-kinesis'
import type { StoredRecord } from '@millrace/client-kinesis/driver'
import { contextOf, type Message, type StreamDecoder } from '@millrace/kinds'

/** Where a shard is read on. Of `after` and `from` it has one. */
export interface Position {
  /** The stream's identity: a different one means that it was recreated. */
  readonly stream: string
  /** The sequence number of the last record that was read. */
  readonly after?: string
  /** None was read: where reading begins, at the oldest record or at a time, ms UTC. */
  readonly from?: 'oldest' | number
  /** Every record that arrived before was read, ms UTC. */
  readonly ms: number
}

/** A batch that may still be marked as the last one available. */
export type OpenBatch = { -readonly [K in keyof Batch]: Batch[K] }

const mostRecords = 1000
const mostBytes = 1 << 20

/** The magic number of records that the Kinesis Producer Library has packed into one. */
const aggregated = Buffer.from([0xf3, 0x89, 0x9a, 0xc2])

/** A batch without records, to save a position. */
export const emptyBatch = (shard: string, position: Position): OpenBatch => ({
  split: shard,
  rows: [],
  bytes: 0,
  position: position as unknown as Json,
  positionAt: () => '',
})

/** The records of one read as batches. */
export function* batchesOf(
  shard: string,
  stream: string,
  records: readonly StoredRecord[],
  decoder: StreamDecoder,
): Generator<OpenBatch> {
  for (let first = 0; first < records.length; ) {
    let end = first
    let bytes = 0
    for (; end < records.length && end - first < mostRecords && bytes < mostBytes; end++)
      bytes += records[end]!.Data!.length
    yield batchOf(shard, stream, records.slice(first, end), bytes, decoder)
    first = end
  }
}

/** A record without its id. */
interface Opened {
  readonly sequence: string
  readonly id: string | undefined
  readonly value: Buffer
  readonly beside: Message
}

function open(
  { Data, PartitionKey, SequenceNumber, ApproximateArrivalTimestamp }: StoredRecord,
  json: boolean,
): Opened {
  const bytes = Buffer.from(Data!.buffer, Data!.byteOffset, Data!.length)
  const { id, value } = json ? takeId(bytes) : { id: undefined, value: bytes }
  const key = id !== undefined && PartitionKey === spreadingKey(id) ? undefined : PartitionKey
  return { sequence: SequenceNumber!, id, value, beside: { key, timestamp: ApproximateArrivalTimestamp!.getTime() } }
}

function batchOf(
  shard: string,
  stream: string,
  records: readonly StoredRecord[],
  bytes: number,
  decoder: StreamDecoder,
): OpenBatch {
  const rows: Row[] = []
  const opened: Opened[] = []
  const bad: BadRecord[] = []
  const arrivals = new Float64Array(records.length)
  for (const record of records) {
    const each = open(record, decoder.isJson)
    const isPacked = each.value.subarray(0, aggregated.length).equals(aggregated)
    const row = isPacked ? undefined : decoder.decode(each.value, each.beside)
    if (row) {
      arrivals[rows.length] = each.beside.timestamp
      rows.push(row)
      opened.push(each)
    } else bad.push(badRecord(each, rows.length, isPacked ? packed : decoder.failure))
  }
  const last = records.at(-1)!
  const position: Position = {
    stream,
    after: last.SequenceNumber!,
    ms: last.ApproximateArrivalTimestamp!.getTime(),
  }
  return {
    split: shard,
    rows,
    bytes,
    position: position as unknown as Json,
    positionAt: (i) => opened[i]!.sequence,
    rawAt: (i) => opened[i]!.value,
    idAt: (i) => opened[i]!.id,
    contextAt: (i) => contextOf(opened[i]!.beside.timestamp),
    keys: opened.map(({ beside }) => beside.key),
    arrivals: arrivals.subarray(0, rows.length),
    ...unknownOf(decoder.tally),
    ...(bad.length > 0 ? { bad } : {}),
  }
}

const packed = {
  code: 'bad_encoding',
  message: 'it is several records that the Kinesis Producer Library has aggregated: turn its aggregation off',
} as const

function badRecord(
  { sequence, id, value, beside }: Opened,
  before: number,
  failure: StreamDecoder['failure'],
): BadRecord {
  return {
    ...failure,
    position: sequence,
    bytes: value,
    before,
    ...(id === undefined ? {} : { id }),
    key: beside.key,
    arrival: beside.timestamp,
    context: contextOf(beside.timestamp),
  }
}
