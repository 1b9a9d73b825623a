/** Options of the built-in steps, each tried by a run. */
import type { Entry, Pair } from './entry.ts'
import { rowsOut, seen, specOf } from './world.ts'

const rows = [
  { id: 1, at: '1/2/2025', name: 'x', tags: ['p', 'q'], n: 1, t: '2024-10-27 02:30:00.0000' },
  { id: 2, at: '3/4/2025', name: null, tags: [], n: 2, t: '2024-10-27 01:30:00.0009' },
  { id: 1, at: '1/2/2025', name: 'x', tags: ['r'], n: 3, t: '2024-07-01 02:30:00.0000' },
  { id: 3, at: '5/6/2025', name: null, tags: ['s'], n: 4, t: '2024-07-01 02:30:00.0000' },
]
const jsonLines = (all: readonly object[]) => all.map((row) => `${JSON.stringify(row)}\n`).join('')
const files = {
  'in.jsonl': jsonLines(rows),
  'side.csv': 'id,label,kind\n1,one,a\n2,two,b\n1,uno,c\n',
  'other.csv': 'id,label,kind\n1,ONE,A\n2,TWO,B\n',
  'steps.ts':
    'export const one = (row) => ({ id: row.id })\nexport const two = (row) => [{ id: row.id }, { id: -row.id }]\nexport default (row) => ({ id: row.id * 10 })\n',
}
const schema = {
  fields: { id: 'integer', at: 'string', name: 'string?', tags: 'list<string>', n: 'integer', t: 'string' },
}

const step =
  (verb: string, base?: unknown) =>
  (b: unknown, a: unknown = {}): Pair => ({
    a,
    b,
    see: (config: unknown) =>
      seen({
        files,
        spec: specOf({
          sources: {
            main: { type: 'files', config: { path: 'in.jsonl' }, schema },
            ...(JSON.stringify(config).includes('"source"')
              ? {
                  side: {
                    type: 'csv',
                    config: { path: 'other.csv' },
                    schema: { fields: { id: 'integer', label: 'string', kind: 'string' } },
                  },
                }
              : {}),
          },
          steps: [
            { from: 'main', [verb]: base === undefined ? config : { ...(base as object), ...(config as object) } },
          ],
          sinks: rowsOut,
          on_error: { data: 'drop' },
        }),
      }),
  })

const dates = (of: object) => ({ at: { formats: ['M/d/yyyy'], ...of } })
const times = (of: object) => ({
  t: { to: 'timestamp', formats: ['yyyy-MM-dd HH:mm:ss.SSSS'], zone: 'Europe/Berlin', ...of },
})
const join = step('join', {
  file: 'side.csv',
  schema: { fields: { id: 'integer', label: 'string', kind: 'string' } },
  on: 'id',
  take: 'first',
})

/** Events: one comes too late for its hour, one is on the next day in Berlin. */
const events = [
  [1, '2024-10-27T00:10:00Z', 1],
  [1, '2024-10-27T00:50:00Z', 2],
  [2, '2024-10-27T02:30:00Z', 4],
  [1, '2024-10-27T00:20:00Z', 8],
  [1, '2024-10-27T23:30:00Z', 16],
]
/** Several batches: the first ends an hour, and the last has another event of it. */
const manyEvents = [
  [1, '2024-10-27T00:10:00Z', 1],
  ...Array.from({ length: 20_000 }, () => [2, '2024-10-27T01:30:00Z', 1]),
  [1, '2024-10-27T00:20:00Z', 2],
]
const eventFiles = (all: readonly (readonly unknown[])[]) => ({
  'in.csv': ['id,at,n', ...all.map((row) => row.join(','))].join('\n'),
})
const timedSource = {
  type: 'csv',
  config: { path: 'in.csv' },
  schema: { fields: { id: 'integer', at: 'timestamp', n: 'integer' } },
  event_time: { field: 'at', max_out_of_order: '0s' },
}

interface Windowed {
  readonly window?: Readonly<Record<string, unknown>>
  readonly emit?: unknown
  readonly forget_after?: unknown
}

/** A window is written beside its verb; late records are dropped unless it says otherwise. */
const windowStep = ({ window, ...verb }: Windowed) => ({
  ...(window ? { window: { late: 'drop', ...window } } : {}),
  aggregate: { by: ['id'], outputs: { sum: 'sum(n)' }, ...verb },
})

/** The results that are left at the end, and the late records. */
const windowed = (b: Windowed, a: Windowed): Pair => ({
  a,
  b,
  see: (config: Windowed) => {
    const late = config.window?.['late'] as string | undefined
    return seen({
      files: eventFiles(events),
      spec: specOf({
        source: timedSource,
        steps: [windowStep(config)],
        sinks: {
          ...rowsOut,
          ...(late === undefined || late === 'drop'
            ? {}
            : { [late]: { type: 'files', config: { path: `out/${late}.jsonl` } } }),
        },
      }),
    })
  },
})
const window = (b: Readonly<Record<string, unknown>>, a: Readonly<Record<string, unknown>>) =>
  windowed({ window: b }, { window: a })

/** Every result that was emitted, also those that others have replaced. */
const emitted = (b: Windowed, a: Windowed): Pair => ({
  a,
  b,
  see: (config: Windowed) =>
    seen({
      files: {
        ...eventFiles(manyEvents),
        'note.ts': `import { appendFileSync } from 'node:fs'
export default (row) => {
  appendFileSync(new URL('./emitted.txt', import.meta.url), \`\${row.id} \${row.sum}\\n\`)
  return { id: row.id, sum: row.sum }
}
`,
      },
      spec: specOf({
        source: timedSource,
        steps: [
          windowStep(config),
          { call: { function: './note.ts', output: { fields: { id: 'integer', sum: 'integer' } } } },
        ],
        sinks: { out: { type: 'sqlite', config: { path: 'a.db', collection: 'c', key: 'id' } } },
      }),
    }),
})

export const steps: Readonly<Record<string, Entry>> = {
  'transform parse_dates *.formats': step('parse_dates')(dates({ formats: ['d/M/yyyy'] }), dates({})),
  'transform parse_dates *.to': step('parse_dates')(dates({ to: 'yyyy' }), dates({})),
  'transform parse_dates *.fold': step('parse_dates')(times({ fold: 'later' }), times({ fold: 'earlier' })),
  'transform parse_dates *.fraction': step('parse_dates')(times({ fraction: 'truncate' }), times({})),
  'transform parse_dates *.zone': step('parse_dates')(dates({ zone: 'Asia/Tokyo' }), dates({})),
  'transform parse_dates *': step('parse_dates')({ at: ['d/M/yyyy'] }, { at: ['M/d/yyyy'] }),
  'transform select *': step('select')([{ b: 'id' }], [{ a: 'id' }]),
  'transform set *': step('set')({ id: 'id + 1' }, { id: 'id + 2' }),
  'transform set *.value': step('set')({ x: { value: 'b' } }, { x: { value: 'a' } }),
  'transform set *.type': step('set')(
    { x: { value: '2025-01-02', type: 'timestamp' } },
    { x: { value: '2025-01-02', type: 'date' } },
  ),
  'transform route *': step('route')({ out: 'id == 1' }, { out: 'id == 2' }),
  'transform route else': step('route')({ other: 'id == 1', else: 'out' }, { out: 'id == 1', else: 'other' }),
  'transform cast *': step('cast')({ id: 'string' }, { id: 'integer' }),
  'transform cast *.to': step('cast')(
    { at: { to: 'timestamp', formats: ['M/d/yyyy'] } },
    { at: { to: 'date', formats: ['M/d/yyyy'] } },
  ),
  'transform cast *.formats': step('cast')(
    { at: { to: 'date', formats: ['M/d/yyyy'] } },
    { at: { to: 'date', formats: ['d/M/yyyy'] } },
  ),
  'transform cast *.fold': step('cast')(times({ fold: 'later' }), times({ fold: 'earlier' })),
  'transform cast *.fraction': step('cast')(times({ fraction: 'truncate' }), times({})),
  'transform cast *.zone': step('cast')(
    { at: { to: 'timestamp', formats: ['M/d/yyyy'], zone: 'Asia/Tokyo' } },
    { at: { to: 'timestamp', formats: ['M/d/yyyy'] } },
  ),
  'transform default *': step('default')({ name: 'none' }, { name: 'nobody' }),
  'transform dedupe by': step('dedupe', { last: 10 })({ by: ['id'] }, { by: ['n'] }),
  'transform dedupe last': step('dedupe', { by: ['id'] })({ last: 1 }, { last: 10 }),
  'transform dedupe nulls': step('dedupe', { by: ['name'], last: 10 })({ nulls: 'equal' }, { nulls: 'pass' }),
  'transform explode field': step('explode')({ field: 'tags' }, { field: 'n' }),
  'transform explode as': step('explode', { field: 'tags' })({ as: 'tag' }),
  'transform explode index': step('explode', { field: 'tags' })({ index: 'no' }),
  'transform nest *': step('nest')({ both: ['id', 'n'] }, { both: ['id', 'at'] }),
  'transform nest *.*': step('nest')({ both: [{ a: 'id' }] }, { both: [{ b: 'id' }] }),
  'transform join file': join({ file: 'other.csv' }),
  'transform join schema': join({ schema: { fields: { id: 'integer', label: 'string' } } }),
  'transform join source': join({ source: 'side', file: undefined, schema: undefined }),
  'transform join on': join({ on: { n: 'id' } }),
  'transform join on.*': join({ on: { n: 'id' } }, { on: { id: 'id' } }),
  'transform join type': join({ type: 'left' }),
  'transform join fields': join({ fields: ['label'] }),
  'transform join fields.*': join({ fields: [{ a: 'label' }] }, { fields: [{ b: 'label' }] }),
  'transform join take': join({ take: 'last' }),
  'transform join max_rows': join({ max_rows: 1 }),
  'transform call function': step('call', { output: { fields: { id: 'integer' } } })(
    { function: './steps.ts' },
    { function: './steps.ts#one' },
  ),
  'transform call output': step('call', { function: './steps.ts#one' })(
    { output: { fields: { id: 'string' } } },
    { output: { fields: { id: 'integer' } } },
  ),
  'transform call returns': step('call', { function: './steps.ts#two', output: { fields: { id: 'integer' } } })({
    returns: 'rows',
  }),
  'transform aggregate by': step('aggregate', { outputs: { lines: 'count()' } })({ by: ['id'] }),
  'transform aggregate outputs': step('aggregate')({ outputs: { lines: 'count()' } }, { outputs: { sum: 'sum(n)' } }),
  'transform aggregate outputs.*': step('aggregate')({ outputs: { x: 'count()' } }, { outputs: { x: 'sum(n)' } }),
  'transform aggregate max_groups': step('aggregate', { by: ['id'], outputs: { lines: 'count()' } })({ max_groups: 1 }),
  'transform aggregate window': windowed({ window: { tumbling: '1h' } }, {}),
  'transform aggregate window.tumbling': window({ tumbling: 'day' }, { tumbling: '1h' }),
  'transform aggregate window.sliding': window({ sliding: '2h', slide: '30m' }, { sliding: '1h', slide: '30m' }),
  'transform aggregate window.slide': window({ sliding: '1h', slide: '20m' }, { sliding: '1h', slide: '30m' }),
  'transform aggregate window.session': window({ session: '1h' }, { session: '20m' }),
  'transform aggregate window.zone': window({ tumbling: 'day', zone: 'Europe/Berlin' }, { tumbling: 'day' }),
  'transform aggregate window.offset': window({ tumbling: '1h', offset: '30m' }, { tumbling: '1h' }),
  'transform aggregate window.allowed_lateness': windowed(
    { window: { tumbling: '1h', allowed_lateness: '2h' }, emit: 'on_close' },
    { window: { tumbling: '1h' }, emit: 'on_close' },
  ),
  'transform aggregate window.late': window({ tumbling: '1h', late: 'too_late' }, { tumbling: '1h', late: 'drop' }),
  'transform aggregate window.shape': window({ tumbling: '1h', shape: 'nested' }, { tumbling: '1h' }),
  'transform aggregate emit': emitted(
    { window: { tumbling: '1h', allowed_lateness: '2h' }, emit: 'on_close' },
    { window: { tumbling: '1h', allowed_lateness: '2h' } },
  ),
  'transform aggregate forget_after': emitted({ emit: 'on_change', forget_after: '1ms' }, { emit: 'on_change' }),
  'transform aggregate emit.every': emitted({ emit: { every: '1ms' } }, { emit: { every: '1000w' } }),
}
