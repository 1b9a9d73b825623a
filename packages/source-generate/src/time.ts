/** Times relative to a clock: `now`, `-2h`, `+1d`, `start_of_month`, or a timestamp. All in UTC. */
import { fromJson, parseDuration } from '@millrace/core'

/** A time as written: the clock gives its ms since 1970. */
export interface RelativeTime {
  at(clockMs: number): number
  /** Its distance from the clock in ms, if that is always the same. */
  readonly offsetMs?: number
  /** Its ms since 1970, if the clock does not matter. */
  readonly fixedMs?: number
}

const dayMs = 86_400_000

const starts: Readonly<Record<string, (clock: Date) => number>> = {
  start_of_day: (clock) => Math.floor(clock.getTime() / dayMs) * dayMs,
  start_of_month: (clock) => Date.UTC(clock.getUTCFullYear(), clock.getUTCMonth(), 1),
  start_of_year: (clock) => Date.UTC(clock.getUTCFullYear(), 0, 1),
}

/** The nearest instant of the years 1 to 9999, which a timestamp can hold. */
export const inYears = (ms: number): number => Math.min(Math.max(ms, -62_135_596_800_000), 253_402_300_799_999)

/** What may be written, for messages. */
export const timeForm = `now, a distance (-2h, +1d), ${Object.keys(starts).join(', ')}, or a timestamp`

/** Words that may be written, for suggestions. */
export const timeWords: readonly string[] = ['now', ...Object.keys(starts)]

/** Reads a time; undefined: it is none. */
export function relativeTime(text: string): RelativeTime | undefined {
  if (Object.hasOwn(starts, text)) return { at: (clockMs) => starts[text]!(new Date(clockMs)) }
  const offsetMs = text === 'now' ? 0 : offsetOf(text)
  if (offsetMs !== undefined) return { offsetMs, at: (clockMs) => inYears(clockMs + offsetMs) }
  const fixedMs = timestampOf(text)
  return fixedMs === undefined ? undefined : { fixedMs, at: () => fixedMs }
}

function offsetOf(text: string): number | undefined {
  const ms = /^[+-]/.test(text) ? parseDuration(text.slice(1)) : undefined
  if (ms === undefined) return undefined
  return text.startsWith('-') ? -ms : ms
}

const readTimestamp = fromJson({ kind: 'timestamp' })

/** The ms of a timestamp as text; undefined: it is none. */
export function timestampOf(text: string): number | undefined {
  try {
    return readTimestamp(text) as number
  } catch {
    return undefined
  }
}

/** The day of an instant, as text. */
export const dayText = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10)

/** The number of an instant's day since 1970. */
export const dayOf = (ms: number): number => Math.floor(ms / dayMs)
