/**
 * Windows equal a brute-force model in thousands of random cases: undisturbed, and killed and resumed with the lanes
 * read in a different order. `MILLRACE_WINDOWS=20000` sets the number of cases, `MILLRACE_WINDOWS_FROM` the first; with
 * `MILLRACE_WINDOWS_EVERY=1` all cases are killed in each of their epochs, and not only the first ones.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { caseOf, random, type WindowCase } from './cases.ts'
import { judge } from './judge.ts'
import { played } from './model.ts'
import { type Found, type Kill, runCase } from './run.ts'
import { shares } from './shares.ts'

const cases = Number(process.env['MILLRACE_WINDOWS'] ?? 2000)
const first = Number(process.env['MILLRACE_WINDOWS_FROM'] ?? 1)
const isEvery = process.env['MILLRACE_WINDOWS_EVERY'] !== undefined
/** How many cases are killed in each epoch. */
const every = isEvery ? cases : Math.min(60, cases)
const timeout = 7_200_000
const points = [
  'after_transform',
  'after_write',
  'before_save',
  'mid_save',
  'after_save',
  'before_publish',
  'after_publish',
]
/** In memory where there is such a folder: a kill here is an exception, so it matters to no test what was synced. */
const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

async function runAndJudge(each: WindowCase, kill?: Kill): Promise<Found> {
  const home = mkdtempSync(join(folder, 'millrace-windows-'))
  try {
    const found = await runCase(each, home, kill)
    judge(each, found)
    return found
  } catch (error) {
    throw new Error(`case ${each.seed}${kill ? `, killed at ${kill.point}:${kill.time}` : ''}`, { cause: error })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** Runs the cases undisturbed, and then with the kills that `times` names by their epoch. */
async function runCases(from: number, to: number, times: (epochs: number, next: () => number) => number[]) {
  const found = shares()
  let [kills, missed] = [0, 0]
  for (let seed = from; seed < to; seed++) {
    const each = caseOf(seed)
    const { lives, epochs } = await runAndJudge(each)
    found.add(each, played(each, lives[0]!.said))
    const next = random(seed + 7)
    for (const time of times(epochs, next)) {
      const point = points[Math.floor(next() * points.length)]!
      if ((await runAndJudge(each, { point, time })).killed) kills++
      else missed++
    }
  }
  console.log(`windows: ${to - from} cases, ${kills} kills (${missed} met nothing); of the cases have\n${found.text()}`)
  expect(missed).toBeLessThan(kills / 10)
  return found
}

it(`windows hold what the model holds, in ${every} cases that are killed in each epoch`, { timeout }, async () => {
  await runCases(first, first + every, (epochs) => Array.from({ length: epochs }, (_, k) => k + 1))
})

it.skipIf(isEvery)(
  `windows hold what the model holds, in ${cases} cases that are killed once`,
  { timeout },
  async () => {
    const found = await runCases(first, first + cases, (epochs, next) => [1 + Math.floor(next() * epochs)])
    expect(found.tooFew()).toEqual([])
  },
)
