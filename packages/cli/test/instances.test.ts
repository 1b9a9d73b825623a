/** Instances of one pipeline over an embedded log, and moving their state. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openLog } from '@millrace/client-log'
import { type Death, runUntilDone } from '@millrace/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const spec = `version: 1
name: numbers
runs: continue
source: { type: log, config: { stream: numbers, path: log }, schema: { fields: { n: integer } } }
sinks: { all: { type: sqlite, config: { path: store.db, collection: numbers } } }
`

function append(folder: string, from: number, to: number): void {
  const log = openLog(join(folder, 'log', 'numbers.db'), { partitions: 4 })!
  for (let partition = 0; partition < 4; partition++) {
    const own = Array.from({ length: to - from }, (_, k) => from + k).filter((n) => n % 4 === partition)
    const body = Buffer.from(own.map((n) => `{"n":${n}}\n`).join(''))
    log.append([
      {
        partition,
        count: own.length,
        time: 1,
        ids: own.map((n) => `id${n}`),
        keys: own.map(() => 'k'),
        headers: undefined,
        body,
        ends: undefined,
      },
    ])
  }
  log.close()
}

async function read(folder: string, ...more: string[]): Promise<number> {
  const { code, out, err } = await pipe(['run', 'numbers.yaml', '--until', 'caught_up', '--json', ...more], folder)
  if (code !== 0) throw new Error(err)
  const { total } = JSON.parse(out) as { total: { counters: { sinks: { all: { delivered: number } } } } }
  return total.counters.sinks.all.delivered
}

it('a stream that has never been written to is caught up with immediately', async () => {
  const folder = freshFolder()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'numbers.yaml'), spec)
  expect(await pipe(['run', 'numbers.yaml', '--until', 'caught_up'], folder)).toMatchObject({
    code: 0,
    out: expect.stringContaining('has caught up'),
  })
})

describe('instances of a pipeline', () => {
  it('share the splits, refuse a different number, and resume after a rescale', async () => {
    const folder = freshFolder()
    mkdirSync(join(folder, 'log'))
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    writeFileSync(join(folder, 'numbers.yaml'), spec)
    append(folder, 0, 100)
    expect(await read(folder, '--instance', '0/2')).toBe(50)
    expect(await pipe(['run', 'numbers.yaml', '--until', 'caught_up'], folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining('state rescale numbers --to 1'),
    })
    expect(await pipe(['state', 'rescale', 'numbers', '--to', '1'], folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining('instance 1/2'),
    })
    expect(await read(folder, '--instance', '1/2')).toBe(50)
    expect(await pipe(['state', 'rescale', 'numbers', '--to', '1'], folder)).toMatchObject({
      code: 0,
      out: expect.stringContaining('4 positions moved from 2 to 1'),
    })
    append(folder, 100, 160)
    // Counters cover all instances so far.
    expect(await read(folder)).toBe(160)
    expect(await pipe(['state', 'rescale', 'numbers', '--to', '3'], folder)).toMatchObject({ code: 0 })
    append(folder, 160, 200)
    for (const i of [0, 1, 2]) await read(folder, '--instance', `${i}/3`)
    const db = new DatabaseSync(join(folder, 'store.db'), { readOnly: true })
    onTestFinished(() => db.close())
    expect(db.prepare('SELECT count(*) AS n FROM numbers').get()).toEqual({ n: 200 })
  })

  it('are refused for a source without splits and for a step with memory', async () => {
    const folder = freshFolder()
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    writeFileSync(join(folder, 'data.csv'), 'n\n1\n')
    writeFileSync(
      join(folder, 'numbers.yaml'),
      spec.replace('type: log, config: { stream: numbers, path: log }', 'type: csv, config: { path: data.csv }'),
    )
    expect(await pipe(['run', 'numbers.yaml', '--instance', '0/2'], folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining('no splits that instances could share'),
    })
  })

  it('are threads of one command where the spec says `parallelism`, and when killed lose and duplicate nothing', {
    timeout: 180_000,
  }, async () => {
    const folder = freshFolder()
    mkdirSync(join(folder, 'log'))
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    writeFileSync(join(folder, 'numbers.yaml'), `${spec}parallelism: 3\n`)
    append(folder, 0, 40_000)
    const program = {
      command: process.execPath,
      args: [
        '--conditions=@millrace/source',
        join(import.meta.dirname, '../src/main.ts'),
        'run',
        'numbers.yaml',
        '--until',
        'caught_up',
        '--json',
      ],
      cwd: folder,
    }
    const deaths: readonly Death[] = ['after_write', 'mid_save', 'after_save'].map((point) => ({ point, time: 1 }))
    const { kills, output } = await runUntilDone(program, (start) => deaths[start] ?? 'lives')
    expect(kills).toBe(deaths.length)
    expect(JSON.parse(output)).toMatchObject({
      caughtUp: true,
      behind: 0,
      balances: true,
      total: { counters: { sources: { source: { read: 40_000 } } } },
    })
    const db = new DatabaseSync(join(folder, 'store.db'), { readOnly: true })
    expect(db.prepare('SELECT count(*) AS n FROM numbers').get()).toEqual({ n: 40_000 })
    db.close()
    expect(await pipe(['state', 'show', 'numbers'], folder)).toMatchObject({
      code: 0,
      out: expect.stringContaining('numbers 2/3: run 1'),
    })
    writeFileSync(join(folder, 'numbers.yaml'), `${spec}parallelism: 2\n`)
    expect(await pipe(['run', 'numbers.yaml'], folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining('state rescale numbers --to 2'),
    })
    expect(await pipe(['state', 'reset', 'numbers', '--yes'], folder)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/(Deleted: [12] positions?[^]*){3}/),
    })
  })

  it.each(['mid_begin', 'after_end'])(
    'end one run together, killed at %s, and a table is replaced once for all of them',
    { timeout: 180_000 },
    async (point) => {
      const folder = freshFolder()
      mkdirSync(join(folder, 'log'))
      writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
      const whole = spec.replace('runs: continue', 'runs: whole').replace('path: log', 'path: log, stop: end')
      writeFileSync(
        join(folder, 'numbers.yaml'),
        `${whole.replace('collection: numbers', 'table: numbers')}parallelism: 2\n`,
      )
      append(folder, 0, 400)
      const run = (more: readonly string[], deaths: readonly Death[]) =>
        runUntilDone(
          {
            command: process.execPath,
            args: [
              '--conditions=@millrace/source',
              join(import.meta.dirname, '../src/main.ts'),
              'run',
              'numbers.yaml',
              '--json',
              ...more,
            ],
            cwd: folder,
          },
          (start) => deaths[start] ?? 'lives',
        )
      const counted = () => {
        const db = new DatabaseSync(join(folder, 'store.db'), { readOnly: true })
        onTestFinished(() => db.close())
        return db.prepare('SELECT count(*) AS n, count(DISTINCT n) AS different FROM numbers').get()
      }
      const first = await run(['--replace'], [{ point, time: 1 }])
      expect(first.kills).toBe(1)
      const { incarnation } = JSON.parse(first.output)
      // If all instances had ended before the kill, the next start is a run of its own.
      expect(point === 'mid_begin' ? [1] : [1, 2]).toContain(incarnation)
      expect(JSON.parse(first.output)).toMatchObject({
        ended: true,
        balances: true,
        total: { counters: { sinks: { all: { delivered: 400 } } } },
      })
      expect(counted()).toEqual({ n: 400, different: 400 })
      expect(await pipe(['run', 'numbers.yaml'], folder)).toMatchObject({
        code: 3,
        err: expect.stringContaining('has 400 rows of an earlier run'),
      })
      append(folder, 400, 500)
      const second = await run(['--replace'], [{ point, time: 1 }])
      // The refused start has already begun the second run.
      expect(second.kills).toBe(point === 'mid_begin' ? 0 : 1)
      const runs = JSON.parse(second.output).incarnation - incarnation
      expect(point === 'mid_begin' ? [1] : [1, 2]).toContain(runs)
      expect(counted()).toEqual({ n: 500, different: 500 })
    },
  )

  it('stop together when one of them fails', async () => {
    const folder = freshFolder()
    mkdirSync(join(folder, 'log'))
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    writeFileSync(
      join(folder, 'numbers.yaml'),
      `${spec.replace('n: integer', 'n: integer, m: integer')}parallelism: 2\n`,
    )
    append(folder, 0, 2)
    expect(await pipe(['run', 'numbers.yaml'], folder)).toMatchObject({
      code: 1,
      err: expect.stringContaining('missing_value'),
    })
  })
})
