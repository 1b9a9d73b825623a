/** Row groups that a condition excludes are counted, not read. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

async function project(steps: string): Promise<string> {
  const folder = freshFolder()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  const rows = Array.from({ length: 1000 }, (_, n) => `${n},${n < 50 ? 'never' : '2024-02-29'},text ${n}`)
  writeFileSync(join(folder, 'in.csv'), `n,at,text\n${rows.join('\n')}\n`)
  for (const day of ['2024-03-01', '2024-03-02']) {
    writeFileSync(
      join(folder, 'make.yaml'),
      `version: 1
name: make-${day}
source: { type: csv, config: { path: in.csv }, schema: { fields: { n: integer, at: string, text: string } } }
sinks: { all: { type: files, config: { path: in/day=${day}, format: { type: parquet, row_group: 100 } } } }
`,
    )
    expect(await pipe(['run', 'make.yaml'], folder)).toMatchObject({ code: 0 })
  }
  writeFileSync(
    join(folder, 'p.yaml'),
    `version: 1
name: p
source:
  type: files
  config: { path: in/ }
  schema: { fields: { day: date, n: integer, at: string } }
steps:
${steps}
sinks: { out: { type: files, config: { path: out/, format: jsonl } } }
`,
  )
  return folder
}
const ran = async (folder: string) => {
  const { code, out, err } = await pipe(['run', 'p.yaml', '--json'], folder)
  return { code, err, summary: JSON.parse(out) as Summary }
}
interface Summary {
  readonly counters: {
    readonly sources: Record<string, { read: number; out: number; bytes: number }>
    readonly steps: Record<string, { in: number; out: number; filtered: number; failed: number }>
  }
  readonly imbalances: readonly string[]
}

it('what a condition excludes is counted at its step, and every edge balances', async () => {
  const folder = await project(`  - select: [{ number: n }, day]
  - id: wanted
    where: number >= 450 && number < 550 && day == date("2024-03-02")`)
  expect((await pipe(['plan', 'p.yaml'], folder)).out).toContain('source skips what it drops where it can')
  const { code, summary } = await ran(folder)
  expect(code).toBe(0)
  expect(summary.imbalances).toEqual([])
  const { source } = summary.counters.sources
  expect(source).toMatchObject({ read: 2000, out: 2000 })
  expect(summary.counters.steps).toMatchObject({
    select: { in: 2000, out: 2000, filtered: 0 },
    wanted: { in: 2000, out: 100, filtered: 1900 },
  })
  // Two groups of one file were read: 200 records of a few bytes.
  expect(source!.bytes).toBeGreaterThan(0)
  expect(source!.bytes).toBeLessThan(20_000)
  const whole = await project(`  - select: [{ number: n }, day]
  - id: wanted
    where: (number >= 450 || false) && (number < 550 || false) && (day == date("2024-03-02") || false)`)
  const all = await ran(whole)
  expect(all.summary.counters.steps).toEqual(summary.counters.steps)
  expect(all.summary.counters.sources['source']!.bytes).toBeGreaterThan(source!.bytes * 5)
})

it('a record that fails in a step before the condition is not skipped', async () => {
  const folder = await project(`  - parse_dates: { at: "yyyy-MM-dd" }
    on_error: { data: drop }
  - id: wanted
    where: n >= 950`)
  const { summary } = await ran(folder)
  expect(summary).toMatchObject({ imbalances: [] })
  expect(summary.counters.steps).toMatchObject({
    parse_dates: { in: 2000, failed: 100 },
    wanted: { in: 1900, out: 100 },
  })
})
