/** The source that delivers what a case gives, at the moment that the case says. */
import type { Done, ReadContext, Source } from '../connector/index.ts'
import { batch, type BadRecord, type Batch, type CaughtUp, type Row, type SplitsFound } from '../record/index.ts'
import type { ScriptEntry, ScriptRecord } from './script.ts'

type FeedItem = Batch | SplitsFound | CaughtUp

/** One source of a case in one process. */
export interface Feed {
  readonly source: Source
  /** Resolves with its context when the source is read. */
  readonly opened: Promise<ReadContext>
  push(item: FeedItem): void
  /** The input ends. */
  end(): void
}

/** `splits`: all that it has; undefined: each is announced when it begins. `onCommit`: a request was answered. */
export function createFeed(splits: readonly string[] | undefined, onCommit: (done: readonly Done[]) => void): Feed {
  const opened = Promise.withResolvers<ReadContext>()
  const items: FeedItem[] = splits ? [{ splits: splits.map((id) => ({ id })), complete: true }] : []
  let hasEnded = false
  let wake = () => {}
  return {
    opened: opened.promise,
    push(item) {
      items.push(item)
      wake()
    },
    end() {
      hasEnded = true
      wake()
    },
    source: {
      async *read(ctx) {
        opened.resolve(ctx)
        const onStop = () => wake()
        ctx.signal.addEventListener('abort', onStop)
        try {
          for (;;) {
            const item = items.shift()
            if (item) yield item
            else if (hasEnded || ctx.signal.aborted) return
            else await new Promise<void>((resolve) => (wake = resolve))
          }
        } finally {
          ctx.signal.removeEventListener('abort', onStop)
        }
      },
      async commit(done) {
        onCommit(done)
      },
    },
  }
}

/** A side input that the case gives. */
export const sideSource = (records: readonly ScriptRecord[]): Source => ({
  async *read() {
    yield { splits: [{ id: 'given' }], complete: true }
    yield batchOf('given', records, 0, 0, true)
  },
})

/**
 * A batch of records of a split, of which `from` precede it. Positions count the records of the split, so that they are
 * the same in every batch.
 */
export function batchOf(
  split: string,
  records: readonly ScriptRecord[],
  from: number,
  atMs: number,
  isWhole: boolean,
): Batch {
  const good: number[] = []
  const bad: BadRecord[] = []
  for (const [i, record] of records.entries()) {
    const { code, message, field } = record.bad ?? {}
    if (code === undefined) good.push(i)
    else
      bad.push({
        position: from + i,
        bytes: record.bytes!,
        code,
        before: good.length,
        arrival: atMs,
        ...(message === undefined ? {} : { message }),
        ...(field === undefined ? {} : { field }),
        key: record.key,
        headers: record.headers,
        tombstone: record.tombstone,
        ...(record.context === undefined ? {} : { context: record.context }),
      })
  }
  const at = (i: number): ScriptRecord => records[good[i]!]!
  return batch({
    split,
    rows: good.map((i) => records[i]!.row as Row),
    position: from + records.length,
    positionAt: (i) => from + good[i]!,
    keys: good.map((i) => records[i]!.key),
    ...(records.some(({ headers }) => headers) ? { headersAt: (i: number) => at(i).headers } : {}),
    ...(records.some(({ tombstone }) => tombstone) ? { tombstoneAt: (i: number) => at(i).tombstone === true } : {}),
    arrivals: Float64Array.from(good, () => atMs),
    // A batch has either original text or none.
    ...(records[0]?.bytes
      ? { rawAt: (i: number) => at(i).bytes!, contextAt: (i: number) => at(i).context ?? null }
      : {}),
    ...(bad.length > 0 ? { bad } : {}),
    bytes: records.length * 100,
    ...(isWhole ? { end: true, remember: [[split, true] as const] } : {}),
  })
}

/** An entry with records, and how many of its split precede it. */
export type PlacedRecords = Extract<ScriptEntry, { readonly kind: 'records' }> & { readonly from: number }

/** The entries of a script, those with records with their place in their split. */
export function placed(
  entries: readonly ScriptEntry[],
): readonly (Exclude<ScriptEntry, { kind: 'records' }> | PlacedRecords)[] {
  const counts = new Map<string, number>()
  return entries.map((entry) => {
    if (entry.kind !== 'records') return entry
    const key = `${entry.source}\0${entry.split}`
    const from = counts.get(key) ?? 0
    counts.set(key, from + entry.records.length)
    return { ...entry, from }
  })
}
