/** Every key of a spec, of millrace.yaml and of a profile has an effect: a different value changes the result. */
import { describe, expect, it } from 'vitest'
import {
  bindingShape,
  deadLetterShape,
  profileShape,
  projectShape,
  type Shape,
  sinkShape,
  sourceShape,
  specShape,
  stepShape,
  varShape,
} from '../../packages/core/src/index.ts'
import { type Entry, whyNot } from './entry.ts'
import { optionPaths } from './walk.ts'
import { rowsOut, seen, type World } from './world.ts'

type Config = Readonly<Record<string, unknown>>

const rows = 'id,n\n1,5\nx,6\n3,7\n'
const fields = { fields: { id: 'integer', n: 'integer' } }
const source = { type: 'csv', config: { path: 'in.csv' }, schema: fields }
const plain = { version: 1, name: 'tried', source, sinks: rowsOut, on_error: { data: 'drop' } }
const files = { 'in.csv': rows, 'other.csv': 'id,n,more\n8,9,10\n' }
const letters = { type: 'files', config: { path: 'out/bad.jsonl', existing: 'replace' } }

/** Specs as they run; letters say when and by which spec they were created. */
const run = (spec: Config, more: Partial<World> = {}) => seen({ spec, files, ...more })
const pair = (b: Config, a: Config = plain, more: Partial<World> = {}): Entry => ({
  a,
  b,
  see: (spec: Config) => run(spec, more),
})
/** The parts of the plan that a person reads. */
const printed = (b: Config, a: Config = plain, more: Partial<World> = {}): Entry =>
  pair(b, a, { lines: [['plan', 'spec.yaml']], ...more })
const checked = (b: Config, a: Config = plain, more: Partial<World> = {}): Entry =>
  pair(b, a, { lines: [['check', 'spec.yaml']], ...more })
const named = (file: string, test: string): Entry => ({ file, test })

/** What a schedule is, in the plan; what it does is compared with a model in packages/cli/test/serve. */
const scheduled = (b: Config, a: Config = { cron: '@daily' }): Entry =>
  pair({ ...plain, schedule: b }, { ...plain, schedule: a }, { plan: ({ schedule }) => schedule })

const withSource = (more: Config, spec: Config = plain) => ({ ...spec, source: { ...source, ...more } })
const withSink = (more: Config) => ({ ...plain, sinks: { out: { ...rowsOut.out, ...more } } })
const withStep = (more: Config, verb: Config = { where: 'id > 1' }) => ({ ...plain, steps: [{ ...verb, ...more }] })
const toLetters = { ...plain, on_error: { data: 'dead_letter' }, dead_letter: letters }
const withLetters = (more: Config) => ({ ...toLetters, dead_letter: { ...letters, ...more } })
const where = { id: 'large', where: 'id > 1' }

/** The names of the files that exist afterwards. */
const filesOf = (all: unknown): string[] => Object.keys((all as { left: object }).left)

/** A node's `retry`, as the plan reports it. */
const retries = (key: string, at: (retry: Config) => Config): Record<string, Entry> => ({
  [key]: printed(at({ for: '2h' })),
  [`${key}.for`]: printed(at({ for: 'forever' }), at({ for: '2h' })),
  [`${key}.backoff`]: pair(at({ backoff: '5s' }), at({ backoff: '1s' }), {
    plan: ({ sources, sinks, deadLetter }) => [sources[0].retry, sinks[0].retry, deadLetter?.retry],
  }),
  [`${key}.max_wait`]: printed(at({ max_wait: '5s' }), at({ max_wait: '1s' })),
})

const projectFiles = (text: string) => ({ ...files, 'millrace.yaml': text })
const inProject = (b: string, a: string, lines = [['plan', 'spec.yaml']], spec: Config = plain): Entry => ({
  a,
  b,
  see: (text: string) => seen({ spec, files: projectFiles(text), lines }),
})
const onStore = { ...plain, sinks: { out: { connection: 'store', config: { collection: 'c', key: 'id' } } } }
const profile = (b: Config, a: Config, spec: Config = onStore): Entry => ({
  a,
  b,
  see: (text: Config) =>
    seen({
      spec,
      files: {
        ...files,
        'millrace.yaml': 'connections: { store: documents }\n',
        'profiles/other.yaml': JSON.stringify(text),
      },
      lines: [['run', 'spec.yaml', '--profile', 'other']],
    }),
})
const bound = (more: Config) => ({ connections: { store: { type: 'sqlite', config: { path: 'a.db' }, ...more } } })
const withVar = (of: Config, value = '${var:v}') => ({ ...plain, vars: { v: of }, steps: [{ where: `id > ${value}` }] })

/** Sums by hour. The last event comes an hour late, and one is of the year 2110. */
const timeFiles = {
  'in.csv': [
    'at,other,n',
    '3/10/2024 2:30,4/5/2024 1:00,1',
    '3/10/2024 3:40,4/5/2024 1:00,2',
    '10/3/2024 2:30,4/5/2024 1:00,4',
    '10/27/2024 2:30,4/5/2024 1:00,8',
    '10/27/2024 4:30,4/5/2024 1:00,16',
    '10/27/2024 3:30,4/5/2024 1:00,32',
    '12/1/2110 8:00,4/5/2024 1:00,64',
  ].join('\n'),
}
const hourly = {
  window: { tumbling: '1h', late: 'drop' },
  aggregate: { outputs: { sum: 'sum(n)' } },
}
const timeFields = { fields: { at: 'string', other: 'string', n: 'integer' } }
const inOrder = { field: 'at', formats: ['M/d/yyyy H:mm'] }
const byTime = (eventTime: unknown) => ({
  ...plain,
  source: { ...source, schema: timeFields, event_time: eventTime },
  steps: [hourly],
})
const timed = (b: unknown, a: unknown = inOrder): Entry => pair(byTime(b), byTime(a), { files: timeFiles })
/** Events of a log that never ends, whose lanes become idle or are held back. */
const byLane = (more: Config) => ({
  ...plain,
  source: {
    type: 'log',
    config: { stream: 'events' },
    schema: { fields: { at: 'timestamp', n: 'integer' } },
    event_time: { field: 'at', ...more },
  },
  steps: [hourly],
})

const entries: Readonly<Record<string, Entry>> = {
  'spec version': checked({ ...plain, version: 2 }),
  'spec name': printed({ ...plain, name: 'other' }),
  'spec description': printed({ ...plain, description: 'For a test.' }),
  'spec delivery': checked(
    { ...plain, delivery: 'effectively_once', sinks: { out: { type: 'console' } } },
    { ...plain, sinks: { out: { type: 'console' } } },
  ),
  'spec vars': pair(withVar({ default: '2', type: 'integer' }), withVar({ default: '0', type: 'integer' })),
  'spec connections': pair(
    { ...onStore, connections: { store: { type: 'sqlite', config: { path: 'b.db' } } } },
    { ...onStore, connections: { store: { type: 'sqlite', config: { path: 'a.db' } } } },
  ),
  'spec source': pair(withSource({ config: { path: 'other.csv' } })),
  'spec sources': pair(
    { ...plain, source: undefined, sources: { one: { ...source, config: { path: 'other.csv' } } } },
    { ...plain, source: undefined, sources: { one: source } },
  ),
  'spec steps': pair(withStep({})),
  'spec sinks': pair(withSink({ config: { path: 'out/other.jsonl' } })),
  'spec on_error': pair({ ...plain, on_error: { data: 'stop' } }),
  'spec on_error.data': pair({ ...plain, on_error: { data: 'stop' } }),
  'spec dead_letter': {
    a: 'bad',
    b: 'worse',
    see: async (name: string) => filesOf(await run(withLetters({ config: { path: `out/${name}.jsonl` } }))),
  },
  'spec runs': printed({ ...plain, runs: 'continue' }),
  'spec parallelism': checked({ ...plain, parallelism: 2 }),

  'spec schedule': pair({ ...plain, schedule: { cron: '@daily' } }, plain, { plan: ({ schedule }) => schedule }),
  'spec schedule.cron': scheduled({ cron: '@daily' }, { cron: '@hourly' }),
  'spec schedule.timezone': scheduled({ cron: '@daily', timezone: 'Asia/Tokyo' }),
  'spec schedule.after': checked(
    { ...plain, schedule: { after: ['nobody'] } },
    { ...plain, schedule: { after: ['tried'] } },
  ),
  'spec schedule.retries': scheduled({ cron: '@daily', retries: 1 }),
  'spec schedule.backoff': scheduled({ cron: '@daily', backoff: '5m' }),
  'spec schedule.overlap': scheduled({ cron: '@daily', overlap: 'wait' }),
  'spec schedule.catch_up': scheduled({ cron: '@daily', catch_up: 'all' }),

  'source type': pair(withSource({ type: 'files', config: { path: 'in.csv', format: 'jsonl' } })),
  'source connection': pair(
    {
      ...plain,
      connections: { files: { type: 'csv', config: { path: 'other.csv' } } },
      source: { connection: 'files', schema: fields },
    },
    {
      ...plain,
      connections: { files: { type: 'csv', config: { path: 'in.csv' } } },
      source: { connection: 'files', schema: fields },
    },
  ),
  'source config': pair(withSource({ config: { path: 'other.csv' } })),
  'source description': printed(withSource({ description: 'For a test.' })),
  'source schema': pair(withSource({ schema: { fields: { id: 'string' } } })),
  'source unknown_fields': pair(
    withSource({ config: { path: 'other.csv' }, unknown_fields: 'error' }),
    withSource({ config: { path: 'other.csv' } }),
  ),
  'source on_error': pair(withSource({ on_error: { data: 'stop' } })),
  'source on_error.data': pair(withSource({ on_error: { data: 'stop' } }), withSource({ on_error: { data: 'drop' } })),
  'source event_time': timed('arrival'),
  'source event_time.field': timed({ ...inOrder, field: 'other' }),
  'source event_time.formats': timed({ ...inOrder, formats: ['d/M/yyyy H:mm'] }),
  'source event_time.zone': timed({ ...inOrder, zone: 'Asia/Tokyo' }),
  'source event_time.fold': timed(
    { ...inOrder, zone: 'Europe/Berlin', fold: 'later' },
    { ...inOrder, zone: 'Europe/Berlin', fold: 'earlier' },
  ),
  'source event_time.max_out_of_order': timed({ ...inOrder, max_out_of_order: '2h' }),
  // What an idle lane closes depends on the clock, so the order is logged.
  'source event_time.idle_after': pair(byLane({ idle_after: '1m' }), byLane({}), {
    plan: ({ steps }) => steps[0].ordered,
  }),
  'source event_time.max_future': timed({ ...inOrder, max_future: '1h' }),
  'source event_time.max_skew': pair(byLane({ max_skew: '2h' }), byLane({ max_skew: '1h' }), {
    plan: ({ sources }) => sources[0].eventTime,
  }),
  'source answer': named(
    'packages/source-http/test/gateway.test.ts',
    'answers 201 with the record as it is at the named step, when the store has it',
  ),
  'source partial': pair(
    { ...plain, source: { type: 'http', config: { path: '/x' }, schema: fields, partial: true } },
    { ...plain, source: { type: 'http', config: { path: '/x' }, schema: fields } },
    { plan: ({ sources }) => sources[0].answer },
  ),

  'sink type': pair(withSink({ type: 'null', config: {} })),
  'sink connection': pair(
    { ...onStore, connections: { store: { type: 'sqlite', config: { path: 'b.db' } } } },
    { ...onStore, connections: { store: { type: 'sqlite', config: { path: 'a.db' } } } },
  ),
  'sink config': pair(withSink({ config: { path: 'out/other.jsonl' } })),
  'sink description': printed(withSink({ description: 'For a test.' })),
  'sink from': pair(
    {
      ...plain,
      steps: [where],
      sinks: { out: { ...rowsOut.out, from: 'source' }, rest: { type: 'null', from: 'large' } },
    },
    {
      ...plain,
      steps: [where],
      sinks: { out: { ...rowsOut.out, from: 'large' }, rest: { type: 'null', from: 'large' } },
    },
  ),

  'dead_letter type': pair(
    withLetters({ type: 'null', config: {} }),
    { ...toLetters, dead_letter: { type: 'console', config: { to: 'stdout' } } },
    {
      plan: ({ deadLetter }) => deadLetter.capabilities,
    },
  ),
  'dead_letter connection': pair(
    {
      ...toLetters,
      dead_letter: { connection: 'store', config: { collection: 'bad' } },
      connections: { store: { type: 'sqlite', config: { path: 'b.db' } } },
    },
    {
      ...toLetters,
      dead_letter: { connection: 'store', config: { collection: 'bad' } },
      connections: { store: { type: 'mongodb', config: { url: 'mongodb://x', database: 'd' } } },
    },
    { plan: ({ deadLetter }) => deadLetter.type },
  ),
  'dead_letter config': {
    a: 'bad',
    b: 'worse',
    see: async (name: string) => filesOf(await run(withLetters({ config: { path: `out/${name}.jsonl` } }))),
  },
  'dead_letter description': printed(withLetters({ description: 'For a test.' }), toLetters),
  'dead_letter stop_above': printed(withLetters({ stop_above: '5 %' }), toLetters),

  'step id': printed(withStep({ id: 'large' })),
  'step from': pair(
    {
      ...plain,
      sources: { a: source, b: { ...source, config: { path: 'other.csv' } } },
      source: undefined,
      steps: [
        { ...where, from: 'a' },
        { id: 'rest', where: 'true', from: 'b' },
      ],
      sinks: { ...rowsOut, none: { type: 'null', from: 'large' } },
    },
    {
      ...plain,
      sources: { a: source, b: { ...source, config: { path: 'other.csv' } } },
      source: undefined,
      steps: [
        { ...where, from: 'b' },
        { id: 'rest', where: 'true', from: 'a' },
      ],
      sinks: { ...rowsOut, none: { type: 'null', from: 'large' } },
    },
  ),
  'step on_error': pair(withStep({ on_error: { data: 'stop' } }, { where: '10 % (id - 1) == 0' })),
  'step on_error.data': pair(
    withStep({ on_error: { data: 'stop' } }, { where: '10 % (id - 1) == 0' }),
    withStep({ on_error: { data: 'drop' } }, { where: '10 % (id - 1) == 0' }),
  ),
  'step description': printed(withStep({ description: 'For a test.' })),

  'var type': checked(withVar({ type: 'duration', default: '2' }), withVar({ type: 'integer', default: '2' })),
  'var default': pair(withVar({ type: 'integer', default: '2' }), withVar({ type: 'integer', default: '0' })),
  'var description': checked(withVar({ description: 'The least.' }), withVar({})),

  'binding type': profile({ connections: { store: { type: 'log', config: {} } } }, bound({})),
  'binding kind': profile(
    { connections: { other: { type: 'sqlite', kind: 'stream' } } },
    { connections: { other: { type: 'sqlite', kind: 'documents' } } },
    { ...plain, sinks: { out: { connection: 'other', config: { collection: 'c', key: 'id' } } } },
  ),
  'binding config': profile(bound({ config: { path: 'b.db' } }), bound({})),
  'binding names': profile(bound({ names: { c: 'd' } }), bound({})),
  'binding names.*': profile(bound({ names: { c: 'd' } }), bound({ names: { c: 'e' } })),

  'project version': inProject('version: 2\n', 'version: 1\n', [['check', 'spec.yaml']]),
  'project name': inProject('name: one\n', 'name: two\n'),
  'project connections': inProject(
    'connections: { store: stream }\n',
    'connections: { store: documents }\n',
    [['check', 'spec.yaml']],
    onStore,
  ),
  'project connections.*': inProject(
    'connections: { store: stream }\n',
    'connections: { store: documents }\n',
    [['check', 'spec.yaml']],
    onStore,
  ),
  'project state': {
    a: 'one',
    b: 'two',
    see: async (folder: string) => filesOf(await seen({ spec: plain, files: projectFiles(`state: ${folder}\n`) })),
  },

  'profile connections': profile(bound({ config: { path: 'b.db' } }), bound({})),
  'profile vars': profile(
    { ...bound({}), vars: { v: '2' } },
    { ...bound({}), vars: { v: '0' } },
    withVar({ type: 'integer', default: '0' }),
  ),

  ...retries('source retry', (retry) => withSource({ retry })),
  ...retries('sink retry', (retry) => withSink({ retry })),
  ...retries('dead_letter retry', (retry) => withLetters({ retry })),
  ...retries('binding retry', (retry) => ({ ...onStore, connections: { store: { type: 'sqlite', retry } } })),
}

const shapes: Readonly<Record<string, Shape>> = {
  spec: specShape,
  source: sourceShape,
  sink: sinkShape,
  dead_letter: deadLetterShape,
  step: stepShape,
  var: varShape,
  binding: bindingShape,
  project: projectShape,
  profile: profileShape,
}
const known = Object.entries(shapes).flatMap(([name, properties]) =>
  optionPaths({ properties }).map((path) => `${name} ${path}`),
)

it('every key has an entry, and every entry a key', () => {
  expect(known.filter((key) => !Object.hasOwn(entries, key))).toEqual([])
  expect(Object.keys(entries).filter((key) => !known.includes(key))).toEqual([])
})

describe('another value gives another result', () => {
  it.each(Object.entries(entries))('%s', async (key, entry) => {
    if (!('see' in entry)) {
      expect(whyNot(entry, key)).toBeUndefined()
      return
    }
    const first = await entry.see(entry.a)
    expect(await entry.see(entry.a)).toEqual(first)
    expect(await entry.see(entry.b)).not.toEqual(first)
  })
})
