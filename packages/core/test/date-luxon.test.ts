import * as fc from 'fast-check'
// @ts-expect-error: luxon ships no types
import { DateTime, IANAZone } from 'luxon'
import { expect, it } from 'vitest'
import { compileDateFormatter, compileDateParser, type Fold } from '../src/index.ts'

// Our patterns and luxon's that mean the same.
const patterns: [ours: string, luxon: string][] = [
  ['yyyy-MM-dd HH:mm:ss.SSS', 'yyyy-MM-dd HH:mm:ss.SSS'],
  ['M/d/yyyy H:mm', 'M/d/yyyy H:mm'],
  ['EEEE, d MMMM yyyy hh:mm:ss a', 'EEEE, d MMMM yyyy hh:mm:ss a'],
  ["EEE dd MMM yyyy 'at' h:m:s a", "EEE dd MMM yyyy 'at' h:m:s a"],
  ['yyyyMMddHHmmss Z', 'yyyyMMddHHmmss ZZZ'],
  ["yyyy-MM-dd'T'HH:mm:ss.SSSxxx", "yyyy-MM-dd'T'HH:mm:ss.SSSZZ"],
]
const pattern = fc.constantFrom(...patterns)
const zone = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Asia/Kolkata',
  'Asia/Tehran',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'America/Recife',
)
const year = (y: number) => Date.UTC(y, 0, 1)
const instant = fc.oneof(
  fc.integer({ min: year(1950), max: year(2050) }),
  // Around the ends of March and October, where clocks change.
  fc
    .tuple(fc.integer({ min: 1975, max: 2037 }), fc.constantFrom(2, 9), fc.integer({ min: -240, max: 48 }))
    .map(([y, m, h]) => Date.UTC(y, m + 1, 1) + h * 1_800_000),
)

it('prints as luxon does', () => {
  fc.assert(
    fc.property(instant, pattern, zone, (ms, [ours, theirs], zoneName) => {
      expect(compileDateFormatter(ours, zoneName)(ms)).toBe(
        DateTime.fromMillis(ms, { zone: zoneName, locale: 'en-US' }).toFormat(theirs),
      )
    }),
    { numRuns: 800 },
  )
})

it('reads what it printed: the same instant, or the first one with that text', () => {
  fc.assert(
    fc.property(instant, pattern, zone, (ms, [ours], zoneName) => {
      const print = compileDateFormatter(ours, zoneName)
      const text = print(ms)
      const read = compileDateParser([ours], zoneName, { fold: 'earlier' })(text)!
      expect(print(read)).toBe(text)
      expect(read).toBeLessThanOrEqual(ms)
      // The hour that occurs twice is the only thing that text without an offset cannot express, apart from what the
      // format omits.
      if (/[xZ]/.test(ours)) expect(ms - read).toBeLessThan(1000)
      else expect(ms - read).toBeLessThan(3_600_000 + 60_000)
    }),
    { numRuns: 800 },
  )
})

/**
 * The instants at which a clock shows a time, by luxon's offsets. What luxon itself reads at the edge of a change
 * depends on the first time that it was asked for in the zone.
 */
function timesShown(wall: number, zoneName: string): number[] {
  const clock = IANAZone.create(zoneName)
  const offsets = new Set(Array.from({ length: 61 }, (_, hour) => clock.offset(wall + (hour - 30) * 3_600_000)))
  const times = [...offsets].map((minutes) => wall - minutes * 60_000)
  return times.filter((ms) => ms + clock.offset(ms) * 60_000 === wall)
}

it('reads wall-clock times as luxon does, and returns none where luxon moves the clock', () => {
  fc.assert(
    fc.property(instant, zone, (wall, zoneName) => {
      const text = compileDateFormatter('yyyy-MM-dd HH:mm:ss', 'UTC')(wall)
      const read = (fold: Fold) => compileDateParser(['yyyy-MM-dd HH:mm:ss'], zoneName, { fold })(text)
      const times = timesShown(Math.floor(wall / 1000) * 1000, zoneName)
      const moved = times.length === 0
      expect(read('earlier')).toBe(moved ? undefined : Math.min(...times))
      expect(read('later')).toBe(moved ? undefined : Math.max(...times))
      expect(read('error')).toBe(times.length === 1 ? times[0] : undefined)
    }),
    { numRuns: 800 },
  )
})

it('accepts the same calendar dates', () => {
  const read = compileDateParser(['d.M.yyyy'], 'UTC')
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 32 }),
      fc.integer({ min: 0, max: 13 }),
      fc.integer({ min: 1, max: 9999 }),
      (day, month, y) => {
        const theirs = DateTime.fromObject({ year: y, month, day }, { zone: 'UTC' })
        const text = `${day}.${month}.${String(y).padStart(4, '0')}`
        expect(read(text)).toBe(theirs.isValid ? theirs.toMillis() : undefined)
      },
    ),
    { numRuns: 800 },
  )
})
