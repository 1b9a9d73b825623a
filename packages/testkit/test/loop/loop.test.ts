import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { crashPoints, readStore } from '@millrace/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sameSet } from '../../src/contract/index.ts'
import { type Death, runUntilDone } from '../../src/until-done.ts'
import { boxRows } from '../broken/boxes.ts'
import { all, isBad, rowOf } from './job.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-loop-'))
  // One file starts three times as fast as the sources.
  const entryPoints = [fileURLToPath(new URL('./job.ts', import.meta.url))]
  buildSync({
    entryPoints,
    outfile: join(root, 'job.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@millrace/source'],
  })
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const numbers = Array.from({ length: all }, (_, n) => n)
const good = numbers.filter((n) => !isBad(n)).map(rowOf)
const counts = [...Map.groupBy(good, (row) => row.name)].map(([name, rows]) => ({ name, count: rows.length }))

/** What was published belongs to an epoch that was saved. */
function nothingUnsavedIsVisible(folder: string): void {
  const store = readStore(join(folder, 'state', 'job'))
  const saved = Number(store?.position('spool', 'spool')?.position ?? 0)
  store?.close()
  const early = boxRows(join(folder, 'files')).filter((row) => Number(row['n']) >= saved)
  expect(early, `published before it was saved (up to ${saved})`).toEqual([])
}

/** Starts that are killed, each at a point's n-th passing, then one to the end. `point` must be passed. */
async function killedAt(
  point: string,
  times: readonly number[],
  kind: 'plain' | 'held',
  before: readonly Death[] = [],
): Promise<void> {
  const deaths = [...before, ...times.map((time) => ({ point, time }))]
  const folder = join(root, `${point}-${times.join('-')}-${kind}`)
  const program = {
    command: process.execPath,
    args: ['--no-warnings', join(root, 'job.mjs'), folder, kind],
    cwd: root,
    env: { NODE_OPTIONS: '' },
  }
  const ended = await runUntilDone(program, (start) => deaths[start] ?? 'lives', {
    onKill: () => nothingUnsavedIsVisible(folder),
  })
  expect(ended.kills, `${point} was never passed`).toBeGreaterThan(before.length)
  const dead = boxRows(join(folder, 'dead')).map((row) => Buffer.from(String(row['bytes']), 'base64').toString())
  sameSet(boxRows(join(folder, 'items')), good, 'by key')
  sameSet(boxRows(join(folder, 'files')), good, 'by publish-once')
  if (kind === 'held') sameSet(boxRows(join(folder, 'held')), good, 'by publish-once, holding the checkpoint')
  sameSet(boxRows(join(folder, 'counts')), counts, 'state')
  sameSet(
    dead,
    numbers.filter(isBad).map((n) => `record ${n}`),
    'dead letters',
  )
  expect(JSON.parse(ended.output)).toEqual({ imbalances: [] })
}

describe('the loop loses and doubles nothing, and its state is right, when it is killed', () => {
  /** Points that a start passes once at most, if at all. */
  const once: Readonly<Record<string, readonly Death[]>> = {
    mid_begin: [],
    before_end: [],
    after_end: [],
    // What a kill has left is recorded as done by the start after it.
    before_mark_done: [{ point: 'after_publish', time: 2 }],
  }
  for (const point of crashPoints)
    it.concurrent(`at ${point}`, () => killedAt(point, once[point] ? [1] : [2, 2], 'plain', once[point]))
  it.concurrent('before the save of an epoch with a stage', () => killedAt('before_save', [1, 2, 3, 4], 'plain'))
})

describe('the same with a sink that holds the checkpoint, when it is killed', () => {
  for (const point of ['after_write', 'after_flush', 'mid_save', 'after_save', 'after_publish'])
    it.concurrent(`at ${point}`, () => killedAt(point, [1, 1], 'held'))
})
