/** Dead letters that are replayed under a different spec from the one that they stopped in. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sink, Transform } from '../../src/connector/index.ts'
import { PartialWriteError } from '../../src/errors/index.ts'
import type { Plan, PlanStep } from '../../src/plan/index.ts'
import type { Row } from '../../src/record/index.ts'
import { run } from '../../src/run/index.ts'
import type { Letter } from '../../src/run/letters.ts'
import { replay } from '../../src/run/replay.ts'
import { memorySink, memorySource, type TestPipeline, testPipeline } from '../../src/testing.ts'

let home: string
let workspace: { root: string; home: string; secrets: () => undefined }
let dead: Map<string, Row>
let got: Map<string, Row>
let writes: string[]
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-'))
  workspace = { root: home, home, secrets: () => undefined }
  dead = new Map()
  got = new Map()
  writes = []
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const rows = (n: number): Row[] => Array.from({ length: n }, (_, i) => ({ n: i }))
const letters = () => [...dead.values()] as unknown as Letter[]

/** Passes the rows that the test holds for, and fails the others. */
const passing = (isGood: (row: Row) => boolean): Transform => ({
  apply({ rows }, out) {
    const kept: number[] = []
    for (const [i, row] of rows.entries())
      if (isGood(row)) kept.push(i)
      else out.fail(i, 'refused')
    return { rows: kept.map((i) => rows[i]!), origins: Int32Array.from(kept) }
  },
})
const all = () => passing(() => true)
const notTwo = () => passing((row) => row['n'] !== 2)

/** Passes only the first row with each number. */
const firsts = (): Transform => {
  const seen = new Set<unknown>()
  return {
    apply({ rows }) {
      const kept = [...rows.keys()].filter((i) => {
        const isNew = !seen.has(rows[i]!['n'])
        seen.add(rows[i]!['n'])
        return isNew
      })
      return { rows: kept.map((i) => rows[i]!), origins: Int32Array.from(kept) }
    },
    takeChanges: () => [],
    restore() {},
  }
}
const twice = (): Transform => ({
  apply: ({ rows }) => ({
    rows: rows.flatMap((row) => [0, 1].map((half) => ({ ...row, half }))),
    origins: Int32Array.from(rows.flatMap((_, i) => [i, i])),
  }),
})
/** Adds up all rows, and emits the sum at the end. */
const sum = (): Transform => {
  let total = 0
  return {
    apply({ rows }) {
      for (const row of rows) total += row['n'] as number
      return { rows: [], origins: new Int32Array(0), held: rows.length }
    },
    advance({ end }, out) {
      if (end) out.result({ n: total }, { key: ['all'] })
      return true
    },
    takeChanges: () => [['all', String(total)]],
    restore(saved) {
      total = Number(saved.get('all') ?? 0)
    },
  }
}
const sinkTo = (docs: Map<string, Row>) => () => memorySink(docs, { onWrite: (ids) => void writes.push(...ids) })
const out = (from?: readonly string[], namedFrom?: readonly string[]) => ({
  create: sinkTo(got),
  ...(from ? { from } : {}),
  ...(namedFrom ? { namedFrom } : {}),
})

const pipelineOf = (pipeline: Omit<TestPipeline, 'sources' | 'deadLetter'>, n = 4) =>
  testPipeline({
    onError: 'dead_letter',
    sources: { source: () => memorySource(rows(n)) },
    deadLetter: () => memorySink(dead),
    ...pipeline,
  })

/** Runs the first pipeline, and replays its letters in the second. */
async function replayIn(first: ReturnType<typeof pipelineOf>, second: ReturnType<typeof pipelineOf>) {
  await run(first.plan, first.registry, workspace)
  writes = []
  return replay(second.plan, second.registry, letters(), workspace)
}

describe('a letter on its way to where it stopped', () => {
  const merged = (way: () => Transform, meeting: () => Transform) =>
    pipelineOf({
      steps: {
        way: { create: way, from: ['source'] },
        meeting: { create: meeting, from: ['source', 'way'], namedFrom: ['source', 'way'] },
      },
      sinks: { out: out(['meeting']) },
    })

  it('counts as arrived where it fails on a different path', async () => {
    const first = merged(notTwo, notTwo)
    const second = merged(notTwo, all)
    const expected = { letters: 2, failedAgain: [{ step: 'way' }], imbalances: [] }
    expect(await replayIn(first, second)).toMatchObject({ ...expected, replayed: 1 })
    expect(await replay(second.plan, second.registry, letters(), workspace)).toMatchObject({ ...expected, skipped: 1 })
    expect(writes).toEqual(['test/source/memory@2#source'])
  })

  it('keeps its id, downstream of inputs that ids name, and remains one letter where it fails again', async () => {
    const first = merged(all, notTwo)
    expect(await replayIn(first, first)).toMatchObject({ replayed: 0, failedAgain: { length: 2 } })
    expect([...dead.values()].map((row) => row['id'])).toEqual([
      'test/source/memory@2#source',
      'test/source/memory@2#way',
    ])
    const second = merged(all, all)
    expect(await replay(second.plan, second.registry, letters(), workspace)).toMatchObject({ replayed: 2 })
    expect(writes).toEqual(['test/source/memory@2#source', 'test/source/memory@2#way'])
  })

  it('meets memories that start empty for each letter', async () => {
    const halves = (isGood: boolean) =>
      pipelineOf({
        steps: {
          firsts: { create: firsts, stateful: true },
          twice: { create: twice, multiplies: true },
          strict: { create: () => passing((row) => isGood || row['n'] !== 2) },
        },
        sinks: { out: out() },
      })
    expect(await replayIn(halves(false), halves(true))).toMatchObject({ replayed: 2, failedAgain: [] })
    expect(got.size).toBe(8)
  })
})

describe('a letter of a step that an edit has removed', () => {
  const original = () =>
    pipelineOf({ runs: 'continue', steps: { strict: { create: notTwo } }, sinks: { out: out(['strict']) } })
  const renamed = (create: () => Transform) =>
    pipelineOf({ runs: 'continue', steps: { other: { create } }, sinks: { out: out(['other']) } })

  it('goes to the readers of the removed step, even when the pipeline has resumed with the edit', async () => {
    const first = original()
    await run(first.plan, first.registry, workspace)
    const { plan, registry } = renamed(all)
    await run(plan, registry, workspace)
    expect(await replay(plan, registry, letters(), workspace)).toMatchObject({ replayed: 1, failedAgain: [] })
    expect(got.size).toBe(4)
    expect(await replay(plan, registry, letters(), workspace)).toMatchObject({ skipped: 1 })
  })

  it('goes to a sink under its new name', async () => {
    let isBad = true
    const strict = (): Sink => {
      const sink = sinkTo(got)()
      return {
        write(records, ctx) {
          const at = records.rows.findIndex((row) => row['n'] === 2)
          if (isBad && at >= 0) throw new PartialWriteError([{ index: at, kind: 'data', code: 'refused', message: '' }])
          return sink.write(records, ctx)
        },
      }
    }
    const first = pipelineOf({ runs: 'continue', sinks: { out: { create: strict } } })
    const second = {
      ...first,
      plan: { ...first.plan, sinks: first.plan.sinks.map((sink) => ({ ...sink, id: 'new' })) },
    }
    await run(first.plan, first.registry, workspace)
    isBad = false
    expect(await replayIn(second, second)).toMatchObject({ replayed: 1, failedAgain: [] })
    expect([...got.keys()]).toEqual(['test/source/memory@2'])
  })

  it('reaches a reader only in its place, not through what it has read before', async () => {
    const of = (id: string) =>
      pipelineOf({
        steps: { [id]: { create: notTwo, from: ['source'] } },
        sinks: { out: out([id, 'source'], [id, 'source']) },
      })
    expect(await replayIn(of('strict'), of('other'))).toMatchObject({ replayed: 0, failedAgain: { length: 1 } })
    expect(writes).toEqual([])
  })

  it('reaches its other readers where one has received it by another path', async () => {
    const sinks = (both: readonly string[], only: string) => ({ out: out(both, both), more: out([only]) })
    const first = pipelineOf({
      steps: { strict: { create: notTwo } },
      sinks: sinks(['strict', 'source'], 'strict'),
    })
    const second = pipelineOf({ sinks: { out: out(['source']), more: out(['source']) } })
    expect(await replayIn(first, second)).toMatchObject({ replayed: 1, failedAgain: [] })
    expect(writes).toEqual(['test/source/memory@2'])
  })

  it('reaches all of its readers or none', async () => {
    const sinksOf = (id: string, from: string) => ({
      one: { create: sinkTo(got), from: [id] },
      two: { create: sinkTo(got), from: [from] },
    })
    const first = pipelineOf({ steps: { strict: { create: notTwo } }, sinks: sinksOf('strict', 'strict') })
    const second = pipelineOf({
      steps: { other: { create: all, from: ['source'] }, narrow: { create: notTwo, from: ['source'] } },
      sinks: sinksOf('other', 'narrow'),
    })
    expect(await replayIn(first, second)).toMatchObject({ replayed: 0, failedAgain: { length: 1 } })
    expect(writes).toEqual([])
  })
})

describe('a letter of a result', () => {
  const resulting = (id: string, create: () => Transform) =>
    pipelineOf({
      steps: {
        sum: { create: sum, stateful: true, counts: true },
        twice: { create: twice, multiplies: true },
        [id]: { create },
      },
      sinks: { out: out() },
    })
  const failing = () => passing((row) => row['half'] !== 1)

  it('keeps its id', async () => {
    expect(await replayIn(resulting('strict', failing), resulting('strict', all))).toMatchObject({ replayed: 1 })
    expect(writes).toEqual(['test/sum/["all"]#twice.1'])
  })

  it('goes to the step that replaced the one at which it stopped', async () => {
    const marking = (): Transform => ({
      apply: ({ rows }) => ({ rows: rows.map((row) => ({ ...row, marked: true })) }),
    })
    expect(await replayIn(resulting('strict', failing), resulting('other', marking))).toMatchObject({ replayed: 1 })
    expect(got.get('test/sum/["all"]#twice.1')).toEqual({ n: 6, half: 1, marked: true })
  })
})

describe('a run that has ended', () => {
  it('refuses a letter that would reach a memory in place of a removed step', async () => {
    const withStrict = pipelineOf({
      steps: { strict: { create: notTwo }, sum: { create: sum, stateful: true, counts: true } },
      sinks: { out: out() },
    })
    const without = pipelineOf({ steps: { sum: { create: sum, stateful: true, counts: true } }, sinks: { out: out() } })
    await expect(replayIn(withStrict, without)).rejects.toMatchObject({ code: 'replay_into_ended' })
  })

  it('refuses a letter that would reach a memory through a named output of the step at which it stopped', async () => {
    const { plan, registry } = pipelineOf({
      steps: {
        strict: { create: notTwo, sideOutputs: ['low'] },
        sum: { create: sum, from: ['low'], stateful: true, counts: true },
      },
      sinks: { out: out() },
    })
    await expect(replayIn({ plan, registry }, { plan, registry })).rejects.toMatchObject({ code: 'replay_into_ended' })
  })

  it('accepts others where the rule of a memory was changed', async () => {
    const of = (create: () => Transform, stateHash: string) => {
      const { plan, registry } = pipelineOf({
        steps: {
          sum: { create: sum, from: ['source'], stateful: true, counts: true },
          strict: { create, from: ['source'] },
        },
        sinks: { sums: { create: sinkTo(new Map()), from: ['sum'] }, out: out(['strict']) },
      })
      const steps = plan.steps.map((step): PlanStep => (step.id === 'sum' ? { ...step, stateHash } : step))
      return { plan: { ...plan, steps }, registry }
    }
    expect(await replayIn(of(notTwo, 'a'), of(all, 'b'))).toMatchObject({ replayed: 1 })
    expect(got.size).toBe(4)
  })

  it('ends once more for its sinks, and balances though its edges are different', async () => {
    const ends: boolean[] = []
    const of = (steps: NonNullable<TestPipeline['steps']>) =>
      pipelineOf({
        steps,
        sinks: {
          out: {
            create: () => ({ ...memorySink(got), flush: async ({ end }) => (ends.push(end), {}) }),
            from: [Object.keys(steps).at(-1)!],
          },
        },
      })
    const first = of({ strict: { create: notTwo } })
    const second = of({ strict: { create: all }, more: { create: all } })
    expect(await replayIn(first, second)).toMatchObject({ replayed: 1, imbalances: [] })
    expect(ends.at(-1)).toBe(true)
  })
})

it.each(['drop', 'stop'] as const)('what fails downstream where %s is the rule balances', async (onError) => {
  const of = (create: () => Transform): { plan: Plan; registry: ReturnType<typeof pipelineOf>['registry'] } => {
    const { plan, registry } = pipelineOf({
      steps: { strict: { create }, behind: { create: notTwo } },
      sinks: { out: out() },
    })
    const steps = plan.steps.map((step): PlanStep => (step.id === 'behind' ? { ...step, onError } : step))
    return { plan: { ...plan, steps }, registry }
  }
  const first = of(notTwo)
  expect(await replayIn(first, of(all))).toMatchObject({ replayed: 1, failedAgain: [], imbalances: [] })
  expect(letters().map(({ step }) => step)).toEqual(onError === 'drop' ? ['strict'] : ['strict', 'behind'])
})
