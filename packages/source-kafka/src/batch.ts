/**
 * Fetched record batches to batches of rows. Only rows are made here; id, key, arrival time and bytes of a record are told by what the client gave, when somebody
 * asks.
 */
import type { BadRecord, Batch, Row } from '@millrace/core'
import { type Beside, idHeader, type StreamDecoder, unknownOf } from '@millrace/formats'
import type { RecordBatch } from './committed.ts'

type KafkaRecord = RecordBatch['records'][number]

const logAppendTime = 1 << 3
const noBytes = Buffer.alloc(0)
const idHeaderBytes = Buffer.from(idHeader)
/** What a record takes beside its value. */
const besideBytes = 16

export interface Position {
  /** The topic's own id: another one means that it was made anew. */
  readonly topic: string
  readonly next: number
}

/** A batch that may still be marked as the last that is at hand. */
export type OpenBatch = { -readonly [K in keyof Batch]: Batch[K] }

/** The records of some record batches of one partition, from offset `from` on, as one batch. `next`: where to go on. */
export function batchOf(
  partition: number,
  batches: readonly RecordBatch[],
  from: bigint,
  next: bigint,
  topic: string,
  decoder: StreamDecoder,
  needs: { readonly beside: boolean; readonly headers: boolean },
): OpenBatch {
  let most = 0
  for (const batch of batches) most += batch.records.length
  const rows: Row[] = []
  const records: KafkaRecord[] = []
  const offsets = new Float64Array(most)
  const arrivals = new Float64Array(most)
  const bad: BadRecord[] = []
  let bytes = 0
  let anyKey = false
  const beside: { -readonly [K in keyof Beside]: Beside[K] } = { key: undefined, timestamp: 0 }
  const first = Number(from)
  for (const batch of batches) {
    const base = Number(batch.firstOffset)
    const appended = batch.attributes & logAppendTime ? Number(batch.maxTimestamp) : undefined
    const firstTime = Number(batch.firstTimestamp)
    for (const record of batch.records) {
      const offset = base + record.offsetDelta
      if (offset < first) continue
      const value = record.value ?? noBytes
      bytes += value.length + besideBytes
      const time = appended ?? firstTime + Number(record.timestampDelta)
      if (needs.beside) {
        beside.key = keyOf(record)
        beside.timestamp = time
        if (needs.headers) beside.headers = Object.fromEntries(record.headers.map(([name, content]) => [String(name), String(content ?? '')]))
      }
      const row = decoder.decode(value, beside)
      if (!row) {
        const id = idOf(record)
        bad.push({ ...decoder.failure, position: offset, bytes: value, ...(id === undefined ? {} : { id }) })
        continue
      }
      if (record.key !== null) anyKey = true
      offsets[rows.length] = offset
      arrivals[rows.length] = time
      rows.push(row)
      records.push(record)
    }
  }
  const position: Position = { topic, next: Number(next) }
  let keys: (string | undefined)[] | undefined
  return {
    split: String(partition),
    rows,
    bytes,
    position: position as unknown as NonNullable<Batch['position']>,
    positionAt: (i) => offsets[i]!,
    rawAt: (i) => records[i]!.value ?? noBytes,
    idAt: (i) => idOf(records[i]!),
    arrivals: arrivals.subarray(0, rows.length),
    ...unknownOf(decoder.tally),
    ...(bad.length ? { bad } : {}),
    ...(anyKey
      ? {
          get keys() {
            return (keys ??= records.map(keyOf))
          },
        }
      : {}),
  }
}

const keyOf = ({ key }: KafkaRecord): string | undefined => (key === null ? undefined : key.toString('utf8'))

function idOf({ headers }: KafkaRecord): string | undefined {
  let id: string | undefined
  for (const [name, content] of headers) if (name?.length === idHeaderBytes.length && idHeaderBytes.equals(name)) id = content?.toString('utf8')
  return id
}
