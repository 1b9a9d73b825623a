/**
 * Replays the turns of a generator and gives the records of one stream. Its only split names what decides the content:
 * stream, seed and start. A position is the next turn, and how many records came before it; a record's own position is
 * its number in the stream. A record that cannot be made (its condition divides by zero, its number is beyond its
 * decimal) is a bad record, and its bytes say which turn it is.
 */
import { setImmediate as turnOfLoop, setTimeout as wait } from 'node:timers/promises'
import {
  type BadRecord,
  type Batch,
  batch,
  type CaughtUp,
  DataError,
  type Json,
  type ReadContext,
  type Row,
  type SourceContext,
  type SplitsFound,
} from '@millrace/core'
import { rowMaker } from './columns.ts'
import { generatorOf } from './generator.ts'
import type { Options } from './options.ts'
import { timestampOf } from './time.ts'
import { createMaker } from './values.ts'

interface Position {
  readonly turn: number
  readonly made: number
}

/** A batch ends after so many records, or so many turns without one. */
const batchRows = 1000
const batchTurns = 20_000

export async function* readStream(
  o: Options,
  { schema }: Pick<SourceContext, 'schema'>,
  { resume, signal, beganMs }: ReadContext,
): AsyncGenerator<Batch | SplitsFound | CaughtUp> {
  if (signal.aborted) return
  const generator = generatorOf(o)
  const { own, intervalMs } = generator
  const startMs = o.clock === 'now' ? beganMs : timestampOf(o.clock)!
  const split = `${own}/${o.seed}/${new Date(startMs).toISOString()}`
  yield { splits: [{ id: split }], complete: true }
  const { turns, of } = await createMaker(generator, o.seed, startMs)
  const records = of(own)
  const toRow = rowMaker(generator.streams.get(own)!, schema)
  let { turn, made } = (resume(split) as unknown as Position | undefined) ?? { turn: 0, made: 0 }
  const first = turn
  const beginMs = performance.now()
  const count = o.count ?? Number.POSITIVE_INFINITY

  /** Makes the records of the next turns, up to `due`. */
  const next = (due: number): Batch => {
    const rows: Row[] = []
    const numbers: number[] = []
    const bad: BadRecord[] = []
    const last = Math.min(due, turn + batchTurns)
    for (; turn < last && rows.length + bad.length < batchRows; turn++) {
      if (!turns.isMade(own, turn)) continue
      const position = made++
      try {
        rows.push(toRow(records.recordAt(turn)))
        numbers.push(position)
      } catch (error) {
        if (!(error instanceof DataError)) throw error
        const { code, field, message } = error
        const bytes = Buffer.from(JSON.stringify({ stream: own, turn }))
        bad.push({ position, bytes, code, message, before: rows.length, ...(field === undefined ? {} : { field }) })
      }
    }
    const keys = o.key === undefined ? {} : { keys: rows.map((row) => keyOf(row[o.key!])) }
    const position = { turn, made } satisfies Position as unknown as Json
    return batch({ split, rows, bad, position, bytes: sizeOf(rows), positionAt: (i) => numbers[i]!, ...keys })
  }

  while (turn < count && !signal.aborted) {
    const passedMs = performance.now() - beginMs
    const due = intervalMs === 0 ? count : Math.min(count, first + Math.floor(passedMs / intervalMs) + 1)
    if (turn < due) {
      yield next(due)
      // Nothing else here waits, and the rest of the process wants its turn.
      await turnOfLoop()
    } else {
      yield { caughtUp: [split] }
      const nextMs = (turn - first) * intervalMs - passedMs
      await wait(Math.min(Math.max(nextMs, minWaitMs), maxTimerMs), undefined, { signal }).catch(() => {})
    }
  }
}

/** At a high rate, so many turns are made at a time: each time it waits, an epoch may end. */
const minWaitMs = 20
/** The longest wait that a timer takes. */
const maxTimerMs = 2 ** 31 - 1

const keyOf = (value: unknown): string | undefined => (value === null ? undefined : String(value))

/** About the size of the rows as JSON. */
function sizeOf(rows: readonly Row[]): number {
  let bytes = 0
  for (const row of rows)
    for (const name in row) {
      const value = row[name]
      bytes += name.length + 4 + (typeof value === 'string' ? value.length : 8)
    }
  return bytes
}
