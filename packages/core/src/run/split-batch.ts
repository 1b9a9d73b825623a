/** Splits a batch in two, so that a restart can take exactly as many records as were taken before. */
import { type BadRecord, type Batch, type Json, rowsBefore } from '../record/index.ts'

/** How many records a batch holds, good and bad. */
export const recordsIn = (batch: Batch): number => batch.rows.length + (batch.bad?.length ?? 0)

/** The first `n` records of a batch, up to `position`, and the rest. `n` is less than the batch holds. */
export function splitBatch(batch: Batch, n: number, position: Json): readonly [Batch, Batch] {
  const bad = (batch.bad ?? []).toSorted((a, b) => rowsBefore(a, batch) - rowsBefore(b, batch))
  // Of n records, k are bad and n - k are rows: the k-th bad one follows that many rows.
  let k = 0
  while (k < bad.length && rowsBefore(bad[k]!, batch) + k < n) k++
  const rows = n - k
  const first = part(batch, 0, rows, bad.slice(0, k))
  const { caughtUp: _c, end: _e, remember: _r, dropped: _d, ...head } = first
  return [
    { ...head, position, bytes: Math.ceil((batch.bytes * n) / recordsIn(batch)), unknown: 0, skipped: 0 },
    part(batch, rows, batch.rows.length, bad.slice(k)),
  ]
}

function part(batch: Batch, from: number, to: number, bad: readonly BadRecord[]): Batch {
  const { rawAt, idAt, contextAt, keys, headersAt, tombstoneAt, arrivals, times, otherTimes } = batch
  return {
    ...batch,
    rows: batch.rows.slice(from, to),
    positionAt: (i) => batch.positionAt(from + i),
    ...(rawAt ? { rawAt: (i: number) => rawAt.call(batch, from + i) } : {}),
    ...(idAt ? { idAt: (i: number) => idAt.call(batch, from + i) } : {}),
    ...(contextAt ? { contextAt: (i: number) => contextAt.call(batch, from + i) } : {}),
    ...(keys ? { keys: keys.slice(from, to) } : {}),
    ...(headersAt ? { headersAt: (i: number) => headersAt.call(batch, from + i) } : {}),
    ...(tombstoneAt ? { tombstoneAt: (i: number) => tombstoneAt.call(batch, from + i) } : {}),
    ...(arrivals ? { arrivals: arrivals.slice(from, to) } : {}),
    ...(times ? { times: times.slice(from, to) } : {}),
    ...(otherTimes
      ? {
          otherTimes: otherTimes
            .filter(([before]) => (from === 0 ? before < to : before >= from))
            .map(([before, time]) => [before - from, time] as const),
        }
      : {}),
    bad: bad.map((each) => ({ ...each, before: rowsBefore(each, batch) - from })),
    ...(from > 0 ? { bytes: Math.floor((batch.bytes * (to - from)) / Math.max(1, batch.rows.length)) } : {}),
  }
}
