/** Options of the generator, by the problems it finds and the records it makes. */
import { freshRead, isBatch, optionsFromText } from '../../packages/core/src/index.ts'
import { generate } from '../../packages/source-generate/src/source.ts'
import type { Entry, Pair } from './entry.ts'

type Config = Readonly<Record<string, unknown>>

const env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 's', resolve: (path: string) => path }
const base = { count: 30, clock: '2026-01-31T12:00:00Z' }
const stop = new AbortController().signal

/** What is wrong with a config; if nothing is, the records and keys of a run. */
async function made(config: Config): Promise<unknown> {
  const read = optionsFromText(JSON.stringify({ ...base, ...config }), generate.options)
  if ('findings' in read) return read.findings
  const options = read.value as never
  const problems = generate.check!(options, env)
  if (problems.length > 0) return problems
  const schema = await generate.infer!(options, env, stop)
  const source = generate.create(options, { ...env, schema, unknownFields: 'drop' })
  const found: unknown[] = [generate.capabilities(options)]
  for await (const given of source.read(freshRead(stop, { beganMs: 0 }))) {
    if (!isBatch(given)) continue
    found.push(...given.rows, ...(given.keys ?? []))
    if (found.length > 100) break
  }
  return found
}
const pair = (b: Config, a: Config): Pair<Config> => ({ a, b, see: made })

/** A field made in two ways, in a generator of one stream and in one of several. */
const field = (b: unknown, a: unknown = { value: 'a' }) =>
  [
    (x: unknown): Config => ({ fields: { v: { one_of: ['x', 'y'] }, x } }),
    (x: unknown): Config => ({
      streams: { s: { v: { one_of: ['x', 'y'] }, x }, t: { n: 'uuid', o: 'uuid' } },
      stream: 's',
    }),
  ].map((config) => pair(config(b), config(a)))

const range = { integer: { from: 1, to: 9 } }
const ways: Readonly<Record<string, readonly [b: unknown, a?: unknown]>> = {
  fake: [{ fake: 'person.fullName' }],
  with: [{ fake: 'number.int', with: { min: 1, max: 5 } }, { fake: 'number.int' }],
  uuid: [{ uuid: {} }],
  sequence: ['sequence'],
  'sequence.from': [{ sequence: { from: 5 } }, { sequence: {} }],
  boolean: ['boolean'],
  'boolean.share': [{ boolean: { share: '5 %' } }, { boolean: {} }],
  integer: [range],
  'integer.from': [{ integer: { from: 5, to: 9 } }, range],
  'integer.to': [{ integer: { from: 1, to: 5 } }, range],
  number: [{ number: { from: 1, to: 2 } }],
  'number.from': [{ number: { from: 1, to: 9 } }, { number: { from: 2, to: 9 } }],
  'number.to': [{ number: { from: 1, to: 9 } }, { number: { from: 1, to: 8 } }],
  'number.digits': [{ number: { from: 1, to: 9, digits: 0 } }, { number: { from: 1, to: 9 } }],
  one_of: [{ one_of: [1, 2] }, { one_of: [1, 3] }],
  weights: [{ one_of: [1, 2], weights: [9, 1] }, { one_of: [1, 2] }],
  time: [{ time: { from: '-2h' } }],
  'time.from': [{ time: { from: '-2h' } }, { time: { from: '-1h' } }],
  'time.to': [{ time: { from: '-2h', to: '-1h' } }, { time: { from: '-2h' } }],
  date: [{ date: { from: '-30d' } }],
  'date.from': [{ date: { from: '-30d' } }, { date: { from: '-60d' } }],
  'date.to': [{ date: { from: '-30d', to: '-20d' } }, { date: { from: '-30d' } }],
  of: [{ of: { stream: 't', field: 'n' } }],
  'of.stream': [{ of: { stream: 't', field: 'n' } }, { of: { stream: 'u', field: 'n' } }],
  'of.field': [{ of: { stream: 't', field: 'n' } }, { of: { stream: 't', field: 'o' } }],
  value: [{ value: 'b' }],
  when: [{ value: 'a', when: "v == 'x'" }],
  else: [
    { value: 'a', when: "v == 'x'", else: 'b' },
    { value: 'a', when: "v == 'x'" },
  ],
}

const shop: Config = {
  streams: { a: { x: 'uuid' }, b: { y: 'uuid', z: { of: { stream: 'a', field: 'x' } } } },
  stream: 'b',
}
const one: Config = { fields: { x: 'uuid', n: 'sequence' } }

/** Entries of the source `generate`, by option. */
export const generator: Readonly<Record<string, Entry>> = Object.fromEntries(
  Object.entries<Entry>({
    ...Object.fromEntries(
      Object.entries(ways).flatMap(([name, [b, a]]) => {
        const [inFields, inStreams] = field(b, a)
        const inStream = [`streams.*.*.${name}`, inStreams!] as const
        // A generator of one stream has nothing to refer to.
        return name.startsWith('of') ? [inStream] : [[`fields.*.${name}`, inFields!] as const, inStream]
      }),
    ),
    fields: pair(one, { fields: { x: 'uuid' } }),
    'fields.*': pair(one, { fields: { x: 'boolean', n: 'sequence' } }),
    streams: pair(shop, { streams: { b: { y: 'boolean' } }, stream: 'b' }),
    'streams.*': pair(shop, { ...shop, streams: { a: { x: 'uuid' }, b: { y: 'uuid' } } }),
    'streams.*.*': pair(shop, { ...shop, streams: { a: { x: 'sequence' }, b: { y: 'uuid' } } }),
    turn: pair({ ...shop, turn: ['b', 'a'] }, shop),
    'turn.either': pair({ ...shop, turn: [{ either: ['a', 'b'] }] }, shop),
    'turn.weights': pair(
      { ...shop, turn: [{ either: ['a', 'b'], weights: [9, 1] }] },
      { ...shop, turn: [{ either: ['a', 'b'] }] },
    ),
    stream: pair({ ...shop, stream: 'a' }, shop),
    seed: pair({ ...one, seed: 2 }, one),
    count: pair({ ...one, count: 29 }, one),
    rate: pair(
      { fields: { at: { time: { from: 'now' } } }, rate: '1000/s' },
      { fields: { at: { time: { from: 'now' } } } },
    ),
    clock: pair({ ...one, clock: '2026-01-31T12:00:01Z' }, one),
    key: pair({ ...one, key: 'x' }, one),
  }).map(([option, entry]) => [`source generate ${option}`, entry]),
)
