/** What a save of `aggregate` writes: what is new, and not everything that is held. */
import { endOfRun, type MemoryChange, type Output, type Row, type Transform } from '@millrace/core'
import { type Entries, saveChanges, savedMemory } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { aggregate } from '../src/aggregate/index.ts'
import { apply, recordType, stepContext } from './step.ts'

const windows = {
  none: undefined,
  tumbling: { tumbling: 1000 },
  sliding: { sliding: 1000, slide: 500 },
  sessions: { session: 1000 },
}
const step = (window: object | undefined, outputs: Record<string, string>) =>
  aggregate.create(
    {
      by: ['g'],
      outputs,
      max_groups: 1_000_000,
      ...(window && {
        window: { zone: 'UTC', offset: 0, allowed_lateness: 0, shape: 'fields', late: 'drop', ...window },
      }),
    } as never,
    stepContext(recordType({ g: 'string', x: 'string' }), { times: { in: { maxOutOfOrderMs: 0 } } }),
  )
const bytesOf = (changes: readonly MemoryChange[]) =>
  changes.reduce((sum, [key, value]) => sum + key.length + (value?.length ?? 0), 0)
/** Without the entries of windows. */
const groupsIn = (changes: readonly MemoryChange[]) => changes.filter(([key]) => key.endsWith(']'))
/** Feeds records of one event time each. */
const feed = (of: Transform, rows: readonly Row[], time: number | ((i: number) => number) = 0) =>
  void apply(of, rows, { times: rows.map((_, i) => (typeof time === 'number' ? time : time(i))) })
const rowsOf = (g: string, from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, i) => ({ g, x: `customer-${from + i}` }))
function resultsOf(of: Transform): Row[] {
  const rows: Row[] = []
  const never = () => {
    throw new Error('only results are expected')
  }
  const out: Output = { fail: never, side: never, result: (row) => void rows.push(row), failResult: never }
  while (!of.advance!(endOfRun, out));
  return rows
}

describe.each(Object.entries(windows))('windows: %s', (_, window) => {
  const outputs = { n: 'count()', kinds: 'count_distinct(x)' }

  it('1,000 new values of a million are at most 100 kB', () => {
    const of = step(window, outputs)
    for (let at = 0; at < 1_000_000; at += 50_000) {
      feed(of, rowsOf('a', at, at + 50_000))
      of.takeChanges!()
    }
    for (let at = 1_000_000; at < 1_010_000; at += 1000) {
      feed(of, rowsOf('a', at, at + 1000))
      const changes = of.takeChanges!()
      expect(bytesOf(changes)).toBeGreaterThan(15_000)
      expect(bytesOf(changes)).toBeLessThanOrEqual(100_000)
    }
  })

  it('values that are known write their group only', () => {
    const of = step(window, outputs)
    feed(of, rowsOf('a', 0, 10_000))
    of.takeChanges!()
    feed(of, rowsOf('a', 2000, 3000))
    expect(groupsIn(of.takeChanges!())).toHaveLength(1)
  })

  it('a restart has all values, and a group that has ended leaves nothing', () => {
    const memory: Entries = new Map()
    let of = step(window, outputs)
    for (const to of [1, 127, 128, 129, 300, 1000, 1001, 5000]) {
      feed(of, rowsOf('a', 0, to))
      feed(of, rowsOf('b', 0, Math.min(to, 200)))
      saveChanges(of, memory)
      of = step(window, outputs)
      of.restore!(savedMemory(memory))
      expect(of.takeChanges!()).toEqual([])
    }
    expect(memory.size).toBeGreaterThan(39)
    const results = resultsOf(of)
    expect(results.filter(({ g }) => g === 'a').map(({ kinds }) => kinds)).toEqual(
      results.filter(({ g }) => g === 'b').map(() => 5000),
    )
    expect(new Set(results.filter(({ g }) => g === 'b').map(({ kinds }) => kinds))).toEqual(new Set([200]))
    const told = of.changeCount!()
    const before = memory.size
    saveChanges(of, memory)
    expect([...memory.keys()].filter((key) => key !== 'fired' && key !== 'settled')).toEqual([])
    expect(told).toBeGreaterThanOrEqual(before - 2)
  })

  it('one of a hundred groups touched is a hundredth of the rows and bytes', () => {
    const of = step(window, { n: 'count()', sum: 'sum(size(x))' })
    const all = Array.from({ length: 100_000 }, (_, i) => ({ g: `group-${i}`, x: 'some' }))
    feed(of, all)
    const first = of.takeChanges!()
    feed(
      of,
      all.filter((_, i) => i % 100 === 7),
    )
    const second = of.takeChanges!()
    expect([groupsIn(first).length, groupsIn(second).length]).toEqual([100_000, 1000])
    expect(second.length).toBeLessThanOrEqual(1001)
    expect(bytesOf(second) * 90).toBeLessThan(bytesOf(first))
  })
})

it('sessions that merge are one entry with the values of both, across restarts', () => {
  const outputs = { n: 'count()', kinds: 'count_distinct(x)' }
  const memory: Entries = new Map()
  const save = (of: Transform) => {
    saveChanges(of, memory)
    const made = step(windows.sessions, outputs)
    made.restore!(savedMemory(memory))
    return made
  }
  let of = step(windows.sessions, outputs)
  const late = stepTimes(of)
  late(rowsOf('a', 0, 400), 10_000)
  of = save(of)
  stepTimes(of)(rowsOf('a', 300, 1000), 10_000)
  of = save(of)
  expect(resultsOf(of)).toEqual([expect.objectContaining({ g: 'a', n: 1100, kinds: 1000 })])

  // Two sessions, the second one larger, and a record between them.
  memory.clear()
  of = step(windows.sessions, outputs)
  apply(of, [...rowsOf('a', 0, 200), ...rowsOf('a', 100, 600)], {
    times: [...Array<number>(200).fill(0), ...Array<number>(500).fill(1500)],
  })
  of = save(of)
  const heads = () => [...memory.keys()].filter((key) => key.endsWith(']')).length
  expect([heads(), memory.size]).toEqual([2, 2 + 1 + 3])
  const made = of
  apply(made, [{ g: 'a', x: 'between' }], { times: [800] })
  saveChanges(made, memory)
  expect([heads(), memory.size]).toEqual([1, 1 + 4])
  const restored = step(windows.sessions, outputs)
  restored.restore!(savedMemory(memory))
  expect(resultsOf(restored)).toEqual([
    expect.objectContaining({ n: 701, kinds: 601, window_start: 0, window_end: 2500 }),
  ])
})

const stepTimes = (of: Transform) => (rows: readonly Row[], time: number) => feed(of, rows, time)
