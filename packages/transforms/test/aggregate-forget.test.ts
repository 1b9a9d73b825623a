/** `forget_after`: groups without records are forgotten, by the clock. */
import type { Output, Row, Transform } from '@millrace/core'
import { type Entries, saveChanges, savedMemory } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { aggregate } from '../src/aggregate/index.ts'
import { apply, problems, recordType, stepContext } from './step.ts'

const input = recordType({ g: 'string', x: 'string' })
const options = { by: ['g'], outputs: { n: 'count()', kinds: 'count_distinct(x)' }, emit: 'on_change', max_groups: 100 }
const create = (more: object = {}) =>
  aggregate.create({ ...options, forget_after: 1000, ...more } as never, stepContext(input))

/** Feeds a record of each group at a clock time, ends the epoch, and returns the results as `group:count`. */
function at(of: Transform, clock: number, groups: string, x = 'x'): string {
  const shown: string[] = []
  const out = collecting(shown)
  apply(
    of,
    [...groups].map((g) => ({ g, x })),
  )
  of.advance!({ watermark: Number.NEGATIVE_INFINITY, clock, end: false }, out)
  of.epochEnds?.(out)
  return shown.join(' ')
}
function collecting(shown: string[]): Output {
  const never = () => {
    throw new Error('only results are expected')
  }
  return {
    fail: never,
    side: never,
    result: (row: Row) => void shown.push(`${row['g']}:${row['n']}`),
    failResult: never,
  }
}

describe('a group', () => {
  it('is forgotten so long after its last record, and starts anew', () => {
    const of = create()
    expect(at(of, 5000, 'ab')).toBe('a:1 b:1')
    expect(at(of, 5999, 'b')).toBe('b:2')
    expect(at(of, 6000, '')).toBe('')
    expect(at(of, 6001, 'ab')).toBe('a:1 b:3')
  })

  it('asks for the time at which it is due, and for the clock after a record', () => {
    const of = create()
    expect(of.due!()).toBeUndefined()
    apply(of, [{ g: 'a', x: 'x' }])
    expect(of.due!()).toBe(Number.NEGATIVE_INFINITY)
    at(of, 5000, '')
    expect(of.due!()).toBe(6000)
  })

  it('leaves nothing in what is saved, whatever it held', () => {
    const [of, memory] = [create(), new Map() as Entries]
    for (let i = 0; i < 500; i++) at(of, 5000, 'a', `x${i}`)
    saveChanges(of, memory)
    expect(memory.size).toBe(1 + 3)
    at(of, 6000, '')
    saveChanges(of, memory)
    expect(memory.size).toBe(0)
  })

  it('may be forgotten and come again between two saves', () => {
    const [of, memory] = [create(), new Map() as Entries]
    for (let i = 0; i < 500; i++) at(of, 5000, 'a', `x${i}`)
    saveChanges(of, memory)
    at(of, 6000, '')
    for (let i = 0; i < 200; i++) at(of, 6001, 'a', `y${i}`)
    const keys = of.takeChanges!()
    expect(new Set(keys.map(([key]) => key)).size).toBe(keys.length)
    for (const [key, value] of keys)
      if (value === null) memory.delete(key)
      else memory.set(key, [value, undefined])
    const restored = create()
    restored.restore!(savedMemory(memory))
    expect(at(restored, 6002, 'a', 'z')).toBe('a:201')
  })

  it('keeps the time of its last record over a restart, where the clock is not known at first', () => {
    const [of, memory] = [create(), new Map() as Entries]
    at(of, 5000, 'a')
    at(of, 5500, 'b')
    saveChanges(of, memory)
    const restored = create()
    restored.restore!(savedMemory(memory))
    // What was read before the restart comes again, with the clock it had then.
    expect(at(restored, Number.NEGATIVE_INFINITY, '')).toBe('')
    expect(restored.due!()).toBe(6000)
    expect(at(restored, 5999, 'a')).toBe('a:2')
    expect(at(restored, 6600, '')).toBe('')
    expect(at(restored, 6601, 'ab')).toBe('a:3 b:1')
  })

  it('that was saved without the option counts from the first clock on', () => {
    const [of, memory] = [create({ forget_after: undefined }), new Map() as Entries]
    at(of, 5000, 'a')
    saveChanges(of, memory)
    const restored = create()
    restored.restore!(savedMemory(memory))
    at(restored, 90_000, '')
    expect(at(restored, 90_999, 'a')).toBe('a:2')
  })

  it('emits what it has not emitted yet before it is forgotten', () => {
    const of = create({ emit: { every: 60_000 } })
    const shown: string[] = []
    apply(of, [{ g: 'a', x: 'x' }])
    for (const clock of [5000, 6000])
      of.advance!({ watermark: Number.NEGATIVE_INFINITY, clock, end: false }, collecting(shown))
    expect(shown).toEqual(['a:1'])
  })

  it('makes room under max_groups', () => {
    const of = create({ max_groups: 3 })
    for (let clock = 5000; clock < 50_000; clock += 1000) at(of, clock, String.fromCharCode(clock))
    expect(() => at(of, 50_000, 'abc')).toThrow('max_groups')
  })
})

it('many groups are forgotten in pieces', () => {
  const of = create({ max_groups: 100_000 })
  apply(
    of,
    Array.from({ length: 12_000 }, (_, i) => ({ g: `g${i}`, x: 'x' })),
  )
  at(of, 5000, '')
  of.takeChanges!()
  const sizes: number[] = []
  while ((of.due!() ?? Number.POSITIVE_INFINITY) <= 6000) {
    at(of, 6000, '')
    sizes.push(of.takeChanges!().length)
  }
  expect(sizes).toEqual([5000, 5000, 2000])
})

it.each([
  [{ window: { tumbling: 1000 } }, 'bad_value forget_after: groups of a window are forgotten when it closes'],
  [{ emit: undefined }, 'missing_option forget_after: without `emit`, groups are kept to the end of the input'],
  [{ forget_after: 0 }, 'bad_value forget_after: groups cannot be forgotten at once'],
])('%j is a finding', (more, finding) => {
  expect(problems(aggregate, { ...options, forget_after: 1000, ...more }, input)).toContain(finding)
})
