/** The order in which lanes were read: the file that keeps it, and a restart that repeats it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { ReadContext } from '../../src/connector/index.ts'
import { onCrashPoint } from '../../src/crash.ts'
import { batch, type Batch, type SplitsFound } from '../../src/record/index.ts'
import { openOrder } from '../../src/run/order.ts'
import { run } from '../../src/run/index.ts'
import { testPipeline } from '../../src/testing.ts'

const freshFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-order-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}
const opened = async (failures: unknown[] = []) =>
  openOrder(freshFolder(), 'a', { incarnation: 1, covered: 0 }, (error) => void failures.push(error))

it('a failure to write it is reported, and nothing waits for it then', async () => {
  const failures: unknown[] = []
  const order = await opened(failures)
  order.append({ kind: 'clock', clock: 1 })
  const ready = order.ready()
  await order.close()
  await ready()
  expect(failures).toEqual([expect.objectContaining({ code: 'EBADF' })])
})

/** Two lives of a pipeline whose results depend on the order of lanes; the first is killed before it saves anything. */
async function twoLives(lives: readonly ((ctx: ReadContext) => AsyncGenerator<Batch | SplitsFound>)[]) {
  const home = freshFolder()
  const taken: unknown[] = []
  for (const read of lives) {
    const { plan, registry } = testPipeline({
      runs: 'continue',
      sources: { files: { create: () => ({ read }), capabilities: { lanes: 'one', newSplits: true } } },
      steps: {
        note: {
          ordered: true,
          stateful: true,
          create: () => ({
            apply({ rows }) {
              taken.push(...rows.map((row) => row['id']))
              return { rows }
            },
            takeChanges: () => [],
            restore: () => {},
          }),
        },
      },
      sinks: { out: { create: () => ({ write() {} }) } },
    })
    onCrashPoint((point) => {
      if (read === lives[0] && point === 'before_flush') throw new Error('killed')
    })
    const ended = run(plan, registry, { root: home, home, secrets: () => undefined })
    if (read === lives[0]) await expect(ended).rejects.toThrow('killed')
    else await ended
    onCrashPoint(undefined)
  }
  return taken
}
const rowsOf = (split: string, from: number, to: number) =>
  batch({ split, position: to, rows: Array.from({ length: to - from }, (_, i) => ({ id: `${split}${from + i}` })) })
async function* firstLife() {
  yield { splits: [{ id: 'f' }, { id: 'g' }] }
  yield rowsOf('f', 0, 2)
  yield { ...rowsOf('f', 2, 2), end: true }
  yield rowsOf('g', 0, 1)
}

it('is repeated though a split has not ended this time, if all splits are one lane', async () => {
  // The file may grow, so its end is not the end of the split.
  const taken = await twoLives([
    firstLife,
    async function* ({ wants, whenWanted }) {
      yield { splits: [{ id: 'f' }, { id: 'g' }] }
      yield rowsOf('f', 0, 2)
      while (!wants('g')) await whenWanted()
      yield rowsOf('g', 0, 2)
      yield rowsOf('f', 2, 3)
    },
  ])
  expect(taken).toEqual(['f0', 'f1', 'g0', 'f0', 'f1', 'g0', 'g1', 'f2'])
})

it('is lost if a split is gone, though others may still come', async () => {
  const lost = twoLives([
    firstLife,
    async function* ({ wants, whenWanted }) {
      yield { splits: [{ id: 'g' }] }
      yield { splits: [], current: true }
      while (!wants('g')) await whenWanted()
      yield rowsOf('g', 0, 1)
    },
  ])
  await expect(lost).rejects.toMatchObject({ code: 'order_lost', message: expect.stringContaining('split f of files') })
})

it('steps see the clock again that they saw before, and none before the first of it', async () => {
  const home = freshFolder()
  const lives: number[][] = []
  for (const isFirst of [true, false]) {
    const clocks: number[] = []
    lives.push(clocks)
    const { plan, registry } = testPipeline({
      runs: 'continue',
      sources: {
        file: {
          create: () => ({
            async *read() {
              yield rowsOf('f', 0, 2)
            },
          }),
        },
      },
      steps: {
        note: {
          ordered: true,
          stateful: true,
          create: () => ({
            apply: ({ rows }) => ({ rows }),
            due: () => Number.NEGATIVE_INFINITY,
            advance({ clock, end }) {
              if (!end) clocks.push(clock)
              return true
            },
            takeChanges: () => [],
            restore: () => {},
          }),
        },
      },
      sinks: { out: { create: () => ({ write() {} }) } },
    })
    onCrashPoint((point) => {
      if (isFirst && point === 'before_flush') throw new Error('killed')
    })
    const ended = run(plan, registry, { root: home, home, secrets: () => undefined })
    if (isFirst) await expect(ended).rejects.toThrow('killed')
    else await ended
    onCrashPoint(undefined)
  }
  const [first, second] = lives
  expect(first!.length).toBeGreaterThan(1)
  expect(second!.slice(0, 1 + first!.length)).toEqual([Number.NEGATIVE_INFINITY, ...first!])
})
