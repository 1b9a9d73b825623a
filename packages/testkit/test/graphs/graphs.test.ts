import { availableParallelism } from 'node:os'
import { crashPoints, rescaleCrashPoints } from '@millrace/core'
import { expect, it } from 'vitest'
import { killCases, runCases } from './many.ts'
import { reportOf } from './report.ts'

const workers = 4 * availableParallelism()
const minutes = 60_000

/** Crash points that no graph passes; other tests do. */
const elsewhere: readonly string[] = []

it('2,000 random graphs produce what the model predicts, each with a crash', { timeout: 15 * minutes }, async () => {
  const report = reportOf(await runCases({ seed: 1, from: 0, to: 2000, workers }), 1)
  expect(report.faultTexts).toEqual([])
  const { shares, hit, kills } = report
  for (const feature of [
    'diamonds',
    'results merged with records',
    'failures in one branch',
    'several splits',
    'sink: id',
    'sink: key',
    'sink: table',
    'sink: jsonl',
    'windows: tumbling',
    'windows: sliding',
    'windows: session',
    'windows: updates',
    'windows: several lanes',
    'windows: behind a step',
    'windows: late records in an output',
    'windows: emitted by a run that goes on',
    'windows: records without a time',
  ])
    expect(shares[feature], feature).toBeGreaterThan(0.1)
  expect(shares['windows']).toBeGreaterThan(0.25)
  expect(hit).toBeGreaterThan(0.9)
  for (const point of crashPoints.filter((name) => !elsewhere.includes(name)))
    expect(kills[point], point).toBeGreaterThanOrEqual(50)
})

it('the same for 100 and more kills of the real command, in runs, replays and rescales', {
  timeout: 10 * minutes,
}, async () => {
  const reports = await killCases({ seed: 1, from: 10_000, to: 10_100, workers })
  expect(reportOf(reports, 1).faultTexts).toEqual([])
  const killed = reports.flatMap((each) => each.killed)
  expect(killed.length).toBeGreaterThanOrEqual(100)
  for (const point of rescaleCrashPoints) expect(killed).toContain(point)
  expect(killed.filter((point) => point.startsWith('replay: ')).length).toBeGreaterThan(5)
})

it('an edit during a run is kept or refused, as the rules and the plan say', { timeout: 10 * minutes }, async () => {
  const report = reportOf(await runCases({ seed: 1, from: 0, to: 650, workers, edits: true }), 1)
  expect(report.faultTexts).toEqual([])
  expect(report.kept).toBeGreaterThan(0.5)
})

it('a dead letter that is replayed under an edited spec is delivered once, as the model says', {
  timeout: 10 * minutes,
}, async () => {
  const report = reportOf(await runCases({ seed: 1, from: 0, to: 150, workers, replays: true }), 1)
  expect(report.faultTexts).toEqual([])
  expect(report.kept).toBeGreaterThan(0.5)
  const { shares } = report
  expect(shares['killed and repeated']).toBeGreaterThan(0.3)
  expect(shares['letters that pass']).toBeGreaterThan(0.3)
  expect(shares['letters that fail again']).toBeGreaterThan(0.3)
  expect(shares['replayed after the end']).toBeGreaterThan(0.3)
  expect(shares['replayed between two rounds of input']).toBeGreaterThan(0.25)
})
