/**
 * Windows equal a brute-force model in thousands of random cases, each killed once and resumed with its lanes read in a
 * different order. `MILLRACE_WINDOWS=20000` sets the number of cases, `MILLRACE_WINDOWS_FROM` the first; with
 * `MILLRACE_WINDOWS_EVERY=1` each case is killed at every epoch.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { caseOf, random, type WindowCase } from './cases.ts'
import { type Expected, model } from './model.ts'
import { type Found, type Kill, runCase } from './run.ts'

const cases = Number(process.env['MILLRACE_WINDOWS'] ?? 2000)
const first = Number(process.env['MILLRACE_WINDOWS_FROM'] ?? 1)
const points = [
  'after_transform',
  'after_write',
  'before_save',
  'mid_save',
  'after_save',
  'before_publish',
  'after_publish',
]

function judge(each: WindowCase, { documents, published, late }: Found, expected: Expected): void {
  const byKey = (rows: Iterable<Record<string, unknown>>) =>
    new Map([...rows].map((row) => [`${String(row['g'])} ${String(row['window_start'])}`, row]))
  const about = JSON.stringify({ ...each, lanes: undefined })
  const sorted = (map: ReadonlyMap<string, unknown>) =>
    Object.fromEntries([...map].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  expect(sorted(byKey(documents.values())), about).toEqual(sorted(expected.results))
  // In the order of emission, the last result of a key is the final one.
  expect(sorted(byKey(published)), about).toEqual(sorted(expected.results))
  expect(late.map(({ id }) => String(id)).sort(), about).toEqual(expected.late)
  const allowed = each.window.allowed_lateness ?? 0
  if (each.emit === 'on_close' || each.window.session !== undefined || (allowed === 0 && each.emit !== 'on_change'))
    expect(published.length, `${about}: each result once`).toBe(expected.results.size)
}

it(`windows hold what the model holds, in ${cases} cases`, { timeout: 3_600_000 }, async () => {
  const seen = { late: 0, merged: 0, zone: 0, lanes: 0, sliding: 0, killed: 0 }
  for (let seed = first; seed < first + cases; seed++) {
    const each = caseOf(seed)
    const expected = model(each)
    const next = random(seed + 7)
    const kills: Kill[][] = process.env['MILLRACE_WINDOWS_EVERY']
      ? Array.from({ length: 12 }, (_, k) => [{ point: points[k % points.length]!, time: k + 1 }])
      : [[{ point: points[Math.floor(next() * points.length)]!, time: 1 + Math.floor(next() * 4) }]]
    for (const kill of kills) {
      const home = mkdtempSync(join(tmpdir(), 'millrace-windows-'))
      try {
        const found = await runCase(each, home, kill)
        seen.killed += found.killed
        judge(each, found, expected)
      } finally {
        rmSync(home, { recursive: true, force: true })
      }
    }
    if (expected.late.length > 0) seen.late++
    if (each.window.session !== undefined) seen.merged++
    if (each.window.zone !== undefined) seen.zone++
    if (Object.keys(each.lanes).length > 1) seen.lanes++
    if (each.window.sliding !== undefined) seen.sliding++
  }
  console.log(`windows: ${cases} cases`, seen)
  for (const [what, n] of Object.entries(seen)) expect(n, what).toBeGreaterThanOrEqual(cases / 10)
})
