/** What `dedupe` remembers across restarts, edits and rescaling, compared with a model: a list of keys. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dedupe } from '../src/dedupe/index.ts'
import { instances } from './instances.ts'
import { recordType, run, stepContext } from './step.ts'

const input = recordType({ k: 'string', g: 'integer', note: 'string?' })

/** Few keys and a short memory, or hundreds of keys in several blocks. */
const sizes = [
  { keys: 6, batch: 5, most: 4 },
  { keys: 500, batch: 250, most: 300 },
]
const scripts = fc.constantFrom(...sizes).chain(({ keys, batch, most }) => {
  const last = fc.integer({ min: 1, max: most })
  return fc.record({
    last,
    most: fc.constant(most),
    script: fc.array(
      fc.oneof(
        {
          weight: 4,
          arbitrary: fc.record({ keys: fc.array(fc.nat(keys), { minLength: 1, maxLength: batch, size: 'max' }) }),
        },
        { weight: 2, arbitrary: fc.constant('save' as const) },
        { weight: 2, arbitrary: fc.record({ restart: fc.option(last) }) },
        { weight: 1, arbitrary: fc.record({ rescale: fc.integer({ min: 1, max: 3 }) }) },
      ),
      { maxLength: 20, size: 'max' },
    ),
  })
})

/** The keys that passed last, oldest first; separately for each split. */
class Model {
  private readonly last: number
  readonly keys: ReadonlyMap<string, string[]>

  constructor(last: number, keys: ReadonlyMap<string, readonly string[]> = new Map()) {
    this.last = last
    this.keys = new Map([...keys].map(([split, each]) => [split, each.slice(-last)]))
  }

  passes(split: string, key: string): boolean {
    const keys = this.keys as Map<string, string[]>
    if (!keys.has(split)) keys.set(split, [])
    const own = keys.get(split)!
    if (own.includes(key)) return false
    own.push(key)
    if (own.length > this.last) own.shift()
    return true
  }
}

describe.each(['by fields', 'by id', 'by fields, each split apart'])('dedupe %s', (way) => {
  const apart = way.endsWith('apart')
  const ctx = stepContext(input, apart ? { partitionedBy: ['g'] } : {})
  const by = way === 'by id' ? undefined : apart ? ['k', 'g'] : 'k'
  it('remembers the last that passed and no others, whatever was saved, killed, edited and moved in between', () => {
    fc.assert(
      fc.property(scripts, ({ last, most, script }) => {
        const create = (limit: number) => () => dedupe.create({ by, last: limit, nulls: undefined }, ctx)
        let limit = last
        const steps = instances(create(limit))
        let model = new Model(limit)
        let savedModel: Model['keys'] = new Map()
        const saves = () => {
          savedModel = new Map([...model.keys].map(([split, keys]) => [split, [...keys]]))
          const blocks = [...savedModel.values()].reduce((sum, keys) => sum + Math.ceil(keys.length / 100) + 1, 0)
          expect(steps.entries).toBeLessThanOrEqual(blocks)
        }
        for (const each of script) {
          if (each === 'save') {
            steps.save()
            saves()
          } else if ('restart' in each) {
            limit = each.restart ?? limit
            steps.restart(create(limit))
            model = new Model(limit, savedModel)
          } else if ('rescale' in each) {
            if (!apart) continue
            steps.rescale(each.rescale)
            saves()
          } else {
            // Each split has its own keys, in three batches.
            const made = each.keys.map((n) => ({ split: apart ? String(n % 3) : '', k: `key number ${n}` }))
            for (const [split, own] of Map.groupBy(made, (one) => one.split)) {
              const rows = own.map(({ k }) => ({ k, g: Number(split), note: null }))
              const ids = own.map(({ k }) => k)
              const passed = steps.feed(split, rows, { ids }).origins
              expect(passed).toEqual(ids.flatMap((key, i) => (model.passes(split, key) ? [i] : [])))
            }
          }
        }
        expect(most).toBeGreaterThanOrEqual(limit)
      }),
      { numRuns: 300, interruptAfterTimeLimit: 20_000 },
    )
  })
})

it('loses nothing and revives nothing forgotten when the number to remember is raised or lowered', () => {
  const create = (last: number) => () => dedupe.create({ by: 'k', last, nulls: undefined }, stepContext(input))
  const rows = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => ({ k: `k${from + n}`, g: 0, note: null }))
  const steps = instances(create(120))
  const passing = (from: number, to: number) => steps.feed('', rows(from, to)).origins.map((i) => i + from)
  passing(0, 100)
  steps.save()
  // Of the block that was saved then, 60 to 99 are remembered.
  passing(100, 180)
  steps.save()
  steps.restart(create(1000))
  expect(passing(55, 180)).toEqual([55, 56, 57, 58, 59])
  steps.save()
  steps.restart(create(50))
  steps.save()
  steps.restart(create(1000))
  // The last 50 that passed: 135 to 179, then 55 to 59.
  expect(passing(130, 180)).toEqual([130, 131, 132, 133, 134])
  expect(passing(54, 60)).toEqual([54])
})

describe('what dedupe reports about its memory', () => {
  const base = { by: ['k', 'g'], last: 10 }
  const memory = (config: object = {}, fields: object = {}, more: object = {}) => {
    const type = recordType({ k: 'string', g: 'integer', note: 'string?', ...fields })
    return dedupe.memory!({ ...base, ...config } as never, stepContext(type, more))
  }
  it.each([
    ['how many are remembered', memory({ last: 99 })],
    ['the order of the fields', memory({ by: ['g', 'k'] })],
    ['what is done with null', memory({ nulls: 'pass' })],
    ['other fields', memory({}, { note: 'integer', more: 'json' })],
    ['that a field may be null', memory({ nulls: 'equal' }, { g: 'integer?' })],
  ])('%s does not change it', (_, other) => expect(other).toEqual(memory()))
  it.each([
    ['other fields in `by`', memory({ by: ['k'] })],
    ['none', memory({ by: undefined })],
    ['another type of one', memory({}, { g: 'bigint' })],
    ['memory of each split apart', memory({}, {}, { partitionedBy: ['g'] })],
  ])('with %s it is different', (_, other) => expect(other).not.toEqual(memory()))

  it('keeps what was remembered when `nulls` is edited', () => {
    const type = recordType({ k: 'string?' })
    const row = (k: string | null) => ({ k })
    const create = (nulls: 'pass' | 'equal') => () => dedupe.create({ by: 'k', last: 10, nulls }, stepContext(type))
    const steps = instances(create('equal'))
    expect(steps.feed('', [row('a'), row(null), row(null), row('null')]).origins).toEqual([0, 1, 3])
    steps.save()
    steps.restart(create('pass'))
    expect(steps.feed('', [row('a'), row(null), row('null'), row('b')]).origins).toEqual([1, 3])
    steps.save()
    steps.restart(create('equal'))
    expect(steps.feed('', [row('a'), row('b'), row(null), row('null')]).origins).toEqual([])
  })
})

describe('what dedupe guarantees', () => {
  it('names the bound within which repeats are removed', () => {
    expect(dedupe.removesRepeats!({ by: undefined, last: 500, nulls: undefined })).toBe(
      'within the last 500 records that passed',
    )
    expect(dedupe.removesRepeats!({ by: 'k', last: 1, nulls: 'equal' })).toBeTypeOf('string')
    // Those without a key all pass.
    expect(dedupe.removesRepeats!({ by: 'k', last: 500, nulls: 'pass' })).toBeUndefined()
  })
  it('is keyed by its fields, and by none where it uses the id', () => {
    expect(dedupe.keyedBy!({ by: 'k', last: 1, nulls: undefined })).toEqual(['k'])
    expect(dedupe.keyedBy!({ by: ['k', 'g'], last: 1, nulls: undefined })).toEqual(['k', 'g'])
    expect(dedupe.keyedBy!({ by: undefined, last: 1, nulls: undefined })).toBeUndefined()
  })
  it('depends on the order of lanes', () => expect(dedupe.ordered).toBe(true))
})

describe('dedupe by id', () => {
  const rows = ['a', 'b', 'c'].map((k) => ({ k, g: 1, note: null }))
  it('lets a record that a writer appended again pass once, at whatever position', () => {
    const { transform } = run(dedupe, { last: 100 }, input, [])
    const feed = instances(() => transform).feed
    const [first, second] = [
      feed('0', rows, { ids: ['x', 'y', 'x'] }),
      feed('1', rows, { ids: ['y', 'z', 'w'], at: 70 }),
    ]
    expect([first.origins, second.origins]).toEqual([
      [0, 1],
      [1, 2],
    ])
  })
  it('lets two equal records pass, and recognises a position that is read again', () => {
    const { transform } = run(dedupe, { last: 100 }, input, [])
    const same = rows.map(() => rows[0]!)
    const { feed } = instances(() => transform)
    expect(feed('0', same).origins).toEqual([0, 1, 2])
    expect(feed('0', same, { at: 2 }).origins).toEqual([1, 2])
    expect(feed('1', same).origins).toEqual([0, 1, 2])
  })
})
