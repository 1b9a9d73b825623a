/**
 * Times as typed file formats store them: ticks since 1970, in UTC, or on a clock that the file does not name. Most
 * files of pandas have the latter. They are read only if the options say which clock that is.
 *
 * Decision: docs/decisions/20261201-times-name-their-clock.md
 */
import { compileClock, type DateChoices, option } from '@millrace/core'
import type { FileColumn, Ticks } from './file-column.ts'
import { wholeMs } from './stored.ts'

/** A column of times, as a part of a `FileColumn`. */
export const ticksColumn = (ticks: Ticks): Pick<FileColumn, 'natural' | 'read' | 'ticks'> => ({
  natural: { kind: 'timestamp' },
  read: (raw) => wholeMs(ticks.of(raw), ticks.perMs),
  ticks,
})

/** How times become instants: the options of a format. */
export interface TimeOptions extends DateChoices {
  /** The clock of times without a zone. */
  readonly zone?: string | undefined
}

/** The same as options. */
export const timeOptions = {
  zone: option.text('Parquet and Arrow: the clock that times without a zone show.', { example: 'Europe/Berlin' }),
  fold: option.oneOf(
    ['earlier', 'later', 'error'],
    'Parquet and Arrow: which time is meant of the two that this clock shows in the hour by which it is set back. Default: error.',
  ),
  fraction: option.oneOf(
    ['error', 'truncate'],
    'Parquet and Arrow: what becomes of digits of a time finer than a millisecond. Default: error.',
  ),
}

/** The column with its times read by these options; undefined: they do not say which clock the times show. */
export function timed(column: FileColumn, { zone, fold, fraction }: TimeOptions): FileColumn | undefined {
  const { ticks } = column
  if (!ticks) return column
  const { perMs, isUtc, of } = ticks
  if (!isUtc && zone === undefined) return undefined
  const instant = isUtc ? undefined : compileClock(zone!, fold)
  return {
    ...column,
    read(raw) {
      const exact = of(raw)
      const kept = fraction === 'truncate' ? exact - (((exact % perMs) + perMs) % perMs) : exact
      const ms = wholeMs(kept, perMs)
      return instant ? instant(ms) : ms
    },
  }
}

/** Whether times without a zone are inside. */
export const holdsLocalTimes = ({ ticks, item, fields }: FileColumn): boolean =>
  ticks?.isUtc === false || (item !== undefined && holdsLocalTimes(item)) || (fields ?? []).some(holdsLocalTimes)
