/** Fetched record batches to batches of rows. */
import type { BadRecord, Batch, Row } from '@millrace/core'
import { type Beside, idHeader, type StreamDecoder } from '@millrace/formats'
import { endOf, type RecordBatch } from './committed.ts'

const logAppendTime = 1 << 3
const noBytes = Buffer.alloc(0)

export interface Position {
  /** The topic's own id: another one means that it was made anew. */
  readonly topic: string
  readonly next: number
}

/** The records of some record batches, from `from` on, as one batch. `next`: where to go on. */
export function batchOf(
  partition: number,
  batches: readonly RecordBatch[],
  from: bigint,
  topic: string,
  decoder: StreamDecoder,
  needs: { readonly headers: boolean },
): Batch {
  const rows: Row[] = []
  const offsets: number[] = []
  const values: Buffer[] = []
  const ids: (string | undefined)[] = []
  const keys: (string | undefined)[] = []
  const times: number[] = []
  const bad: BadRecord[] = []
  let bytes = 0
  let anyKey = false
  const beside: { -readonly [K in keyof Beside]: Beside[K] } = { key: undefined, timestamp: 0 }
  const first = Number(from)
  for (const batch of batches) {
    const base = Number(batch.firstOffset)
    const appended = batch.attributes & logAppendTime ? Number(batch.maxTimestamp) : undefined
    const firstTime = Number(batch.firstTimestamp)
    bytes += batch.length
    for (const record of batch.records) {
      const offset = base + record.offsetDelta
      if (offset < first) continue
      const value = record.value ?? noBytes
      const key = record.key === null ? undefined : record.key.toString('utf8')
      if (key !== undefined) anyKey = true
      const time = appended ?? firstTime + Number(record.timestampDelta)
      let id: string | undefined
      for (const [name, content] of record.headers) if (name?.length === idHeader.length && name.toString('latin1') === idHeader) id = content?.toString('utf8')
      beside.key = key
      beside.timestamp = time
      if (needs.headers) beside.headers = Object.fromEntries(record.headers.map(([name, content]) => [String(name), String(content ?? '')]))
      const row = decoder.decode(value, beside)
      if (!row) {
        bad.push({ ...decoder.failure, position: offset, bytes: value, ...(id === undefined ? {} : { id }) })
        continue
      }
      rows.push(row)
      offsets.push(offset)
      values.push(value)
      ids.push(id)
      keys.push(key)
      times.push(time)
    }
  }
  const position: Position = { topic, next: Number(batches.length ? endOf(batches.at(-1)!) : from) }
  return {
    split: String(partition),
    rows,
    bytes,
    position: position as unknown as NonNullable<Batch['position']>,
    positionAt: (i) => offsets[i]!,
    rawAt: (i) => values[i]!,
    idAt: (i) => ids[i],
    arrivals: Float64Array.from(times),
    ...(anyKey ? { keys } : {}),
    ...(bad.length ? { bad } : {}),
  }
}
