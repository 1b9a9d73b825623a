/**
 * The event time of the records of a source. It is read right behind the source, before any step, so that a record
 * moves its lane whatever a step does with it. A record without a readable time, or with one too far ahead of its
 * arrival, is bad and moves nothing; a record that is bad for another reason still tells its time, if that can be
 * decoded from its bytes.
 */
import type { Clock } from '../clock.ts'
import type { Decoder, EventTime } from '../connector/index.ts'
import { compileDateParser } from '../date/index.ts'
import { floorMs } from '../convert/index.ts'
import { DataError } from '../errors/index.ts'
import { arrivalOf, type BadRecord, type Batch, type Row, rowsBefore } from '../record/index.ts'
import type { RecordType, Type } from '../schema/index.ts'

/** A time in ms UTC, or why there is none. */
type ReadTime = (value: unknown) => number | undefined

export interface TimeReader {
  /** The batch with the event times of its rows, and without those that have none. */
  timed(batch: Batch, clock: Clock): Batch
  /**
   * The event time of a row before any pushdown. Throws `DataError` if it has none, or one too far ahead of `arrival`.
   */
  of(row: Row, arrival: number | null): number
}

/**
 * `column`: the field's name in the rows. `decodeTime`: decodes the field alone from the bytes of a record; absent: the
 * source cannot.
 */
export function timeReader(
  time: EventTime,
  column: string,
  schema: RecordType,
  decodeTime: Decoder | undefined,
): TimeReader {
  const read = reads(schema.fields[time.field!]!.type, time)
  const { maxFutureMs = Number.POSITIVE_INFINITY } = time
  const ahead = `is more than ${maxFutureMs / 1000} s ahead of its arrival`
  const ofBytes = (bad: BadRecord, batch: Batch): number | undefined => {
    if (!decodeTime) return undefined
    try {
      return read(decodeTime(bad.bytes, bad.context ?? batch.context, bad)[time.field!])
    } catch {
      return undefined
    }
  }
  return {
    of(row, arrival) {
      const value = read(row[time.field!])
      if (value === undefined) throw new DataError('no_event_time', noTime(row[time.field!], time), time.field)
      if (arrival !== null && value > arrival + maxFutureMs) throw new DataError('event_time_ahead', ahead, time.field)
      return value
    },
    timed(batch, clock) {
      const { rows } = batch
      const now = maxFutureMs < Number.POSITIVE_INFINITY ? clock.now() : 0
      const times = new Float64Array(rows.length)
      const wrong: number[] = []
      for (let i = 0; i < rows.length; i++) {
        const value = read(rows[i]![column])
        times[i] = value ?? Number.NaN
        if (value === undefined || value > (arrivalOf(batch, i) ?? now) + maxFutureMs) wrong.push(i)
      }
      const otherTimes: (readonly [number, number])[] = []
      for (const bad of batch.bad ?? []) {
        const value = ofBytes(bad, batch)
        if (value !== undefined && value <= (bad.arrival ?? now) + maxFutureMs)
          otherTimes.push([rowsBefore(bad, batch), value])
      }
      otherTimes.sort(([a], [b]) => a - b)
      const more = otherTimes.length > 0 ? { otherTimes } : {}
      if (wrong.length === 0) return { ...batch, times, ...more }
      return withoutRows(
        { ...batch, times, ...more },
        wrong,
        (i) => {
          const value = rows[i]![column]
          return Number.isNaN(times[i])
            ? { code: 'no_event_time', message: noTime(value, time) }
            : { code: 'event_time_ahead', message: ahead }
        },
        time.field!,
        now,
      )
    },
  }
}

const noTime = (value: unknown, { formats }: EventTime): string =>
  value === null || value === undefined
    ? 'has no event time'
    : `${JSON.stringify(String(value))} is not an event time${formats ? ` of the form ${formats.join(' or ')}` : ''}`

function reads(type: Type, { formats, zone, fold }: EventTime): ReadTime {
  if (type.kind === 'timestamp') return (value) => (value as number | null | undefined) ?? undefined
  if (type.kind === 'fine_timestamp') {
    const { precision } = type
    return (value) => (typeof value === 'bigint' ? floorMs(value, precision) : undefined)
  }
  const parse = compileDateParser(formats ?? ['yyyy-MM-dd'], zone, { fold, fraction: 'truncate' })
  return (value) => (value === null || value === undefined ? undefined : parse(String(value)))
}

/** The batch with these rows as bad records. `wrong`: their indexes, ascending; `now`: the clock's time, 0: unknown. */
function withoutRows(
  batch: Batch,
  wrong: readonly number[],
  why: (i: number) => { readonly code: string; readonly message: string },
  field: string,
  now: number,
): Batch {
  const { rows, keys, headersAt, tombstoneAt, arrivals, times, otherTimes, rawAt, idAt, contextAt } = batch
  const isWrong = new Set(wrong)
  const kept = Array.from(rows.keys()).filter((i) => !isWrong.has(i))
  /** How many rows are left before what was row i. */
  const left = (i: number): number => {
    let n = 0
    while (n < wrong.length && wrong[n]! < i) n++
    return i - n
  }
  const bad = wrong.map(
    (i): BadRecord => ({
      position: batch.positionAt(i),
      bytes: rawAt ? rawAt.call(batch, i) : Buffer.from(JSON.stringify(rows[i])),
      field,
      ...why(i),
      before: left(i),
      ...(idAt ? { id: idAt.call(batch, i) } : {}),
      ...(keys ? { key: keys[i] } : {}),
      ...(headersAt ? { headers: headersAt.call(batch, i) } : {}),
      ...(tombstoneAt ? { tombstone: tombstoneAt.call(batch, i) } : {}),
      ...(arrivals || now > 0 ? { arrival: arrivalOf(batch, i) ?? now } : {}),
      ...(contextAt ? { context: contextAt.call(batch, i) } : {}),
    }),
  )
  const before = (batch.bad ?? []).map((each) => ({ ...each, before: left(rowsBefore(each, batch)) }))
  return {
    ...batch,
    rows: kept.map((i) => rows[i]!),
    positionAt: (i) => batch.positionAt(kept[i]!),
    ...(rawAt ? { rawAt: (i: number) => rawAt.call(batch, kept[i]!) } : {}),
    ...(idAt ? { idAt: (i: number) => idAt.call(batch, kept[i]!) } : {}),
    ...(contextAt ? { contextAt: (i: number) => contextAt.call(batch, kept[i]!) } : {}),
    ...(keys ? { keys: kept.map((i) => keys[i]) } : {}),
    ...(headersAt ? { headersAt: (i: number) => headersAt.call(batch, kept[i]!) } : {}),
    ...(tombstoneAt ? { tombstoneAt: (i: number) => tombstoneAt.call(batch, kept[i]!) } : {}),
    ...(arrivals ? { arrivals: Float64Array.from(kept, (i) => arrivals[i]!) } : {}),
    times: Float64Array.from(kept, (i) => times![i]!),
    ...(otherTimes ? { otherTimes: otherTimes.map(([n, time]) => [left(n), time] as const) } : {}),
    bad: [...before, ...bad].toSorted((a, b) => a.before! - b.before!),
  }
}

/** Times of arrival: the stream's own where it has one, else the clock's, and never before what came before. */
export function arrivalTimes(batch: Batch, clockMs: number, high: number): Batch {
  const times = new Float64Array(batch.rows.length)
  let last = high
  for (let i = 0; i < times.length; i++) times[i] = last = Math.max(last, arrivalOf(batch, i) ?? clockMs)
  return { ...batch, times }
}
