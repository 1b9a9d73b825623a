import { describe, expect, it } from 'vitest'
import { resolveConfig, secretNames } from '../../src/spec/secrets.ts'
import { checkFiles, checkSpec, spec } from './project.ts'

describe('a plan', () => {
  it('is plain JSON: defaults filled in, durations in ms, sizes in bytes', async () => {
    const { plan, findings } = await checkSpec(
      spec('sinks: { out: { type: sqlite, config: { collection: x, wait: 1h30m } } }'),
    )
    expect(findings).toEqual([])
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
    expect(plan.sinks[0]!.config).toEqual({ collection: 'x', wait: 5_400_000, buffer: 4_194_304, retries: 3 })
    expect(plan.sinks[0]).toMatchObject({ id: 'out', type: 'sqlite', package: 'made-sink', from: ['source'] })
  })

  it('names every step by its verb unless its author named it', async () => {
    const { plan } = await checkSpec(
      spec('steps: [{ pick: [a, b] }, { pick: [a] }, { id: pick-3, pick: [a] }, { pick: [a] }]'),
    )
    expect(plan.steps.map((step) => [step.id, step.from])).toEqual([
      ['pick', ['source']],
      ['pick-2', ['pick']],
      ['pick-3', ['pick-2']],
      ['pick-4', ['pick-3']],
    ])
  })

  it('lists steps after everything they read, whatever their order in the spec', async () => {
    const { plan } = await checkSpec(
      spec(
        'steps: [{ id: late, from: early, pick: [a] }, { id: early, from: source, pick: [a, b] }]\nsinks: { out: { from: late, type: console } }',
      ),
    )
    expect(plan.steps.map((step) => step.id)).toEqual(['early', 'late'])
  })

  it('lets a sink with the same name as an output read it', async () => {
    const { plan } = await checkSpec(
      spec(
        'steps: [{ split: { left: l, right: r } }]\nsinks: { l: { type: console }, other: { from: [l, r], type: console }, r: { type: console } }',
      ),
    )
    expect(plan.sinks.map((sink) => [sink.id, sink.from])).toEqual([
      ['l', ['l']],
      ['other', ['l', 'r']],
      ['r', ['r']],
    ])
  })

  it('reads a side input whole: a source of the spec or one that the step declares', async () => {
    const sources =
      'sources:\n  main: { type: lines, config: { path: a.csv }, schema: { fields: { a: string } } }\n  other: { type: lines, config: { path: b.csv }, schema: { fields: { b: string } } }'
    const { plan } = await checkSpec(
      spec(`${sources}\nsteps: [{ look_up: { source: other } }, { id: second, look_up: { file: c.csv } }]`),
    )
    expect(plan.sources.map((source) => [source.id, source.side ?? false])).toEqual([
      ['main', false],
      ['other', true],
      ['second.side', true],
    ])
    expect(plan.steps.map((step) => step.sideInputs)).toEqual([{ side: 'other' }, { side: 'second.side' }])
    expect(plan.sources[2]!.config).toEqual({ path: 'c.csv', delimiter: ',' })
  })

  it('runs from beginning to end where every input ends, otherwise continuously', async () => {
    const endless = 'type: log, config: { stream: s }'
    expect((await checkSpec(spec(''))).plan.runs).toBe('whole')
    expect((await checkSpec(spec('runs: continue'))).plan.runs).toBe('continue')
    expect((await checkSpec(spec('', endless))).plan.runs).toBe('continue')
  })
})

describe('a step that emits results at the end', () => {
  it('needs a run from beginning to end, or a window', async () => {
    expect((await checkSpec(spec('steps: [{ count: {} }]'))).found).toEqual([])
    expect((await checkSpec(spec('runs: continue\nsteps: [{ count: {} }]'))).found).toEqual(['needs_end 5:11'])
    expect((await checkSpec(spec('runs: continue\nsteps: [{ count: {}, window: 1h }]'))).found).toEqual([])
  })
})

describe('delivery', () => {
  it('is that of the weakest link, which is named', async () => {
    expect((await checkSpec(spec(''))).plan.delivery).toEqual({
      label: 'at-least-once',
      weakest: 'sink `out`: prints again after a crash',
    })
    const { plan } = await checkSpec(
      spec('delivery: effectively_once\nsinks: { out: { type: sqlite, config: { collection: x } } }'),
    )
    expect(plan.delivery).toMatchObject({ label: 'effectively-once', required: 'effectively-once' })
  })

  it('is at-most-once where the input cannot be read twice, and the check warns', async () => {
    const { plan, found } = await checkSpec(spec('', 'type: lines, config: { path: "-" }'))
    expect(plan.delivery.label).toBe('at-most-once')
    expect(found).toEqual(['source_not_replayable 3:1'])
  })
})

describe('pushdown', () => {
  const steps = 'steps: [{ id: one, pick: [a, b] }, { id: two, pick: [b] }]'

  it('moves consecutive steps into the source', async () => {
    const { plan } = await checkSpec(spec(steps))
    expect(plan.sources[0]).toMatchObject({
      pushed: ['one', 'two'],
      push: { columns: [{ name: 'b', from: 'b' }] },
      output: { fields: { b: {} } },
    })
    expect(Object.keys(plan.sources[0]!.schema.fields)).toEqual(['a', 'b', 'c'])
    expect(plan.steps.map((step) => step.pushedInto)).toEqual(['source', 'source'])
  })

  it('stops where an output has a second reader', async () => {
    const { plan } = await checkSpec(
      spec(`${steps}\nsinks: { out: { type: console }, also: { from: one, type: console } }`),
    )
    expect(plan.sources[0]!.pushed).toEqual(['one'])
  })

  it('is left out where additional fields are kept, or there is nothing to push', async () => {
    expect(
      (await checkSpec(spec(steps, 'unknown_fields: keep, type: lines, config: { path: in.csv }'))).plan.sources[0]!
        .pushed,
    ).toEqual([])
    expect((await checkSpec(spec(steps), { push: false })).plan.sources[0]!.push).toBeUndefined()
  })

  it('changes no hash', async () => {
    const pushed = (await checkSpec(spec(steps))).plan
    const plain = (await checkSpec(spec(steps), { push: false })).plan
    expect([plain.specHash, ...plain.steps.map((step) => step.stateHash)]).toEqual([
      pushed.specHash,
      ...pushed.steps.map((step) => step.stateHash),
    ])
  })
})

describe('hashes', () => {
  it('of state change with the config and the input, not with descriptions', async () => {
    const hashOf = async (text: string, source?: string) =>
      (await checkSpec(spec(text, source))).plan.steps.at(-1)!.stateHash
    const base = await hashOf('steps: [{ id: x, look_up: { file: c.csv } }]')
    expect(
      await hashOf('description: other words\nsteps: [{ description: of it, id: x, look_up: { file: c.csv } }]'),
    ).toBe(base)
    expect(await hashOf('steps: [{ id: x, look_up: { file: d.csv } }]')).not.toBe(base)
    expect(await hashOf('steps: [{ pick: [a] }, { id: x, look_up: { file: c.csv } }]')).not.toBe(base)
  })
})

describe('secrets', () => {
  const text = spec(
    'sinks: { out: { type: sqlite, config: { collection: x, url: "db://u:${secret:pass-word}@${env:HOST}" } } }',
  )
  const env = { MILLRACE_SECRET_PASS_WORD: 'hunter2', HOST: 'h' }

  it('appear nowhere in a plan, only their names', async () => {
    const { plan, findings } = await checkSpec(text, { env })
    expect(findings).toEqual([])
    expect(JSON.stringify(plan)).not.toContain('hunter2')
    expect(secretNames(plan)).toEqual(['pass-word'])
    expect(plan.sinks[0]!.config).toMatchObject({ url: { $secrets: ['db://u:', { $secret: 'pass-word' }, '@h'] } })
  })

  it('become values that print as stars when a connector is created', async () => {
    const { plan } = await checkSpec(text, { env })
    const { url } = resolveConfig(plan.sinks[0]!.config, () => 'hunter2') as { url: { reveal(): string } }
    expect(url.reveal()).toBe('db://u:hunter2@h')
    expect(`${url} ${JSON.stringify({ url })}`).toBe('*** {"url":"***"}')
  })
})

describe('connections', () => {
  const files = {
    'millrace.yaml': 'connections: { events: stream, store: documents }',
    'profiles/cloud.yaml': `connections:
  events: { type: log, config: { region: "\${env:REGION:-far}" }, names: { orders: prod-orders } }
  store: { type: sqlite, config: { collection: all } }
  unused: { type: log, config: { region: "\${env:NOT_SET}" } }
vars: { what: orders }`,
    'pipeline.yaml': spec(
      'vars: { what: { type: string, default: nothing } }\nsinks: { out: { connection: store, config: {} } }',
      'connection: events, config: { stream: "${var:what}" }',
    ),
  }

  it('are bound by the profile: its config is merged in, names are mapped, its vars count', async () => {
    const { plan, findings } = await checkFiles(files, { profile: 'cloud' })
    expect(findings).toEqual([])
    expect(plan.sources[0]).toMatchObject({
      type: 'log',
      connection: 'events',
      config: { stream: 'prod-orders', region: 'far' },
    })
    expect(plan.sinks[0]!.config).toMatchObject({ collection: 'all' })
  })

  it('are bound to embedded equivalents by the profile local, without a file', async () => {
    const { plan } = await checkFiles({
      ...files,
      'pipeline.yaml': files['pipeline.yaml'].replace('config: {} ', 'config: { collection: c } '),
    })
    expect(plan.sources[0]).toMatchObject({ type: 'log', config: { stream: 'nothing', region: 'here' } })
    expect(plan.sinks[0]).toMatchObject({ type: 'sqlite', connection: 'store' })
  })

  it('can be bound in a spec alone', async () => {
    const { plan } = await checkSpec(
      spec(
        'connections: { store: { type: sqlite, config: { collection: x } } }\nsinks: { out: { connection: store } }',
      ),
    )
    expect(plan.sinks[0]).toMatchObject({ type: 'sqlite', config: { collection: 'x' } })
  })

  it('can be bound for all specs in millrace.yaml: a spec or a profile may bind them otherwise', async () => {
    const bound = (collection: string) =>
      `connections: { store: { type: sqlite, config: { collection: ${collection} } } }\n`
    const files = {
      'millrace.yaml': bound('ours'),
      'profiles/other.yaml': bound('theirs'),
      'pipeline.yaml': spec('sinks: { out: { connection: store } }'),
    }
    const own = { ...files, 'pipeline.yaml': spec(`${bound('own')}sinks: { out: { connection: store } }`) }
    const collectionOf = async (...given: Parameters<typeof checkFiles>) =>
      (await checkFiles(...given)).plan.sinks[0]!.config
    expect(await collectionOf(files)).toMatchObject({ collection: 'ours' })
    expect(await collectionOf(own)).toMatchObject({ collection: 'own' })
    expect(await collectionOf(own, { profile: 'other' })).toMatchObject({ collection: 'theirs' })
    const wrong = await checkFiles({ ...files, 'millrace.yaml': bound('ours').replace('sqlite', 'sqlit') })
    expect(wrong.findings.map(({ file, code }) => [file, code])).toEqual([['millrace.yaml', 'connector_missing']])
  })

  it('with a mistake have one finding, however many sinks use them', async () => {
    const { findings } = await checkSpec(
      spec(
        'connections: { store: { type: sqlite, config: { writes: upsert } } }\nsinks:\n' +
          ['a', 'b'].map((id) => `  ${id}: { connection: store, config: { collection: ${id} } }\n`).join(''),
      ),
    )
    expect(findings.map(({ code, path }) => [code, path])).toEqual([['unknown_key', 'sinks.a.config.writes']])
  })
})
