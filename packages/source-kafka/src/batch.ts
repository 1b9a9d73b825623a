/**
 * Fetched record batches to batches of rows. Only rows are made here; id, key, arrival time and bytes of a record are told by what the client gave, when somebody
 * asks.
 */
import { type BadRecord, type Batch, type Row, unknownOf } from '@millrace/core'
import { type Beside, Block, idHeader, type StreamDecoder } from '@millrace/formats'
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
    const block = blockOf(batch)
    for (const record of batch.records) {
      const offset = base + record.offsetDelta
      if (offset < first) continue
      const value = record.value ?? noBytes
      bytes += value.length + besideBytes
      const time = appended ?? firstTime + Number(record.timestampDelta)
      if (needs.beside) {
        beside.key = keyOf(record)
        beside.timestamp = time
        if (needs.headers)
          beside.headers = Object.fromEntries(
            record.headers.map(([name, content]) => [String(name), String(content ?? '')]),
          )
      }
      const row = decoder.decode(value, beside, block)
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
  const made: OpenBatch = {
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
  }
  // Few ask for them.
  let keys: (string | undefined)[] | undefined
  if (anyKey) Object.defineProperty(made, 'keys', { get: () => (keys ??= records.map(keyOf)), enumerable: true })
  return made
}

/** The bytes of a batch's values, where the client has cut the first and the last of them from one piece. */
function blockOf({ records }: RecordBatch): Block | undefined {
  const first = records[0]?.value
  const last = records.at(-1)?.value
  if (!first || !last || last.byteOffset < first.byteOffset || last.buffer !== first.buffer) return undefined
  return new Block(Buffer.from(first.buffer, first.byteOffset, last.byteOffset + last.length - first.byteOffset))
}

const keyOf = ({ key }: KafkaRecord): string | undefined => (key === null ? undefined : key.toString('utf8'))

function idOf({ headers }: KafkaRecord): string | undefined {
  let id: string | undefined
  for (const [name, content] of headers)
    if (name?.length === idHeaderBytes.length && idHeaderBytes.equals(name)) id = content?.toString('utf8')
  return id
}
