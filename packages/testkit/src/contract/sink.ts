/**
 * The contract suite of sinks: one call per connector.
 *
 * One file: the contract of a sink is read as a list, from the first demand to the last.
 */
import assert from 'node:assert/strict'
import type { Row } from '@millrace/core'
import { type Check, register } from './check.ts'
import { opensNothing } from './opens.ts'
import { remote } from './remote.ts'
import { canonical, sameSet } from './rows.ts'
import { makeSink, runScript } from './script.ts'
import { failureChecks } from './sink-failures.ts'
import { carried, check, finish, flush, leftovers, open, publish, type SinkSubject, writes } from './sink-ready.ts'
import { stopChecks } from './sink-stops.ts'
import { wireWriting } from './wire.ts'

export type { Faulty, SinkSetup, SinkSubject } from './sink-ready.ts'

/** Vitest tests of the whole contract for one sink. */
export const sinkContract = (subject: SinkSubject): void =>
  register(`sink ${subject.type} keeps the contract`, sinkChecks, subject, 'sink')

/** The whole contract of sinks. */
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

  check('accepts an empty write and a flush with nothing new', async ({ start, shows, all }) => {
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

  check('ends cleanly without any records', async ({ start, shows }) => {
    await start([open(), ...finish([], 1)])
    await shows([], 'at the end of an empty input')
  }),

  check('can publish a stage twice, also after a restart', async ({ start, shows, all, parts: [a, b, c] }) => {
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
    'loses and duplicates nothing when killed between write and flush',
    async ({ start, killed, shows, all, capabilities, parts: [a, b, c] }) => {
      const roll = capabilities.checkpointsOnRoll === true
      const [saved] = await killed([open(), ...writes(a, 1, 5), flush(1, roll), publish, ...writes(b, 2, 5)])
      await start([open(saved), ...leftovers(saved), ...writes(b, 2, 3), flush(2, roll), publish, ...finish(c, 3)])
      await shows(all, 'after the restart')
    },
  ),

  check(
    'loses and duplicates nothing when killed before the first save',
    async ({ start, killed, shows, all, parts: [a] }) => {
      await killed([open(), ...writes(a, 1, 5), flush(1, true)])
      await start([open(), ...finish(all, 1)])
      await shows(all, 'after the restart')
    },
  ),

  check(
    'loses and duplicates nothing when killed between flush and save',
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
    'loses and duplicates nothing when killed between flush and save of a roll',
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
    'loses and duplicates nothing when killed between save and publish',
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
    'loses and duplicates nothing when killed after publish, before that is recorded',
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
    'accepts an unsaved epoch that is repeated with more records',
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
      await shows(all, 'after the epoch was repeated with more records')
    },
  ),

  check(
    'accepts an unsaved epoch that is repeated with fewer records',
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
      // A roll, so that leftovers of the first attempt after the records cannot hide behind later ones.
      const again = [
        ...writes(b.slice(0, 2), 2, 5),
        flush(2, true),
        publish,
        ...writes(b.slice(2), 3, 5),
        flush(3, roll),
        publish,
      ]
      await start([open(saved), ...leftovers(saved), ...again, ...finish(c, 4)])
      await shows(all, 'after the epoch was repeated with fewer records')
    },
  ),

  check(
    'continues after several kills in a row',
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

  check('keeps one copy of a record that is written twice', async ({ start, shows, all, capabilities }) => {
    if (!capabilities.keyed) return
    await start([open(), ...writes(all, 1, 5), ...finish(all, 1, 3)])
    await shows(all, 'written twice')
  }),

  check('declares what identifies a record', async ({ capabilities: { key, keyed, label }, setup }) => {
    if (keyed) assert.ok(key, 'a keyed sink must declare what its key is: `capabilities.key`')
    if (typeof key !== 'object') return
    assert.equal(label, 'effectively-once', 'a record that is repeated under a key of fields replaces itself')
    for (const name of key) assert.ok(setup.schema.fields[name], `the key ${name} is not a field of the setup's schema`)
  }),

  check('lets the later write of a key win', async ({ start, setup, capabilities }) => {
    if (!capabilities.keyed || !setup.visible) return
    assert.ok(setup.updates, 'the sink is keyed: its setup must provide two rows with the same key as `updates`')
    const [before, after] = setup.updates
    // If fields are the key, records with different ids are the same.
    const other = capabilities.key === 'record_id' ? 0 : 1
    const both = (first: Row, second: Row) => [[0, first] as const, [other, second] as const]
    await start([open(), { do: 'write', records: [[0, before]], epoch: 1 }, ...finish([[other, after]], 1)])
    sameSet(await setup.visible(), [after], 'after two writes of one key')
    await start([open(), ...finish(both(after, before), 2, 2)])
    sameSet(await setup.visible(), [before], 'after one write that has a key twice')
  }),

  ...failureChecks,

  check('does not change the rows it is given', async ({ start, all, setup }) => {
    const before = canonical(setup.rows)
    // The rows of every write are frozen: a sink that changes one throws.
    await start([open(), ...finish(all, 1, 100)])
    assert.equal(canonical(setup.rows), before)
  }),

  check(
    'deletes what has the key of a record without a value, if it is told to',
    async ({ definition, setup, all }, { env }) => {
      const options = { ...(setup.options as object), on_null: 'delete' }
      const { key, onNull } = definition.capabilities(options)
      const isWrong = definition.check?.(options, env).some(({ at }) => at[0] === 'on_null')
      if (onNull === undefined || typeof key !== 'object' || isWrong || !setup.visible) return
      const gone = all
        .slice(0, 5)
        .map(([n, row]) => [n, Object.fromEntries(key.map((name) => [name, row[name]]))] as const)
      const remove = { do: 'write', records: gone, epoch: 2, tombstones: true } as const
      await runScript(definition, { ...setup, options }, env, [
        open(),
        ...writes(all, 1, 100),
        remove,
        // Again, as after a crash.
        remove,
        ...finish([], 2),
      ])
      sameSet(
        await setup.visible(),
        all.slice(5).map(([, row]) => row),
        'after five were deleted',
      )
    },
  ),

  ...stopChecks,

  ...wireWriting,

  check('can be closed at any time, and twice', async ({ definition, setup, parts: [a] }, { env }) => {
    const never = makeSink(definition, setup, env)
    await never.close?.()
    const { sink } = await runScript(definition, setup, env, [open(), ...writes(a, 1, 5)])
    await sink.close?.()
    await sink.close?.()
  }),

  check(
    'stops if it finds results of an earlier run, unless it may replace or keep them',
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
