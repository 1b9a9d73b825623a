/** Random windows. */
import type { Shape, Total, Verb, Window } from '../case.ts'
import type { Random } from '../random.ts'
import { grain } from './times.ts'

/** The totals that any aggregation may have, by name. */
export const allTotals: Readonly<Record<string, Total>> = {
  lines: 'count()',
  total: 'sum(q)',
  top: 'max(n)',
  low: 'min(n)',
  who: 'max(u)',
}

/** An aggregation by window, whose late output would be of this name. */
export function windows(random: Random, shape: Shape, late: string): Verb {
  const groups = [['k'], ['k'], ['q'], ['b'], ['k', 'q'], ['kk'], ['key'], []]
  const by = random.pick(groups.filter((names) => names.every((name) => shape[name])))
  // Results with these names can be merged with records, and tested.
  const outputs: Record<string, Total> =
    !by.includes('q') && random.chance(0.4)
      ? { u: 'max(u)', n: 'max(n)', q: 'sum(q)' }
      : Object.fromEntries(
          random.some(Object.entries({ ...allTotals, first: 'first(n)', last: 'last(n)' } as const), 2, 4),
        )
  const window = anyWindow(random, late)
  const emit = random.weighted<'on_end' | 'on_close' | 'on_change' | undefined>([
    [3, undefined],
    [1, 'on_end'],
    [3, 'on_close'],
    [3, 'on_change'],
  ])
  return {
    verb: 'aggregate',
    by,
    outputs,
    cap: random.pick([1000, 5000]),
    window,
    ...(emit && !('session' in window.length) ? { emit } : {}),
  }
}

const anyWindow = (random: Random, late: string): Window => ({
  length: anyLength(random),
  lateness: random.chance(0.5)
    ? 0
    : random.weighted([
        [3, grain * random.int(1, 12)],
        [1, random.int(1, 40)],
      ]),
  ...(random.chance(0.6) ? { late } : {}),
})

function anyLength(random: Random): Window['length'] {
  const offsetBelow = (length: number) => (random.chance(0.3) ? random.int(0, length - 1) : 0)
  return random.weighted<() => Window['length']>([
    [
      4,
      () => {
        const tumbling = grain * random.int(2, 24)
        return { tumbling, offset: offsetBelow(tumbling) }
      },
    ],
    [
      4,
      () => {
        const slide = grain * random.int(2, 12)
        const rest = random.chance(0.3) ? random.int(0, slide - 1) : 0
        return { sliding: slide * random.int(1, 4) + rest, slide, offset: offsetBelow(slide) }
      },
    ],
    [4, () => ({ session: grain * random.int(1, 10) })],
  ])()
}
