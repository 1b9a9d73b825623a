/** The contract suite of sinks: one call a connector. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Flushed, Json, Row, Sink, SinkCapabilities, SinkDefinition } from '@millrace/core'
import { type Check, register, type Scope } from './check.ts'
import { loadDefinition } from './load.ts'
import { opensNothing } from './opens.ts'
import { remote } from './remote.ts'
import { canonical, sameSet } from './rows.ts'
import {
  doStep,
  makeSink,
  type Numbered,
  recordsFor,
  runScript,
  type SinkMaking,
  type SinkScript,
  type SinkStep,
} from './script.ts'

/** A place to write to. */
export interface SinkSetup extends SinkMaking {
  /** At least 12 records of the schema, no two alike. */
  readonly rows: readonly Row[]
  /** What someone who reads the destination finds now, in any order, as rows like `rows`. Absent: nobody can tell (a console). */
  visible?(): readonly Row[] | Promise<readonly Row[]>
  /** A row that passes the check but can never be stored. */
  readonly refused?: Row
  /** Two rows of one key; where the key is the record's id, any two. For keyed sinks. */
  readonly updates?: readonly [Row, Row]
  /** Results of an earlier run stop a new one unless it may replace or keep them. */
  readonly guardsExisting?: boolean
}

/** A sink to be held against the contract. */
export interface SinkSubject {
  /** The connector's module: `new URL('../src/index.ts', import.meta.url)`. A child process imports it too. */
  readonly module: string | URL
  readonly type: string
  /** Makes an empty place to write to, below `scope.root` or in the real system. */
  setup(scope: Scope): SinkSetup | Promise<SinkSetup>
}

/** Vitest tests of the whole contract for one sink. */
export const sinkContract = (subject: SinkSubject): void =>
  register(`sink ${subject.type} keeps the contract`, sinkChecks, subject, 'sink')

interface Ready {
  readonly definition: SinkDefinition
  readonly setup: SinkSetup
  readonly capabilities: SinkCapabilities
  /** All rows with their positions. */
  readonly all: Numbered
  /** A third of them each. */
  readonly parts: readonly [Numbered, Numbered, Numbered]
  /** A new sink, closed at the end of the check. */
  start(steps: SinkScript): Promise<{ sink: Sink; flushed: Flushed[] }>
  /** The same in a child that is killed by SIGKILL at the script's end; what its flushes gave. */
  killed(steps: SinkScript): Promise<Flushed[]>
  /** What a reader finds is what was written: once, or at least once where the label says so. */
  shows(expected: Numbered, what: string): Promise<void>
}

async function prepare(subject: SinkSubject, scope: Scope): Promise<Ready> {
  const { env, root } = scope
  const definition = await loadDefinition(subject.module, 'sink', subject.type)
  const setup = await subject.setup(scope)
  const capabilities = definition.capabilities(setup.options)
  const all = setup.rows.map((row, i) => [i, row] as const)
  assert.ok(all.length >= 12, 'the setup must bring 12 rows at least')
  const third = Math.ceil(all.length / 3)
  const making = { options: setup.options, schema: setup.schema }
  return {
    definition,
    setup,
    capabilities,
    all,
    parts: [all.slice(0, third), all.slice(third, 2 * third), all.slice(2 * third)],
    async start(steps) {
      const sink = makeSink(definition, making, env)
      scope.defer(() => sink.close?.())
      const flushed: Flushed[] = []
      for (const step of steps) await doStep(sink, step, env, flushed)
      return { sink, flushed }
    },
    async killed(steps) {
      const request = {
        kind: 'sink',
        module: String(subject.module),
        type: subject.type,
        root,
        id: env.id,
        making,
        script: [...steps, { do: 'die' }],
      }
      const { answers, killed } = await remote(request)
      assert.ok(killed, 'the child should have been killed')
      return carried(answers as Flushed[])
    },
    async shows(expected, what) {
      if (!setup.visible) return
      const [found, wanted] = [await setup.visible(), expected.map(([, row]) => row)]
      if (capabilities.label === 'effectively-once') return sameSet(found, wanted, what)
      const kinds = (rows: readonly Row[]) => [...new Map(rows.map((row) => [canonical(row), row])).values()]
      sameSet(kinds(found), kinds(wanted), `${what} (at least once)`)
    },
  }
}

/** The flushes as a store saves them: one without `resume` leaves the value before it. */
function carried(flushes: readonly Flushed[]): Flushed[] {
  const saved: Flushed[] = []
  for (const { resume = saved.at(-1)?.resume, stages } of flushes)
    saved.push({ ...(resume === undefined ? {} : { resume }), ...(stages ? { stages } : {}) })
  return saved
}

const check = (
  name: string,
  run: (ready: Ready, scope: Scope, subject: SinkSubject) => Promise<void>,
): Check<SinkSubject> => ({
  name,
  run: async (subject, scope) => run(await prepare(subject, scope), scope, subject),
})

const open = (
  saved?: Flushed,
  more: { existing?: 'stop' | 'replace' | 'keep'; incarnation?: number } = {},
): SinkStep => (saved?.resume === undefined ? { do: 'open', ...more } : { do: 'open', restore: saved.resume, ...more })
const flush = (epoch: number, roll: boolean): SinkStep => ({ do: 'flush', epoch, roll, end: false })
const publish: SinkStep = { do: 'publish' }
/** Writes of `size` records each. */
function writes(records: Numbered, epoch: number, size: number): SinkStep[] {
  const steps: SinkStep[] = []
  for (let at = 0; at < records.length; at += size)
    steps.push({ do: 'write', records: records.slice(at, at + size), epoch })
  return steps
}
/** The rest of a run: written, flushed as the end of the input, published, closed. */
const finish = (records: Numbered, epoch: number, size = 4): SinkStep[] => [
  ...writes(records, epoch, size),
  { do: 'flush', epoch, roll: true, end: true },
  publish,
  { do: 'close' },
]
/** What the engine does first after a restart: publishes what was saved and not recorded as published. */
const leftovers = (saved: Flushed | undefined): SinkStep[] =>
  (saved?.stages ?? []).map((stage: Json) => ({ do: 'publish', stage }) as const)

/** All that is promised of sinks. */
export const sinkChecks: readonly Check<SinkSubject>[] = [
  check('create opens nothing', async ({ definition, setup }, { root, env }) => {
    await opensNothing(root, () => makeSink(definition, setup, env))
  }),

  check('accepts the type of its records', async ({ definition, setup }) => {
    assert.deepEqual(definition.accepts?.(setup.options, setup.schema) ?? [], [])
  }),

  check('shows everything once by the end of the run', async ({ start, shows, all }) => {
    await start([open(), ...finish(all, 1, 5)])
    await shows(all, 'at the end')
  }),

  check('shows everything once over several epochs and rolls', async ({ start, shows, all, parts: [a, b, c] }) => {
    await start([
      open(),
      ...writes(a, 1, 3),
      flush(1, true),
      publish,
      ...writes(b, 2, 100),
      flush(2, true),
      publish,
      ...finish(c, 3, 1),
    ])
    await shows(all, 'at the end')
  }),

  check('shows nothing of a stage before it is published', async ({ start, setup, parts: [a] }) => {
    const { flushed } = await start([open(), ...writes(a, 1, 5), flush(1, true)])
    if (!flushed[0]!.stages?.length || !setup.visible) return
    sameSet(await setup.visible(), [], 'after the flush, before its stages are published')
  }),

  check('takes an empty write and a flush without news', async ({ start, shows, all }) => {
    await start([
      open(),
      { do: 'write', records: [], epoch: 1 },
      flush(1, true),
      publish,
      flush(2, true),
      publish,
      ...finish(all, 3),
    ])
    await shows(all, 'at the end')
  }),

  check('ends well without a record', async ({ start, shows }) => {
    await start([open(), ...finish([], 1)])
    await shows([], 'at the end of no input')
  }),

  check('takes the publishing of a stage twice, later too', async ({ start, shows, all, parts: [a, b, c] }) => {
    const first = await start([
      open(),
      ...writes(a, 1, 5),
      flush(1, true),
      publish,
      publish,
      ...writes(b, 2, 5),
      flush(2, true),
      publish,
    ])
    await first.sink.close?.()
    const [one, two] = carried(first.flushed)
    await start([open(two), ...leftovers(one), ...leftovers(two), ...finish(c, 3)])
    await shows(all, 'published twice')
  }),

  check(
    'loses and doubles nothing when it is killed between write and flush',
    async ({ start, killed, shows, all, capabilities, parts: [a, b, c] }) => {
      const roll = capabilities.checkpointsOnRoll === true
      const [saved] = await killed([open(), ...writes(a, 1, 5), flush(1, roll), publish, ...writes(b, 2, 5)])
      await start([open(saved), ...leftovers(saved), ...writes(b, 2, 3), flush(2, roll), publish, ...finish(c, 3)])
      await shows(all, 'after the restart')
    },
  ),

  check(
    'loses and doubles nothing when it is killed before the first save',
    async ({ start, killed, shows, all, parts: [a] }) => {
      await killed([open(), ...writes(a, 1, 5), flush(1, true)])
      await start([open(), ...finish(all, 1)])
      await shows(all, 'after the restart')
    },
  ),

  check(
    'loses and doubles nothing when it is killed between flush and save',
    async ({ start, killed, shows, all, capabilities, parts: [a, b, c] }) => {
      const roll = capabilities.checkpointsOnRoll === true
      const [saved] = await killed([
        open(),
        ...writes(a, 1, 5),
        flush(1, roll),
        publish,
        ...writes(b, 2, 5),
        flush(2, roll),
      ])
      await start([open(saved), ...leftovers(saved), ...writes(b, 2, 3), flush(2, roll), publish, ...finish(c, 3)])
      await shows(all, 'after the restart')
    },
  ),

  check(
    'loses and doubles nothing when it is killed between flush and save of a roll',
    async ({ start, killed, shows, all, parts: [a, b, c] }) => {
      const [saved] = await killed([
        open(),
        ...writes(a, 1, 5),
        flush(1, true),
        publish,
        ...writes(b, 2, 5),
        flush(2, true),
      ])
      await start([open(saved), ...leftovers(saved), ...writes(b, 2, 3), flush(2, true), publish, ...finish(c, 3)])
      await shows(all, 'after the restart')
    },
  ),

  check(
    'loses and doubles nothing when it is killed between save and publish',
    async ({ start, killed, shows, all, parts: [a, b, c] }) => {
      const [, saved] = await killed([
        open(),
        ...writes(a, 1, 5),
        flush(1, true),
        publish,
        ...writes(b, 2, 5),
        flush(2, true),
      ])
      await start([open(saved), ...leftovers(saved), ...finish(c, 3)])
      await shows(all, 'after the restart')
    },
  ),

  check(
    'loses and doubles nothing when it is killed after publish, before that is recorded',
    async ({ start, killed, shows, all, parts: [a, b, c] }) => {
      const [, saved] = await killed([
        open(),
        ...writes(a, 1, 5),
        flush(1, true),
        publish,
        ...writes(b, 2, 5),
        flush(2, true),
        publish,
      ])
      await start([open(saved), ...leftovers(saved), ...finish(c, 3)])
      await shows(all, 'after the restart')
    },
  ),

  check(
    'takes what an epoch that was not saved brings anew, be it more',
    async ({ start, killed, shows, all, capabilities, parts: [a, b, c] }) => {
      const roll = capabilities.checkpointsOnRoll === true
      const [saved] = await killed([
        open(),
        ...writes(a, 1, 5),
        flush(1, roll),
        publish,
        ...writes(b.slice(0, 2), 2, 5),
        flush(2, roll),
      ])
      await start([open(saved), ...leftovers(saved), ...writes(b, 2, 5), flush(2, roll), publish, ...finish(c, 3)])
      await shows(all, 'after the epoch came again with more records')
    },
  ),

  check(
    'takes what an epoch that was not saved brings anew, be it less',
    async ({ start, killed, shows, all, capabilities, parts: [a, b, c] }) => {
      const roll = capabilities.checkpointsOnRoll === true
      const [saved] = await killed([
        open(),
        ...writes(a, 1, 5),
        flush(1, roll),
        publish,
        ...writes(b, 2, 5),
        flush(2, roll),
      ])
      // A roll, so that what the first try left behind the records cannot hide behind later ones.
      const again = [
        ...writes(b.slice(0, 2), 2, 5),
        flush(2, true),
        publish,
        ...writes(b.slice(2), 3, 5),
        flush(3, roll),
        publish,
      ]
      await start([open(saved), ...leftovers(saved), ...again, ...finish(c, 4)])
      await shows(all, 'after the epoch came again with fewer records')
    },
  ),

  check(
    'goes on after several kills in a row',
    async ({ start, killed, shows, all, capabilities, parts: [a, b, c] }) => {
      const roll = capabilities.checkpointsOnRoll === true
      const [first] = await killed([
        open(),
        ...writes(a, 1, 5),
        flush(1, roll),
        publish,
        ...writes(b, 2, 5),
        flush(2, true),
      ])
      await killed([open(first), ...leftovers(first), ...writes(b.slice(0, 1), 2, 5)])
      const [third] = await killed([open(first), ...leftovers(first), ...writes(b, 2, 2), flush(2, true)])
      await start([open(third), ...leftovers(third), ...finish(c, 3)])
      await shows(all, 'after three kills')
    },
  ),

  check('leaves one of what is written twice', async ({ start, shows, all, capabilities }) => {
    if (!capabilities.keyed) return
    await start([open(), ...writes(all, 1, 5), ...finish(all, 1, 3)])
    await shows(all, 'written twice')
  }),

  check('lets the later write of a key win', async ({ start, setup, capabilities }) => {
    if (!capabilities.keyed || !setup.visible) return
    assert.ok(setup.updates, 'the sink is keyed: its setup must bring two rows of one key as `updates`')
    const [before, after] = setup.updates
    await start([open(), { do: 'write', records: [[0, before]], epoch: 1 }, ...finish([[0, after]], 1)])
    sameSet(await setup.visible(), [after], 'after two writes of one key')
    await start([
      open(),
      ...finish(
        [
          [0, after],
          [0, before],
        ],
        2,
        2,
      ),
    ])
    sameSet(await setup.visible(), [before], 'after one write that holds a key twice')
  }),

  check(
    'names the records that it cannot take, and takes the others',
    async ({ setup, start, parts: [a], shows, definition }, { env }) => {
      const { refused } = setup
      if (!refused) return
      const { sink, flushed } = await start([open()])
      const mixed: Numbered = [...a.slice(0, 2), [100, refused], ...a.slice(2)]
      let thrown: unknown
      try {
        await sink.write(recordsFor(mixed, env), { signal: new AbortController().signal, epoch: 1 })
      } catch (error) {
        thrown = error
      }
      assert.equal(
        (thrown as Error)?.name,
        'PartialWriteError',
        `${definition.type} should have thrown a PartialWriteError for a row that it cannot hold`,
      )
      const { failures } = thrown as {
        failures: readonly { index: number; kind: string; code: string; message: string }[]
      }
      assert.deepEqual(
        failures.map(({ index, kind }) => ({ index, kind })),
        [{ index: 2, kind: 'data' }],
      )
      assert.ok(failures[0]!.code && failures[0]!.message, 'a failure needs a code and a message')
      for (const step of finish([], 1)) await doStep(sink, step, env, flushed)
      await shows(a, 'beside the refused row')
    },
  ),

  check('leaves the rows it is given as they are', async ({ start, all, setup }) => {
    const before = canonical(setup.rows)
    // The rows of every write are frozen: a sink that changes one throws.
    await start([open(), ...finish(all, 1, 100)])
    assert.equal(canonical(setup.rows), before)
  }),

  check('ends within a second of the abort', async ({ start, all }, { env }) => {
    const { sink } = await start([open(), ...writes(all, 1, 5)])
    const signal = AbortSignal.abort()
    const work = (async () => {
      await sink.write(recordsFor(all.slice(0, 2), env), { signal, epoch: 1 })
      await sink.flush?.({ signal, epoch: 1, roll: true, end: false })
    })().catch(() => {})
    assert.notEqual(
      await Promise.race([work, sleep(1000, 'late', { ref: false })]),
      'late',
      'still working a second after the abort',
    )
  }),

  check('can be closed at any time, and twice', async ({ definition, setup, parts: [a] }, { env }) => {
    const never = makeSink(definition, setup, env)
    await never.close?.()
    const { sink } = await runScript(definition, setup, env, [open(), ...writes(a, 1, 5)])
    await sink.close?.()
    await sink.close?.()
  }),

  check(
    'stops at results of an earlier run, unless it may replace or keep them',
    async ({ setup, start, parts: [a, b, c], shows }) => {
      if (!setup.guardsExisting) return
      await start([open(), ...finish(a, 1)])
      await assert.rejects(
        start([open(undefined, { incarnation: 2, existing: 'stop' })]),
        (error) => (error as Error).name === 'MillraceError',
      )
      await shows(a, 'after a refused start')
      await start([open(undefined, { incarnation: 2, existing: 'keep' }), ...finish(b, 1)])
      await shows([...a, ...b], 'with the earlier results kept')
      await start([open(undefined, { incarnation: 3, existing: 'replace' }), ...finish(c, 1)])
      await shows(c, 'with the earlier results replaced')
    },
  ),

  check('writes the same without generated code', async ({ all, shows, setup }, { root, env }, { module, type }) => {
    const making = { options: setup.options, schema: setup.schema }
    const request = {
      kind: 'sink',
      module: String(module),
      type,
      root,
      id: env.id,
      making,
      script: [open(), ...finish(all, 1)],
    }
    await remote(request, { MILLRACE_CODEGEN: 'off' })
    await shows(all, 'written by interpreted code')
  }),
]
