/** The contract suite of steps: one call per step, with the configs and inputs to try. */
import assert from 'node:assert/strict'
import { endOfRun, type Row } from '@millrace/core'
import { contextOf, drive, type Outcome, runTransform } from './apply.ts'
import { type Check, register } from './check.ts'
import { misfit } from './fits.ts'
import { type Entries, saveChanges, savedMemory } from './memory.ts'
import { opensNothing } from './opens.ts'
import { joined, sameOutcome } from './outcome.ts'
import { declaredChecks } from './declared.ts'
import { remote } from './remote.ts'
import { canonical, sameRows, sameSet } from './rows.ts'
import { stepCheck as check, type TransformSubject } from './transform-check.ts'

export type { TransformSetup, TransformSubject } from './transform-check.ts'

/** Vitest tests of the whole contract for one step; `cases` names the configs to try. */
export function transformContract(
  module: string | URL,
  type: string,
  cases: Readonly<Record<string, TransformSubject['setup']>>,
): void {
  for (const [name, setup] of Object.entries(cases)) {
    register(`step ${type} keeps the contract: ${name}`, transformChecks, { module, type, setup }, 'step')
  }
}

/** The input in batches of `size`. */
function cutUp(rows: readonly Row[], size: number): Row[][] {
  const batches: Row[][] = []
  for (let at = 0; at < rows.length; at += size) batches.push(rows.slice(at, at + size))
  return batches
}

/** The whole contract of steps. */
export const transformChecks: readonly Check<TransformSubject>[] = [
  check('create opens nothing', async ({ definition, setup }, { root, env }) => {
    await opensNothing(root, () => definition.create(setup.options, contextOf(setup, env)))
  }),

  check('gives the expected output', async ({ setup, whole }) => {
    if (setup.expected)
      sameRows(
        whole.out.map(({ row }) => row),
        setup.expected,
        'output',
      )
    for (const [name, rows] of Object.entries(setup.expectedSides ?? {}))
      sameRows(
        (whole.sideOutputs[name] ?? []).map(({ row }) => row),
        rows,
        `output ${name}`,
      )
    if (setup.expectedResults)
      sameSet(
        whole.results.map(({ row }) => row),
        setup.expectedResults,
        'results',
      )
    if (setup.expectedFailures)
      assert.deepEqual(
        whole.failed.map(({ code }) => code),
        setup.expectedFailures,
      )
  }),

  check('gives rows of the type that it infers', async ({ definition, setup, whole }, { env }) => {
    const inferred = definition.infer(setup.options, contextOf(setup, env))
    assert.deepEqual(inferred.problems, [], 'the setup must be valid')
    const plain = [...whole.out, ...whole.results].map(({ row }) => row)
    if (!inferred.output) assert.equal(plain.length, 0, 'it infers no plain output, but gives rows')
    for (const row of plain) assert.equal(misfit(inferred.output!, row), undefined, `an output row: ${canonical(row)}`)
    for (const [name, rows] of Object.entries(whole.sideOutputs)) {
      const type = inferred.sideOutputs?.[name]
      assert.ok(type, `output ${name} is not among those it infers`)
      for (const { row } of rows)
        assert.equal(misfit(type, row), undefined, `a row of output ${name}: ${canonical(row)}`)
    }
  }),

  check('does not change its input', async ({ whole }) => {
    assert.deepEqual(whole.changed, [], 'input rows that the step changed')
  }),

  check('accounts for each row exactly once', async ({ whole }) => {
    assert.deepEqual(whole.wrong, [])
  }),

  check('gives rows of one shape', async ({ whole }) => {
    for (const rows of [whole.out, ...Object.values(whole.sideOutputs)]) {
      const shapes = new Set(rows.map(({ row }) => Object.keys(row).join()))
      assert.ok(shapes.size <= 1, `one output has rows of several shapes: ${[...shapes].join(' | ')}`)
    }
  }),

  check('gives the same output whatever the batch size', async ({ definition, setup, whole }, { env }) => {
    for (const size of [1, 2, 3, 7, 100])
      sameOutcome(await runTransform(definition, setup, env, cutUp(setup.rows, size)), whole, `in batches of ${size}`)
  }),

  check('accepts an empty batch', async ({ definition, setup, whole }, { env }) => {
    sameOutcome(await runTransform(definition, setup, env, [[], setup.rows, []]), whole, 'between empty batches')
  }),

  check('gives the same output after a restart at any point', async ({ definition, setup, whole }, { env }) => {
    const step = Math.max(1, Math.floor(setup.rows.length / 40))
    for (let at = 0; at <= setup.rows.length; at += step) {
      const before = await drive(definition, setup, env)
      const entries: Entries = new Map()
      // Two calls, so that the second has changes of entries that the first saved.
      before.apply({ rows: setup.rows.slice(0, at >> 1), at: 0 })
      saveChanges(before.transform, entries)
      before.apply({ rows: setup.rows.slice(at >> 1, at), at: at >> 1 })
      saveChanges(before.transform, entries)
      const after = await drive(definition, setup, env)
      after.transform.restore?.(savedMemory(entries))
      after.apply({ rows: setup.rows.slice(at), at })
      after.advance(endOfRun)
      sameOutcome(joined(before.outcome, after.outcome), whole, `restarted after row ${at}`)
    }
  }),

  check('is not affected when its changes are taken', async ({ definition, setup, whole }, { env }) => {
    const driven = await drive(definition, setup, env)
    for (const [at, row] of setup.rows.entries()) {
      driven.apply({ rows: [row], at })
      driven.transform.takeChanges?.()
    }
    driven.advance(endOfRun)
    sameOutcome(driven.outcome, whole, 'with its changes taken after every row')
  }),

  check('returns each change once', async ({ definition, setup }, { env }) => {
    const driven = await drive(definition, setup, env)
    if (!driven.transform.takeChanges) return
    driven.apply({ rows: setup.rows, at: 0 })
    const first = driven.transform.takeChanges()
    assert.deepEqual(driven.transform.takeChanges(), [], 'a second takeChanges with nothing in between')
    assert.equal(new Set(first.map(([key]) => key)).size, first.length, 'takeChanges returns a key twice')
    const restored = await drive(definition, setup, env)
    const kept = first.flatMap(([key, value, split]) => (value === null ? [] : [[key, [value, split]] as const]))
    restored.transform.restore?.(savedMemory(new Map(kept)))
    assert.deepEqual(restored.transform.takeChanges!(), [], 'what was restored is not a change')
  }),

  check('declares its memory', async ({ definition, setup }, { env }) => {
    const { transform } = await drive(definition, setup, env)
    assert.equal(Boolean(transform.takeChanges), Boolean(transform.restore), 'takeChanges and restore belong together')
    if (transform.takeChanges)
      assert.equal(definition.stateful, true, 'a step with takeChanges and restore must be declared `stateful`')
  }),

  check('gives the same output without generated code', async ({ setup, whole }, { root, env }, { module, type }) => {
    const { options, input, sideInputs } = setup
    const making = { options, input, sideInputs }
    const request = { kind: 'transform', module: String(module), type, root, id: env.id, making, batches: [setup.rows] }
    const [twin] = (await remote(request, { MILLRACE_CODEGEN: 'off' })).answers as [Outcome]
    sameOutcome(twin, whole, 'interpreted')
  }),

  ...declaredChecks,
]
