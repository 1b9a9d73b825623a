/**
 * Which records of a fetched partition a read_committed reader may see. The client's own filter keeps one aborted range
 * per producer and skips ranges whose end marker is in a later response. So it is done here, from the list of aborted
 * transactions and the control batches, as the protocol describes: a transaction is aborted from its first offset to
 * its producer's next control batch.
 */
import type { Fetched, RecordBatches } from '@millrace/client-kafka'

export type RecordBatch = RecordBatches[number]

const transactional = 1 << 4
const control = 1 << 5
const abortMarker = 0

/** The first offset after a batch, including its empty and removed records. */
export const endOf = (batch: RecordBatch): bigint => batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n

/** The batches whose records count, from offset `from` on, and the offset after everything that was read. */
export function committedBatches(
  { records, abortedTransactions }: Fetched,
  from: bigint,
): { readonly batches: readonly RecordBatch[]; readonly next: bigint } {
  const aborts = [...(abortedTransactions ?? [])].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const aborted = new Set<bigint>()
  const batches: RecordBatch[] = []
  let next = from
  let k = 0
  for (const batch of records ?? []) {
    const end = endOf(batch)
    if (end <= from) continue
    next = end
    while (k < aborts.length && aborts[k]!.firstOffset < end) aborted.add(aborts[k++]!.producerId)
    if (batch.attributes & control) {
      if (batch.records[0]?.key?.readInt16BE(2) === abortMarker) aborted.delete(batch.producerId)
    } else if (!(batch.attributes & transactional && aborted.has(batch.producerId))) batches.push(batch)
  }
  return { batches, next }
}
