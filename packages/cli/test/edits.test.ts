/** Edits of a spec over the state of an earlier one: what `pipe plan` announces is what `pipe run` does. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { startOnce } from '@millrace/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const main = resolve(import.meta.dirname, '../src/main.ts')
const program = (cwd: string, ...words: string[]) => ({
  command: process.execPath,
  args: ['--conditions=@millrace/source', '--no-warnings', main, ...words],
  cwd,
  env: { NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled') },
})

const whole = `version: 1
name: job
source: { type: csv, config: { path: data.csv }, schema: { fields: { g: string, n: integer } } }
steps:
  - id: some
    where: "n >= 0"
  - id: groups
    aggregate: { by: [g], outputs: { total: "sum(n)" }, max_groups: 1000 }
sinks:
  totals: { type: files, config: { path: totals.jsonl } }
`
const continuing = `version: 1
name: job
runs: continue
source: { type: files, config: { path: in/ }, schema: { fields: { g: string, n: integer } } }
steps:
  - id: some
    where: "n >= 0"
  - id: once
    dedupe: { by: g, last: 1000 }
sinks:
  rows: { type: sqlite, config: { path: store.db, collection: rows } }
  lines: { type: sqlite, config: { path: store.db, table: lines } }
`
const rows = Array.from({ length: 30_000 }, (_, n) => ({ g: `g${n % 50}`, n }))

interface Shown {
  readonly state: readonly { readonly edits: readonly { readonly effect: string; readonly what: string }[] }[]
}
const planned = async (folder: string): Promise<Shown['state'][number]['edits']> => {
  const { out, err, code } = await pipe(['plan', 'job.yaml', '--json'], folder)
  expect(code, err).toBe(0)
  return (JSON.parse(out) as Shown).state.flatMap(({ edits }) => edits)
}

/** A run that was killed after its third save. */
async function interrupted(): Promise<string> {
  const folder = freshFolder()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'data.csv'), `g,n\n${rows.map(({ g, n }) => `${g},${n}\n`).join('')}`)
  writeFileSync(join(folder, 'job.yaml'), whole)
  const { killed } = await startOnce(program(folder, 'run', 'job.yaml'), { point: 'after_save', time: 2 })
  expect(killed).toBe(true)
  return folder
}

it.each([
  [
    'a table',
    '{ type: sqlite, config: { path: store.db, table: t } }',
    (folder: string) => {
      const db = new DatabaseSync(join(folder, 'store.db'), { readOnly: true })
      onTestFinished(() => db.close())
      return db
        .prepare('SELECT n FROM t')
        .all()
        .map(({ n }) => n)
    },
  ],
  [
    'files',
    '{ type: files, config: { path: out/, format: jsonl } }',
    (folder: string) =>
      readdirSync(join(folder, 'out'), { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .flatMap(({ name }) =>
          readFileSync(join(folder, 'out', name), 'utf8')
            .trim()
            .split('\n'),
        )
        .map((line) => (JSON.parse(line) as { n: number }).n),
  ],
] as const)(
  'results awaiting publication are published once, into %s of a sink with a different id',
  async (_what, sink, numbersIn) => {
    const folder = freshFolder()
    const spec = (id: string) =>
      `version: 1\nname: job\nsource: { type: csv, config: { path: data.csv }, schema: { fields: { n: integer } } }\nsinks: { ${id}: ${sink} }\n`
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    writeFileSync(join(folder, 'data.csv'), `n\n${rows.map(({ n }) => n).join('\n')}\n`)
    writeFileSync(join(folder, 'job.yaml'), spec('one'))
    expect(await startOnce(program(folder, 'run', 'job.yaml'), { point: 'before_publish', time: 1 })).toMatchObject({
      killed: true,
    })
    writeFileSync(join(folder, 'job.yaml'), spec('other'))
    expect((await planned(folder)).map(({ effect }) => effect)).toEqual(['kept'])
    const { code, err } = await pipe(['run', 'job.yaml'], folder)
    expect(code, err).toBe(0)
    expect(numbersIn(folder)).toEqual(rows.map(({ n }) => n))
  },
)

describe('a run from beginning to end that was interrupted', () => {
  it.each([
    ['a raised cap', 'max_groups: 1000', 'max_groups: 5000', []],
    ['a description', 'name: job', 'name: job\ndescription: what it is for', []],
    ['a comment', 'steps:', '# in order\nsteps:', []],
    ['another id of a sink', 'totals: {', 'sums: {', ['kept']],
    ['another id of a step without memory', 'id: some', 'id: any', ['kept']],
  ] as const)('resumes with %s', async (_what, from, to, effects) => {
    const folder = await interrupted()
    writeFileSync(join(folder, 'job.yaml'), whole.replace(from, to))
    expect((await planned(folder)).map(({ effect }) => effect)).toEqual(effects)
    expect(await pipe(['run', 'job.yaml'], folder)).toMatchObject({ code: 0 })
    const totals = readFileSync(join(folder, 'totals.jsonl'), 'utf8').trim().split('\n')
    const sum = totals.reduce((all, line) => all + (JSON.parse(line) as { total: number }).total, 0)
    expect([totals.length, sum]).toEqual([50, (29_999 * 30_000) / 2])
  })

  it.each([
    ['another filter', '"n >= 0"', '"n > 5"'],
    ['another aggregate', '"sum(n)"', '"max(n)"'],
    ['another id of a step with memory', 'id: groups', 'id: sums'],
    ['another input', 'path: data.csv', 'path: other.csv'],
    ['another output', 'path: totals.jsonl', 'path: sums.jsonl'],
    ['another sink', 'sinks:', 'sinks:\n  more: { from: some, type: files, config: { path: more.jsonl } }'],
  ] as const)('is refused with %s, before anything is read', async (_what, from, to) => {
    const folder = await interrupted()
    writeFileSync(join(folder, 'job.yaml'), whole.replace(from, to))
    expect((await planned(folder)).map(({ effect }) => effect)).toContain('refused')
    const { code, err } = await pipe(['run', 'job.yaml'], folder)
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/error state_changed[\s\S]*nothing was read[\s\S]*pipe state reset job/),
    ])
    // Unchanged, it resumes.
    writeFileSync(join(folder, 'job.yaml'), whole)
    expect(await pipe(['run', 'job.yaml'], folder)).toMatchObject({ code: 0 })
  })
})

describe('a continuing run', () => {
  const put = (folder: string, name: string, from: number, to: number) =>
    writeFileSync(
      join(folder, 'in', name),
      rows
        .slice(from, to)
        .map((row) => `${JSON.stringify(row)}\n`)
        .join(''),
    )
  /** Has read one file; there is another. */
  async function halfDone(): Promise<string> {
    const folder = freshFolder()
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    mkdirSync(join(folder, 'in'))
    writeFileSync(join(folder, 'job.yaml'), continuing)
    put(folder, 'a.jsonl', 0, 30)
    const first = await pipe(['run', 'job.yaml', '--until', 'caught_up'], folder)
    expect(first, first.err).toMatchObject({ code: 0 })
    put(folder, 'b.jsonl', 20, 50)
    return folder
  }
  it.each([
    ['another filter', '"n >= 0"', '"n >= 0 && n != 35"', ['from_here', 'kept'], 49],
    ['another id of a step without memory', 'id: some', 'id: any', ['from_here', 'from_here', 'from_here'], 50],
    ['a longer memory', 'last: 1000', 'last: 2000', ['from_here'], 50],
    [
      'a new sink',
      'sinks:',
      'sinks:\n  more: { from: some, type: sqlite, config: { path: store.db, collection: more } }',
      ['from_here'],
      50,
    ],
    ['another collection', 'collection: rows', 'collection: others', ['from_here'], 50],
    ['another id of a sink', '  rows: {', '  documents: {', ['kept'], 50],
  ] as const)('resumes from its positions with %s, and balances', async (_what, from, to, effects, lines) => {
    const folder = await halfDone()
    writeFileSync(join(folder, 'job.yaml'), continuing.replace(from, to))
    const edits = await planned(folder)
    expect(edits.map(({ effect }) => effect).toSorted()).toEqual([...effects].toSorted())
    const second = await pipe(['run', 'job.yaml', '--until', 'caught_up', '--json'], folder)
    expect(second, second.err).toMatchObject({ code: 0 })
    expect(JSON.parse(second.out)).toMatchObject({ balances: true })
    const db = new (await import('node:sqlite')).DatabaseSync(join(folder, 'store.db'), { readOnly: true })
    expect(db.prepare('SELECT count(*) AS n FROM lines').get()).toEqual({ n: lines })
    db.close()
  })

  it('would lose the memory of a step under a different id, unless it is moved or discarded', async () => {
    const folder = await halfDone()
    writeFileSync(join(folder, 'job.yaml'), continuing.replace('id: once', 'id: first'))
    expect((await planned(folder)).map(({ effect }) => effect)).toContain('discarded')
    const refused = await pipe(['run', 'job.yaml', '--until', 'caught_up'], folder)
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('pipe state move job once first')])
    expect(await pipe(['state', 'move', 'job', 'once', 'first'], folder)).toMatchObject({ code: 0 })
    const moved = await pipe(['run', 'job.yaml', '--until', 'caught_up', '--json'], folder)
    expect(JSON.parse(moved.out)).toMatchObject({ counters: { steps: { first: { in: 30, out: 20, filtered: 10 } } } })

    const other = await halfDone()
    writeFileSync(join(other, 'job.yaml'), continuing.replace('id: once', 'id: first'))
    const given = await pipe(['run', 'job.yaml', '--until', 'caught_up', '--reset-state', '--json'], other)
    expect(JSON.parse(given.out)).toMatchObject({ counters: { steps: { first: { in: 30, out: 30 } } } })
  })
})
