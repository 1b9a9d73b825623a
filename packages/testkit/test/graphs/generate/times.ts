/** Event times of the records of a lane: mostly ascending, in steps that often meet the borders of windows exactly. */
import type { EventTime, Source } from '../case.ts'
import type { Random } from '../random.ts'

/** The first time, ms. */
const origin = Date.UTC(2024, 2, 1)
/** Times, and the lengths of windows, are multiples of this, sometimes a millisecond off; ms. */
export const grain = 5

/** Draws the time of the next record of a lane. */
export function timesOfLane(random: Random): () => string {
  let high = origin + grain * random.int(0, 20)
  return () => {
    const time = random.weighted<() => number>([
      [60, () => high + grain * random.int(0, 4)],
      [20, () => high - grain * random.int(0, 8)],
      [12, () => high - grain * random.int(0, 50)],
      [1, () => high + grain * random.int(20, 100)],
    ])()
    const exact = random.chance(0.15) ? time + random.pick([-1, 1]) : time
    high = Math.max(high, exact)
    return new Date(exact).toISOString().replace('T', ' ').replace('Z', '')
  }
}

/** How a source tells the time. `goesOn`: its input does not end. */
export function anyEventTime(random: Random, kind: Source['kind'], goesOn: boolean): EventTime {
  const outOfOrder = random.weighted<number | null>([
    [3, 0],
    [4, grain * random.int(1, 10)],
    [2, random.int(1, 60)],
    [goesOn && kind === 'log' ? 0 : 1, null],
  ])
  return { outOfOrder, ...(random.chance(0.15) ? { maxSkew: grain * random.int(2, 40) } : {}) }
}
