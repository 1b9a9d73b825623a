/** Converts chunks of the log to batches of rows. */
import { type BadRecord, type Batch, type Row, unknownOf } from '@millrace/core'
import { asBuffer, Block } from '@millrace/formats'
import { contextOf, type Message, type StreamDecoder } from '@millrace/kinds'
import { type Chunk } from '@millrace/client-log'

export interface Position {
  /** The log's own id: a different one means that it was recreated. */
  readonly log: string
  readonly next: number
}

/** The records of a chunk from sequence number `from` on. */
export function batchOf(chunk: Chunk, from: number, log: string, decoder: StreamDecoder): Batch {
  const rows: Row[] = []
  const indexes: number[] = []
  const bad: BadRecord[] = []
  let skipped = 0
  const starts = new Int32Array(chunk.count + 1)
  const { body, ids, keys, headers, nulls, time } = chunk
  const block = new Block(asBuffer(body))
  for (let i = 0, at = 0; i < chunk.count; i++) {
    starts[i] = at
    const end = chunk.ends ? chunk.ends[i]! : body.indexOf(10, at)
    at = chunk.ends ? end : end + 1
    starts[i + 1] = at
    if (chunk.base + i < from) continue
    const value = body.subarray(starts[i]!, end)
    const message = messageOf(chunk, i)
    if (message.tombstone && decoder.skipsTombstones) {
      skipped++
      continue
    }
    const row = decoder.decode(value, message, block)
    if (row) {
      rows.push(row)
      indexes.push(i)
      continue
    }
    bad.push({
      ...decoder.failure,
      position: chunk.base + i,
      bytes: value,
      id: ids[i]!,
      key: message.key,
      headers: message.headers,
      tombstone: message.tombstone,
      arrival: time,
      context: contextOf(time),
    })
  }
  const tail = chunk.ends ? 0 : 1
  return {
    split: String(chunk.partition),
    rows,
    bytes: body.length,
    position: { log, next: chunk.base + chunk.count },
    positionAt: (k) => chunk.base + indexes[k]!,
    rawAt: (k) => body.subarray(starts[indexes[k]!]!, starts[indexes[k]! + 1]! - tail),
    idAt: (k) => ids[indexes[k]!],
    context: contextOf(time),
    keys: keys && indexes.map((i) => keys[i] ?? undefined),
    ...(headers ? { headersAt: (k: number) => headers[indexes[k]!] ?? undefined } : {}),
    ...(nulls ? { tombstoneAt: (k: number) => nulls.has(indexes[k]!) } : {}),
    arrivals: new Float64Array(rows.length).fill(time),
    ...unknownOf(decoder.tally),
    ...(skipped ? { skipped } : {}),
    ...(bad.length ? { bad } : {}),
  }
}

const messageOf = (chunk: Chunk, i: number): Message => ({
  key: chunk.keys?.[i] ?? undefined,
  timestamp: chunk.time,
  headers: chunk.headers?.[i] ?? undefined,
  tombstone: chunk.nulls?.has(i),
})
