/** Every change of every zone of the time zone database since 1970, compared with what Intl shows. */
import { compileClock, compileDateFormatter } from '@millrace/core'
import { expect, test } from 'vitest'

const hourMs = 3_600_000
const from = Date.UTC(1970, 0, 1)
const until = Date.UTC(2038, 0, 1)

/** What a zone's clock shows, as ms since 1970 on that clock. */
function wallOf(zone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
    const { year, month, day, hour, minute, second } = parts as Record<string, number>
    return Date.UTC(year!, month! - 1, day, hour, minute, second) + (ms - Math.floor(ms / 1000) * 1000)
  }
}

/** The first instant of each new offset, with the offsets before and after. */
function changesOf(wall: (ms: number) => number): (readonly [at: number, before: number, after: number])[] {
  const offset = (ms: number) => wall(ms) - ms
  const found: (readonly [number, number, number])[] = []
  const step = 14 * 24 * hourMs
  for (let at = from; at < until; at += step) {
    let [low, high] = [at, at + step]
    while (offset(low) !== offset(high)) {
      let [a, b] = [low, high]
      while (b - a > 1000) {
        const middle = a + Math.floor((b - a) / 2000) * 1000
        if (offset(middle) === offset(low)) a = middle
        else b = middle
      }
      found.push([b, offset(a), offset(b)])
      low = b
      high = at + step
    }
  }
  return found
}

test('times around every change are printed and read as they are', { timeout: 300_000 }, () => {
  let changes = 0
  for (const zone of Intl.supportedValuesOf('timeZone')) {
    const wall = wallOf(zone)
    const print = compileDateFormatter('yyyy-MM-dd HH:mm:ss.SSS', zone)
    const [none, earlier, later] = (['error', 'earlier', 'later'] as const).map((fold) => compileClock(zone, fold))
    const shown = (ms: number) => new Date(wall(ms)).toISOString().replace('T', ' ').slice(0, -1)
    for (const [at, before, after] of changesOf(wall)) {
      changes++
      const place = `${zone} ${new Date(at).toISOString()}`
      for (const ms of [at - 1, at]) expect(print(ms), place).toBe(shown(ms))
      if (after > before) {
        for (const read of [none!, earlier!, later!]) {
          expect(read(at + before - 1), place).toBe(at - 1)
          expect(read(at + after), place).toBe(at)
          for (const skipped of [at + before, at + after - 1]) expect(() => read(skipped), place).toThrow()
        }
      } else {
        for (const twice of [at + after, at + before - 1]) {
          expect(earlier!(twice), place).toBe(twice - before)
          expect(later!(twice), place).toBe(twice - after)
          expect(() => none!(twice), place).toThrow()
        }
        for (const read of [none!, earlier!, later!]) {
          expect(read(at + after - 1), place).toBe(at + after - 1 - before)
          expect(read(at + before), place).toBe(at + before - after)
        }
      }
    }
  }
  expect(changes).toBeGreaterThan(20_000)
})
