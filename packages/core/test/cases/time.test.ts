/** Virtual time of cases: a wait costs next to nothing, and what depends on time happens at its time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bindCase, type CaseResult, readTestFile, runCase } from '../../src/cases/index.ts'
import { virtualClock } from '../../src/cases/clock.ts'
import type { RecordType } from '../../src/schema/index.ts'
import { type TestPipeline, testPipeline } from '../../src/testing.ts'
import { tickingCount, tumblingCount } from '../time/steps.ts'

describe('the virtual clock', () => {
  it('waits a day in a thousand steps, fires single timers exactly and others often', async () => {
    const clock = virtualClock(0)
    const fired: [string, number][] = []
    clock.after(12_345_678, () => fired.push(['after', clock.now()]))
    void clock.sleep(20_000, new AbortController().signal).then(() => fired.push(['sleep', clock.now()]))
    let ticks = 0
    let last = 0
    let longest = 0
    clock.every(50, () => {
      ticks++
      longest = Math.max(longest, (clock.now() - last) / Math.max(5000, clock.now()))
      last = clock.now()
    })
    const day = 24 * 60 * 60 * 1000
    await clock.moveTo(day)
    expect(clock.now()).toBe(day)
    expect(last).toBe(day)
    expect(fired).toEqual([
      ['sleep', 20_000],
      ['after', 12_345_678],
    ])
    expect(ticks).toBeLessThan(1500)
    expect(longest).toBeLessThanOrEqual(0.011)
  })

  it('wakes sleepers that are aborted, and stops moving when it is told to', async () => {
    const clock = virtualClock(0)
    const stop = new AbortController()
    const slept = clock.sleep(1000, stop.signal)
    expect(clock.nextWakeMs()).toBe(1000)
    stop.abort()
    await slept
    expect(clock.nextWakeMs()).toBeUndefined()
    await clock.moveTo(1000, () => clock.now() >= 0)
    expect(clock.now()).toBe(0)
  })
})

const records: RecordType = {
  fields: {
    id: { type: { kind: 'string' }, optional: false },
    time: { type: { kind: 'timestamp' }, optional: false },
  },
}

const never = () => {
  throw new Error('a case must not create it')
}

/** Runs the only case of a test file against a pipeline whose records are `{ id, time }`. */
async function result(
  pipeline: Pick<TestPipeline, 'steps' | 'runs' | 'sinks'>,
  bounded: boolean,
  text: string,
): Promise<CaseResult> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cases-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'spec.test.yaml'), `tests:\n  - name: one\n    crash: every\n${text}`)
  const made = testPipeline({
    ...pipeline,
    sources: {
      events: {
        create: never,
        capabilities: { bounded, lanes: 'split' },
        eventTime: { field: 'time', zone: 'UTC', maxOutOfOrderMs: 0, idleAfterMs: 10_000 },
      },
    },
  })
  const plan = { ...made.plan, sources: made.plan.sources.map((source) => ({ ...source, schema: records })) }
  const test = await readTestFile(join(folder, 'spec.test.yaml'))
  const { findings, bound } = bindCase(test, test.cases[0]!, plan, made.registry)
  expect([...test.findings, ...findings]).toEqual([])
  return runCase(bound!)
}

const windows: Pick<TestPipeline, 'steps' | 'runs' | 'sinks'> = {
  runs: 'continue',
  steps: {
    hourly: {
      create: () => tumblingCount({ size: 3_600_000, allowed: 0, maxOutOfOrder: 0 }),
      sideOutputs: ['late'],
      stateful: true,
      counts: true,
      ordered: true,
    },
  },
  sinks: {
    counts: { create: never, from: ['hourly'] },
    late: { create: never, from: ['late'], capabilities: { key: undefined } as never },
  },
}

const day = '2026-01-01T'
const hour = (h: number) => Date.UTC(2026, 0, 1, h)

describe('a case with event time', () => {
  it('closes a window when the records of all splits have passed it, and has late ones come out by name', async () => {
    const { ok, differences, kills } = await result(
      windows,
      false,
      `    given:
      events:
        - { split: a, record: { id: x, time: ${day}00:10:00Z } }
        - { split: b, record: { id: y, time: ${day}00:20:00Z } }
        - { split: a, record: { id: z, time: ${day}01:10:00Z } }
        - { split: b, record: { id: w, time: ${day}01:00:00Z } }
        - { split: a, record: { id: v, time: ${day}00:50:00Z } }
    expect:
      counts: [{ start: ${hour(0)}, ids: "x,y" }]
      late: [{ id: v, time: ${hour(0) + 50 * 60_000} }]
`,
    )
    expect(differences).toEqual([])
    expect(ok).toBe(true)
    expect(kills).toBeGreaterThan(20)
  })

  it('has a split that delivers nothing become idle after the time that its source says', async () => {
    const given = (wait: string, more = '') => `    given:
      events:
        - { split: a, record: { id: x, time: ${day}00:10:00Z } }
        - { split: b, record: { id: y, time: ${day}00:20:00Z } }
        - { wait: ${wait}${more} }
        - { split: a, record: { id: z, time: ${day}01:10:00Z } }
`
    const none = '    expect: { counts: [] }\n'
    const one = `    expect: { counts: [{ start: ${hour(0)}, ids: "x,y" }] }\n`
    expect(await result(windows, false, given('9s') + none)).toMatchObject({ ok: true })
    expect(await result(windows, false, given('11s') + one)).toMatchObject({ ok: true })
    // Without having caught up it is not idle, however long it takes.
    expect(await result(windows, false, given('1h', ', caught_up: false') + none)).toMatchObject({ ok: true })
  })

  it('closes all windows at the end of a bounded run', async () => {
    const text = `    given: { events: [{ id: x, time: ${day}00:10:00Z }, { id: y, time: ${day}05:10:00Z }] }
    expect: { counts: [{ start: ${hour(0)}, ids: x }, { start: ${hour(5)}, ids: y }] }
`
    expect(await result({ ...windows, runs: 'whole' }, true, text)).toMatchObject({ ok: true, differences: [] })
  })

  it('runs timers of steps in virtual time', async () => {
    const ticking: Pick<TestPipeline, 'steps' | 'runs' | 'sinks'> = {
      runs: 'continue',
      steps: { count: { create: () => tickingCount(60_000), stateful: true, ordered: true } },
      sinks: { out: { create: never, from: ['count'], capabilities: { key: undefined } as never } },
    }
    const text = `    clock: 1970-01-01T00:00:00Z
    given:
      events:
        - { id: x, time: ${day}00:00:00Z }
        - wait: 24h
        - { id: y, time: ${day}00:00:00Z }
        - { at: 1970-01-02T00:01:00Z, record: { id: z, time: ${day}00:00:00Z } }
    expect:
      out:
        - { id: x, time: ${hour(0)} }
        - { n: 1 }
        - { id: y, time: ${hour(0)} }
        - { n: 2 }
        - { id: z, time: ${hour(0)} }
`
    const { ok, differences, crashes } = await result(ticking, false, text)
    expect(differences).toEqual([])
    expect(crashes).toEqual([])
    expect(ok).toBe(true)
  })
})
