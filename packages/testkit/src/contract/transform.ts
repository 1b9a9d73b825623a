/** The contract suite of steps: one call a step, with the configs and inputs to try. */
import assert from 'node:assert/strict'
import { endOfRun, type Row, type TransformDefinition } from '@millrace/core'
import { type Check, register, type Scope } from './check.ts'
import { drive, type Outcome, runTransform, savedMemory, type TransformMaking } from './apply.ts'
import { misfit } from './fits.ts'
import { loadDefinition } from './load.ts'
import { opensNothing } from './opens.ts'
import { remote } from './remote.ts'
import { canonical, sameRows, sameSet } from './rows.ts'

/** One config with an input and, where it is worth saying, what must come out. */
export interface TransformSetup extends TransformMaking {
  readonly rows: readonly Row[]
  /** The plain output, in order. */
  readonly expected?: readonly Row[]
  readonly expectedSides?: Readonly<Record<string, readonly Row[]>>
  /** Results that have no origin, at the end of the input, in any order. */
  readonly expectedResults?: readonly Row[]
  /** Codes of the rows that fail, in order. */
  readonly expectedFailures?: readonly string[]
}

/** A step to be held against the contract. */
export interface TransformSubject {
  /** The module of the step: `new URL('../src/index.ts', import.meta.url)`. A child process imports it too. */
  readonly module: string | URL
  readonly type: string
  setup(scope: Scope): TransformSetup | Promise<TransformSetup>
}

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

interface Ready {
  readonly definition: TransformDefinition
  readonly setup: TransformSetup
  readonly whole: Outcome
}

const check = (
  name: string,
  run: (ready: Ready, scope: Scope, subject: TransformSubject) => Promise<void>,
): Check<TransformSubject> => ({
  name,
  async run(subject, scope) {
    const definition = await loadDefinition(subject.module, 'transform', subject.type)
    const setup = await subject.setup(scope)
    assert.ok(setup.rows.length > 0, 'the setup must bring rows')
    await run(
      { definition, setup, whole: await runTransform(definition, setup, scope.env, [setup.rows]) },
      scope,
      subject,
    )
  },
})

/** The input in batches of `size`. */
function cutUp(rows: readonly Row[], size: number): Row[][] {
  const batches: Row[][] = []
  for (let at = 0; at < rows.length; at += size) batches.push(rows.slice(at, at + size))
  return batches
}

/** The same rows from the same input rows everywhere; results, which have no order of their own, as a set. */
function sameOutcome(actual: Outcome, expected: Outcome, what: string): void {
  sameRows(actual.out, expected.out, `${what}: output`)
  assert.deepEqual(Object.keys(actual.sides).sort(), Object.keys(expected.sides).sort(), `${what}: named outputs`)
  for (const [name, rows] of Object.entries(expected.sides))
    sameRows(actual.sides[name]!, rows, `${what}: output ${name}`)
  sameRows(actual.failed, expected.failed, `${what}: failed rows`)
  sameSet(actual.results, expected.results, `${what}: results`)
}

/** All that is promised of steps. */
export const transformChecks: readonly Check<TransformSubject>[] = [
  check('create opens nothing', async ({ definition, setup }, { root, env }) => {
    const sides = Object.fromEntries(Object.entries(setup.sides ?? {}).map(([name, side]) => [name, side.type]))
    await opensNothing(root, () => definition.create(setup.options, { ...env, input: setup.input, sides }))
  }),

  check('gives what is expected', async ({ setup, whole }) => {
    if (setup.expected)
      sameRows(
        whole.out.map(({ row }) => row),
        setup.expected,
        'output',
      )
    for (const [name, rows] of Object.entries(setup.expectedSides ?? {}))
      sameRows(
        (whole.sides[name] ?? []).map(({ row }) => row),
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
    const sides = Object.fromEntries(Object.entries(setup.sides ?? {}).map(([name, side]) => [name, side.type]))
    const inferred = definition.infer(setup.options, { ...env, input: setup.input, sides })
    assert.deepEqual(inferred.problems, [], 'the setup should be a right one')
    const plain = [...whole.out, ...whole.results].map(({ row }) => row)
    if (!inferred.output) assert.equal(plain.length, 0, 'it infers no plain output, but gives rows')
    for (const row of plain) assert.equal(misfit(inferred.output!, row), undefined, `an output row: ${canonical(row)}`)
    for (const [name, rows] of Object.entries(whole.sides)) {
      const type = inferred.sides?.[name]
      assert.ok(type, `output ${name} is not among those it infers`)
      for (const { row } of rows)
        assert.equal(misfit(type, row), undefined, `a row of output ${name}: ${canonical(row)}`)
    }
  }),

  check('leaves its input as it is', async ({ whole }) => {
    assert.deepEqual(whole.changed, [], 'input rows that the step changed')
  }),

  check('says of each row once where it went', async ({ whole }) => {
    assert.deepEqual(whole.wrong, [])
  }),

  check('gives rows of one shape', async ({ whole }) => {
    for (const rows of [whole.out, ...Object.values(whole.sides)]) {
      const shapes = new Set(rows.map(({ row }) => Object.keys(row).join()))
      assert.ok(shapes.size <= 1, `one output has rows of several shapes: ${[...shapes].join(' | ')}`)
    }
  }),

  check('gives the same whatever the size of batches', async ({ definition, setup, whole }, { env }) => {
    for (const size of [1, 2, 3, 7, 100])
      sameOutcome(await runTransform(definition, setup, env, cutUp(setup.rows, size)), whole, `in batches of ${size}`)
  }),

  check('takes an empty batch', async ({ definition, setup, whole }, { env }) => {
    sameOutcome(await runTransform(definition, setup, env, [[], setup.rows, []]), whole, 'between empty batches')
  }),

  check('is the same after a restart at every point', async ({ definition, setup, whole }, { env }) => {
    const step = Math.max(1, Math.floor(setup.rows.length / 40))
    for (let at = 0; at <= setup.rows.length; at += step) {
      const before = await drive(definition, setup, env)
      const saved = new Map<string, string>()
      const save = () => {
        for (const [key, value] of before.transform.cut?.() ?? [])
          value === null ? saved.delete(key) : saved.set(key, value)
      }
      // Two cuts, so that the second holds changes of entries that the first saved.
      before.apply(setup.rows.slice(0, at >> 1), 0)
      save()
      before.apply(setup.rows.slice(at >> 1, at), at >> 1)
      save()
      const after = await drive(definition, setup, env)
      after.transform.restore?.(savedMemory(saved))
      after.apply(setup.rows.slice(at), at)
      after.advance(endOfRun)
      sameOutcome(joined(before.outcome, after.outcome), whole, `restarted after row ${at}`)
    }
  }),

  check('is not disturbed by a cut', async ({ definition, setup, whole }, { env }) => {
    const driven = await drive(definition, setup, env)
    for (const [at, row] of setup.rows.entries()) {
      driven.apply([row], at)
      driven.transform.cut?.()
    }
    driven.advance(endOfRun)
    sameOutcome(driven.outcome, whole, 'with a cut after every row')
  }),

  check('hands out each change once', async ({ definition, setup }, { env }) => {
    const driven = await drive(definition, setup, env)
    if (!driven.transform.cut) return
    driven.apply(setup.rows, 0)
    const first = driven.transform.cut()
    assert.deepEqual(driven.transform.cut(), [], 'a second cut with nothing in between')
    assert.equal(new Set(first.map(([key]) => key)).size, first.length, 'a cut names a key twice')
    const restored = await drive(definition, setup, env)
    const kept = first.flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]))
    restored.transform.restore?.(savedMemory(new Map(kept)))
    assert.deepEqual(restored.transform.cut!(), [], 'what was restored is no change')
  }),

  check('declares its memory', async ({ definition, setup }, { env }) => {
    const { transform } = await drive(definition, setup, env)
    assert.equal(Boolean(transform.cut), Boolean(transform.restore), 'cut and restore belong together')
    if (transform.cut)
      assert.equal(definition.stateful, true, 'a step with cut and restore must be declared `stateful`')
  }),

  check('gives the same without generated code', async ({ setup, whole }, { root, env }, { module, type }) => {
    const { options, input, sides } = setup
    const making = { options, input, ...(sides ? { sides } : {}) }
    const request = { kind: 'transform', module: String(module), type, root, id: env.id, making, batches: [setup.rows] }
    const [twin] = (await remote(request, { MILLRACE_CODEGEN: 'off' })).answers as [Outcome]
    sameOutcome(twin, whole, 'interpreted')
  }),
]

function joined(a: Outcome, b: Outcome): Outcome {
  const sides: Outcome['sides'] = {}
  for (const name of new Set([...Object.keys(a.sides), ...Object.keys(b.sides)]))
    sides[name] = [...(a.sides[name] ?? []), ...(b.sides[name] ?? [])]
  return {
    out: [...a.out, ...b.out],
    sides,
    failed: [...a.failed, ...b.failed],
    results: [...a.results, ...b.results],
    wrong: [...a.wrong, ...b.wrong],
    changed: [...a.changed, ...b.changed],
  }
}
