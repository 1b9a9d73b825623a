/**
 * Times as files with types of their own store them: ticks since 1970, in UTC, or on a clock that the file does not
 * name. Most files of pandas have the latter. They are read only where it is said which clock that is.
 *
 * Decision: docs/decisions/20261201-times-name-their-clock.md
 */
import { compileClock, DataError, type DateChoices, instantOf, option, type Type, unitsPerMs } from '@millrace/core'
import type { FileColumn, Ticks } from './file-column.ts'

/** How times become instants: the options of a format. */
export interface TimeOptions extends DateChoices {
  /** The clock of times without a zone. */
  readonly zone?: string | undefined
}

/** The same as options. */
export const timeOptions = {
  zone: option.text('Parquet and Arrow: the time zone of times that are stored without one.', {
    example: 'Europe/Berlin',
  }),
  fold: option.oneOf(
    ['earlier', 'later', 'error'],
    'Parquet and Arrow: which of the two times is meant in the hour that this clock shows twice when it is set back. Default: error.',
  ),
  fraction: option.oneOf(
    ['error', 'truncate'],
    'Parquet and Arrow: what happens to digits of a time that are finer than its declared type. Default: error.',
  ),
}

type Instant = Extract<Type, { kind: 'timestamp' | 'fine_timestamp' }>

/** The type that holds ticks of this size exactly. */
const naturalOf = (perMs: bigint): Instant =>
  perMs === 1n ? { kind: 'timestamp' } : { kind: 'fine_timestamp', precision: perMs === 1000n ? 6 : 9 }

/** A column of times, as a part of a `FileColumn`. */
export const ticksColumn = (ticks: Ticks): Pick<FileColumn, 'natural' | 'read' | 'ticks'> => {
  const natural = naturalOf(ticks.perMs)
  return { natural, read: instantReader(ticks, natural, {}), ticks }
}

/** Reads ticks as a type. Throws `DataError` for digits that it has no room for, and for what it cannot hold. */
export function instantReader(
  { perMs, isUtc, of }: Ticks,
  to: Instant,
  { zone = 'UTC', fold, fraction }: TimeOptions,
): (raw: unknown) => number | bigint {
  const instant = isUtc || zone === 'UTC' ? undefined : compileClock(zone, fold)
  const perUnit = to.kind === 'timestamp' ? 1n : unitsPerMs[to.precision]
  // Without bigint where nothing can be lost: times in ms, and finer ones with nothing below a millisecond.
  const quick = instant || to.kind !== 'timestamp' ? undefined : Number(perMs)
  return (raw) => {
    const counted = of(raw)
    if (quick !== undefined && typeof counted === 'number' && counted % quick === 0) return instantOf(counted / quick)
    const ticks = BigInt(counted)
    const rest = ((ticks % perMs) + perMs) % perMs
    const ms = (ticks - rest) / perMs
    if ((rest * perUnit) % perMs !== 0n && fraction !== 'truncate')
      throw new DataError(
        'out_of_range',
        `the time has ${ticks} units of 1/${perMs} ms, which is finer than its type: declare it as timestamp(${perMs === 1000n ? 6 : 9}), or set \`fraction: truncate\` in the format`,
      )
    const at = BigInt(instantOf(instant ? instant(Number(ms)) : Number(ms)))
    const units = at * perUnit + (rest * perUnit) / perMs
    if (to.kind === 'timestamp') return Number(units)
    if (BigInt.asIntN(64, units) === units) return units
    throw new DataError('out_of_range', `${at} ms since 1970 does not fit in 64 bits as timestamp(${to.precision})`)
  }
}

/** The column with its times read so; undefined: nobody says which clock they show. */
export function timed(column: FileColumn, times: TimeOptions): FileColumn | undefined {
  const { ticks } = column
  if (!ticks) return column
  if (!ticks.isUtc && times.zone === undefined) return undefined
  const isClock = !ticks.isUtc && times.zone !== 'UTC'
  return { ...column, isClock, read: instantReader(ticks, naturalOf(ticks.perMs), times) }
}

/** Whether times without a zone are inside. */
export const holdsLocalTimes = ({ ticks, item, fields }: FileColumn): boolean =>
  ticks?.isUtc === false || (item !== undefined && holdsLocalTimes(item)) || (fields ?? []).some(holdsLocalTimes)
