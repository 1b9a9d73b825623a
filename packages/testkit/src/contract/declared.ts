/**
 * Compares what a step's definition declares with what the step does: the plan and the guarantee of a pipeline rely on
 * it.
 */
import assert from 'node:assert/strict'
import { endOfRun, type Row } from '@millrace/core'
import { contextOf, drive, type Outcome, type Part } from './apply.ts'
import type { Check } from './check.ts'
import { type Entries, entriesOf, mergedEntries, saveChanges, savedMemory } from './memory.ts'
import { joined, sameInAnyOrder } from './outcome.ts'
import { canonical } from './rows.ts'
import { stepCheck as check, type TransformSubject } from './transform-check.ts'

/** Rows with their indexes, one part for each split. */
function dealt(rows: readonly Row[], splitOf: (row: Row, i: number) => string, from = 0, to = rows.length): Part[] {
  const parts = new Map<string, { rows: Row[]; at: number[]; split: string }>()
  for (let i = from; i < to; i++) {
    const split = splitOf(rows[i]!, i)
    let part = parts.get(split)
    if (!part) parts.set(split, (part = { rows: [], at: [], split }))
    part.rows.push(rows[i]!)
    part.at.push(i)
  }
  return [...parts.values()]
}

/** Every output record, with the row it came from. */
const passed = ({ out, sideOutputs }: Outcome): string[] =>
  [...out, ...Object.values(sideOutputs).flat()].map(({ row, from }) => canonical({ row, from }))

export const declaredChecks: readonly Check<TransformSubject>[] = [
  check('leaves unchanged what it declares to be unchanged', async ({ definition, setup, whole }, { env }) => {
    const { unchanged = {}, output, sideOutputs } = definition.infer(setup.options, contextOf(setup, env))
    for (const [to, from] of Object.entries(unchanged)) {
      assert.ok(
        Object.hasOwn(setup.input.fields, from),
        `${to} is declared to be ${from}, which the input does not have`,
      )
      for (const type of [...(output ? [output] : []), ...Object.values(sideOutputs ?? {})])
        assert.ok(Object.hasOwn(type.fields, to), `the output has no field ${to}`)
      for (const { row, from: place } of [...whole.out, ...Object.values(whole.sideOutputs).flat()])
        assert.equal(canonical(row[to]), canonical(setup.rows[place]![from]), `${to} is declared to be ${from}`)
    }
  }),

  check('gives no two records of one output the same id', async ({ whole }) => {
    for (const [name, rows] of [['output', whole.out] as const, ...Object.entries(whole.sideOutputs)])
      assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length, `${name}: two records have the same id`)
  }),

  check('sends each record to one of its named outputs, if it routes', async ({ definition, whole }) => {
    if (!definition.routes) return
    assert.equal(whole.out.length, 0, 'a step that routes has no plain output')
    const places = Object.values(whole.sideOutputs).flatMap((rows) => rows.map(({ from }) => from))
    assert.equal(new Set(places).size, places.length, 'a record went to two outputs')
  }),

  check('reports how many changes the next takeChanges returns', async ({ definition, setup }, { env }) => {
    const { transform, apply, advance } = await drive(definition, setup, env)
    if (!transform.changeCount) return
    for (const [at, row] of setup.rows.entries()) {
      apply({ rows: [row], at })
      if (at % 3 < 2) continue
      const told = transform.changeCount()
      assert.equal(transform.takeChanges!().length, told, `after row ${at}`)
      assert.equal(transform.changeCount(), 0, 'directly after takeChanges')
    }
    advance(endOfRun)
    const told = transform.changeCount()
    assert.equal(transform.takeChanges!().length, told, 'at the end')
  }),

  check('names what its memory depends on', async ({ definition, setup }, { env }) => {
    if (!definition.memory) return
    const { options, input } = setup
    const of = (fields: object) => {
      const ctx = { ...contextOf(setup, env), input: { ...input, fields: { ...input.fields, ...fields } } }
      return definition.memory!(options, ctx)
    }
    const memory = of({})
    assert.deepEqual(JSON.parse(JSON.stringify(memory)), memory, 'it must be JSON')
    const unread = { type: { kind: 'json' }, optional: true } as const
    assert.deepEqual(of({ 'a field that is new': unread }), memory, 'a field that it cannot know changes it')
    for (const name of definition.keyedBy?.(options) ?? []) {
      const kind = input.fields[name]!.type.kind === 'string' ? 'integer' : 'string'
      const other = () => of({ [name]: { ...input.fields[name]!, type: { kind } } })
      assert.notDeepEqual(other(), memory, `a different type of ${name} does not change it`)
    }
  }),

  check('keeps the memory of splits separate, and moves it with them', async ({ definition, setup }, { env }) => {
    const fields = definition.keyedBy?.(setup.options)
    if (!fields) return
    const making = { ...setup, partitionedBy: fields }
    const start = () => drive(definition, making, env)
    const { rows } = setup
    // Records with the same key are in one split.
    const keyOf = (row: Row) => canonical(fields.map((name) => (row[name] === 0 ? 0 : row[name])))
    const keys = [...new Set(rows.map(keyOf))]
    const splits = ['0', '1']
    const splitOf = (row: Row) => splits[keys.indexOf(keyOf(row)) % 2]!
    const parts = (from: number, to: number, split?: string) =>
      dealt(rows, splitOf, from, to).filter((part) => split === undefined || part.split === split)
    const ended = async (split: string) => {
      const one = await start()
      one.apply(...parts(0, rows.length, split))
      one.advance(endOfRun)
      return one.outcome
    }
    const expected = joined(...(await Promise.all(splits.map(ended))))
    const step = Math.max(1, Math.floor(rows.length / 10))
    for (let at = 0; at <= rows.length; at += step) {
      /** Instances that have read up to `at`, with what they saved. */
      const until = async (split?: string) => {
        const driven = await start()
        const entries: Entries = new Map()
        for (const [from, to] of [
          [0, at >> 1],
          [at >> 1, at],
        ] as const) {
          driven.apply(...parts(from, to, split))
          saveChanges(driven.transform, entries)
        }
        for (const [key, [, own]] of entries)
          assert.ok(own !== undefined && splits.includes(own), `entry ${key} names the split ${own}`)
        return { outcome: driven.outcome, entries }
      }
      const goOn = async (entries: Entries, split?: string) => {
        const driven = await start()
        driven.transform.restore?.(savedMemory(entries))
        driven.apply(...parts(at, rows.length, split))
        driven.advance(endOfRun)
        return driven.outcome
      }
      const one = await until()
      const two = await Promise.all(splits.map((split) => goOn(entriesOf(one.entries, split), split)))
      sameInAnyOrder(joined(one.outcome, ...two), expected, `one instance that became two after row ${at}`)
      const before = await Promise.all(splits.map((split) => until(split)))
      const after = await goOn(mergedEntries(before.map(({ entries }) => entries)))
      const all = joined(...before.map(({ outcome }) => outcome), after)
      sameInAnyOrder(all, expected, `two instances that became one after row ${at}`)
    }
  }),

  check('depends on the order of lanes only if it declares that', async ({ definition, setup }, { env }) => {
    const { ordered } = definition
    if (typeof ordered === 'function' ? ordered(setup.options, setup.times ?? {}) : ordered) return
    const { rows } = setup
    const parts = dealt(rows, (_, i) => String(i % 3))
    const run = async (handedOver: readonly (readonly Part[])[]) => {
      const driven = await drive(definition, setup, env)
      for (const each of handedOver) driven.apply(...each)
      driven.advance(endOfRun)
      return driven.outcome
    }
    const expected = await run(parts.map((part) => [part]))
    sameInAnyOrder(await run(parts.toReversed().map((part) => [part])), expected, 'the last split first')
    const oneByOne = rows.map((row, i): Part => ({ rows: [row], at: i, split: String(i % 3) }))
    sameInAnyOrder(await run([oneByOne]), expected, 'splits in turn')
  }),

  check('removes repeats or declares that it counts them', async ({ definition, setup, whole }, { env }) => {
    const driven = await drive(definition, setup, env)
    for (const [at, row] of setup.rows.entries()) driven.apply({ rows: [row, row], at: [at, at] })
    driven.advance(endOfRun)
    const { outcome } = driven
    if (definition.removesRepeats?.(setup.options) !== undefined) {
      sameInAnyOrder(outcome, whole, 'with every record twice')
      return
    }
    const once = new Set(passed(whole))
    const isSame =
      passed(outcome).every((each) => once.has(each)) &&
      canonical(outcome.results.map(canonical).sort()) === canonical(whole.results.map(canonical).sort())
    if (!isSame) assert.equal(definition.counts, true, 'a repeated record changes the outcome')
  }),
]
