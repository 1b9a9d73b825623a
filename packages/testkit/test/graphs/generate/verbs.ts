/** Random steps for a given input type. */
import type { CallName, SetValue, Shape, Test, Verb } from '../case.ts'
import type { Random } from '../random.ts'
import type { BadRates } from './data.ts'
import { allTotals } from './windows.ts'

export function anyTest(random: Random): Test {
  if (random.chance(0.4)) return { field: 'q', atLeast: random.int(0, 6) }
  const mod = random.int(2, 4)
  return { field: random.pick(['n', 'q']), mod, is: random.int(0, mod - 1) }
}

/** A step whose output has the type of its input, so that the two can be merged. */
export function sameShapeVerb(random: Random, shape: Shape): Verb | undefined {
  return random.weighted<() => Verb | undefined>([
    [3, () => ({ verb: 'where', test: anyTest(random) })],
    [3, () => ({ verb: 'set', field: 'q', value: { plus: random.int(1, 3) } })],
    [2, () => ({ verb: 'parse_dates', to: random.pick(['dd.MM.yyyy', 'yyyy-MM-dd']) })],
    [2, () => ({ verb: 'call', name: random.pick<CallName>(['shout', 'odd', 'fussy', 'sloppy']) })],
    [1, () => dedupe(random, shape)],
  ])()
}

/** Any step. */
export function anyVerb(random: Random, shape: Shape, whole: boolean): Verb | undefined {
  return random.weighted<() => Verb | undefined>([
    [4, () => sameShapeVerb(random, shape)],
    [4, () => set(random, shape)],
    [2, () => select(random, shape)],
    [2, () => drop(random, shape)],
    [2, () => route(random)],
    [whole ? 4 : 1, () => aggregate(random, shape, whole)],
    [5, () => dedupe(random, shape)],
    [
      2,
      () => ({
        verb: 'join',
        how: random.pick(['inner', 'left']),
        field: 'name',
        side: random.pick(['file', 'source']),
      }),
    ],
    [3, () => ({ verb: 'call', name: random.pick<CallName>(['shout', 'odd', 'fussy', 'sloppy', 'twice', 'twice']) })],
    [2, () => ({ verb: 'cast' })],
    [3, () => ({ verb: 'split' })],
  ])()
}

/** A step in which the bad records of this case fail. */
export function fallibleVerb(random: Random, shape: Shape, bad: BadRates): Verb | undefined {
  const verbs: Verb[] = [
    ...(bad.boom > 0 ? [{ verb: 'call', name: random.pick<CallName>(['fussy', 'sloppy']) } as const] : []),
    ...(bad.dates > 0 ? [{ verb: 'parse_dates', to: 'dd.MM.yyyy' } as const] : []),
    ...(bad.numbers > 0
      ? [{ verb: 'cast' } as const, { verb: 'set', field: freeName(shape, 'i'), value: { whole: true } } as const]
      : []),
  ]
  return verbs.length > 0 ? random.pick(verbs) : undefined
}

const freeName = (shape: Shape, name: string): string => {
  for (let i = 0; ; i++) if (!shape[`${name}${i || ''}`]) return `${name}${i || ''}`
}

function set(random: Random, shape: Shape): Verb {
  const [field, value] = random.weighted<readonly [string, SetValue]>([
    [4, [freeName(shape, 'tag'), { constant: random.pick(['red', 'blue', 'a b']) }]],
    [2, ['q', { plus: random.int(1, 3) }]],
    [2, [freeName(shape, 'r'), { ratio: random.int(0, 9) }]],
    [2, [freeName(shape, 'i'), { whole: true }]],
    [2, [freeName(shape, 'kk'), { or: 'none' }]],
    // No step changes when a record happened.
    [shape['w'] ? 1 : 0, ['w', { constant: 'never' }]],
  ])
  return { verb: 'set', field, value }
}

/** Fields that every step keeps: `u` identifies the record, conditions and aggregates use the others. */
const kept = ['u', 'n', 'q']

function select(random: Random, shape: Shape): Verb | undefined {
  const others = Object.keys(shape).filter((name) => !kept.includes(name) && name !== 'tags')
  const chosen = [...kept, ...random.some(others, 0, 4)].filter((name) => shape[name])
  if (chosen.length === 0) return undefined
  const rename = shape['k'] && !shape['key'] && random.chance(0.3)
  return { verb: 'select', fields: chosen.map((name) => [rename && name === 'k' ? 'key' : name, name] as const) }
}

function drop(random: Random, shape: Shape): Verb | undefined {
  const others = Object.keys(shape).filter((name) => !kept.includes(name) && name !== 'tags')
  const fields = random.some(others, 1, 3)
  return fields.length === 0 || fields.length === Object.keys(shape).length ? undefined : { verb: 'drop', fields }
}

export function route(random: Random): Verb {
  const tag = random.int(100, 999)
  const branches = Array.from({ length: random.int(1, 2) }, (_, i) => ({
    name: `branch${i + 1}_${tag}`,
    test: anyTest(random),
  }))
  return { verb: 'route', branches, ...(random.chance(0.8) ? { rest: `rest_${tag}` } : {}) }
}

/** If the input does not end, its results are emitted whenever they have changed. */
function aggregate(random: Random, shape: Shape, whole: boolean): Verb | undefined {
  const groups = [['k'], ['q'], ['b'], ['k', 'q'], ['kk'], ['key'], []].filter((by) => by.every((name) => shape[name]))
  const outputs = Object.fromEntries(random.some(Object.entries(allTotals), 2, 4))
  const emit = !whole || random.chance(0.25) ? ({ emit: 'on_change' } as const) : {}
  return { verb: 'aggregate', by: random.pick(groups), outputs, cap: random.pick([1000, 5000]), ...emit }
}

function dedupe(random: Random, shape: Shape): Verb | undefined {
  const keys = [['k'], ['q'], ['k', 'q'], ['n'], ['u'], ['b'], ['key']].filter((by) => by.every((name) => shape[name]))
  if (keys.length === 0) return undefined
  const by = random.pick(keys)
  const nulls = by.some((name) => shape[name]!.optional) ? { nulls: random.pick(['pass', 'equal'] as const) } : {}
  return { verb: 'dedupe', by, last: 10_000, ...nulls }
}
