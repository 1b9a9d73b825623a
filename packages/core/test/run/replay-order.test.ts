/**
 * A letter that is replayed beside records is part of the order in which a step with memory takes them: a restart after
 * a kill takes both in the order of the killed process, whose results may have been written already.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { ReadContext, Source, Transform } from '../../src/connector/index.ts'
import { onCrashPoint } from '../../src/crash.ts'
import { batch, type Row } from '../../src/record/index.ts'
import { run } from '../../src/run/index.ts'
import type { Letter } from '../../src/run/letters.ts'
import { replay } from '../../src/run/replay.ts'
import { memorySink, type TestPipeline, testPipeline } from '../../src/testing.ts'

const input: readonly Row[] = [
  { n: 0, k: 'a' },
  { n: 1, k: 'K' },
  { n: 2, k: 'b' },
  { n: 3, k: 'K' },
  { n: 4, k: 'c' },
]

/** Lets through the first record of each key, and keeps the keys in state. */
function firstOf(seen: Set<unknown>): Transform {
  const fresh = new Set<string>()
  return {
    apply({ rows }) {
      const kept: number[] = []
      for (const [i, { k }] of rows.entries()) {
        if (seen.has(k)) continue
        seen.add(k)
        fresh.add(k as string)
        kept.push(i)
      }
      return { rows: kept.map((i) => rows[i]!), origins: Int32Array.from(kept) }
    },
    takeChanges() {
      const changes = [...fresh].map((k) => [k, ''] as const)
      fresh.clear()
      return changes
    },
    restore: (saved) => {
      for (const [k] of saved.entries()) seen.add(k)
    },
  }
}
const strict = (isBad: () => boolean): Transform => ({
  apply({ rows }, out) {
    const kept = [...rows.keys()].filter((i) => !(isBad() && rows[i]!['n'] === 1 && (out.fail(i, 'bad_n'), true)))
    return { rows: kept.map((i) => rows[i]!), origins: Int32Array.from(kept) }
  },
})

/** One split, or two of which the second is silent: then the order of all records is logged. */
type Lanes = 'one lane' | 'two lanes'

/** The lives of one pipeline: what sinks keep outlives them, what steps remember does not. */
function lives(lanes: Lanes) {
  const home = mkdtempSync(join(tmpdir(), 'millrace-replay-order-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  const workspace = { root: home, home, secrets: () => undefined }
  const got = new Map<string, Row>()
  const dead = new Map<string, Row>()
  const state = { isBad: true, upTo: 3, seen: new Set<unknown>() }
  const read = async function* ({ resume, signal }: ReadContext) {
    const splits = lanes === 'one lane' ? ['s'] : ['s', 't']
    yield { splits: splits.map((id) => ({ id })), complete: true }
    let at = (resume('s') as number | undefined) ?? 0
    while (!signal.aborted) {
      if (at < state.upTo) {
        const from = at
        at = state.upTo
        const rows = input.slice(from, at)
        yield batch({
          split: 's',
          rows: [...rows],
          position: at,
          positionAt: (i) => from + i,
          rawAt: (i) => Buffer.from(JSON.stringify(rows[i])),
        })
      }
      yield { caughtUp: splits }
      await sleep(5)
    }
  }
  const source: Source = { read }
  const pipeline: TestPipeline = {
    runs: 'continue',
    onError: 'dead_letter',
    sources: {
      source: { create: () => source, capabilities: { bounded: false, lanes: lanes === 'one lane' ? 'one' : 'split' } },
    },
    steps: {
      strict: { create: () => strict(() => state.isBad) },
      first: {
        stateful: true,
        ordered: true,
        create: () => firstOf((state.seen = new Set())),
      },
    },
    sinks: { out: { create: () => memorySink(got) } },
    deadLetter: () => memorySink(dead),
  }
  const { plan, registry } = testPipeline(pipeline)
  const start = () => {
    const stop = new AbortController()
    return { ended: run(plan, registry, { ...workspace, signal: stop.signal }), stop: () => stop.abort() }
  }
  /** Runs until the letter is there, and stops. */
  const before = async () => {
    const { ended, stop } = start()
    while (dead.size === 0 || got.size < 2) await sleep(5)
    stop()
    await ended
    state.isBad = false
  }
  const letters = () => [...dead.values()] as unknown as Letter[]
  const inbox = () => readdirSync(join(home, 'test', 'inbox')).filter((name) => name.endsWith('.request'))
  const ask = (signal: AbortSignal) => replay(plan, registry, letters(), { ...workspace, signal })
  const kinds = () => [...got.values()].filter(({ k }) => k === 'K').map(({ n }) => n)
  return { got, state, start, before, ask, inbox, kinds, home }
}

/** Kills once the letter has been written by its id and nothing of its epoch is saved. */
function killWhen(isDue: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  onCrashPoint((point) => {
    if (point !== 'before_save' || !isDue()) return
    resolve()
    throw new Error('killed')
  })
  return promise
}

it.each<Lanes>(['one lane', 'two lanes'])('a replay beside the running pipeline, %s', async (lanes) => {
  const { got, state, start, before, ask, inbox, kinds } = lives(lanes)
  await before()
  const first = start()
  const gone = new AbortController()
  const asked = ask(gone.signal).catch(() => undefined)
  void killWhen(() => kinds().length > 0)
  await expect(first.ended).rejects.toThrow('killed')
  onCrashPoint(undefined)
  gone.abort()
  await asked
  expect(kinds()).toEqual([1])
  // The next process finds the record with the same key at once, and the request in the inbox later.
  state.upTo = input.length
  const second = start()
  while (inbox().length > 0 || got.size < 4) await sleep(20)
  second.stop()
  await second.ended
  expect(kinds()).toEqual([1])
  expect(new Set([...got.values()].map(({ n }) => n))).toEqual(new Set([0, 1, 2, 4]))
})

it.each<Lanes>(['one lane', 'two lanes'])('a replay by a command that was killed, %s', async (lanes) => {
  const { got, state, start, before, ask, kinds } = lives(lanes)
  await before()
  void killWhen(() => kinds().length > 0)
  await expect(ask(new AbortController().signal)).rejects.toThrow('killed')
  onCrashPoint(undefined)
  expect(kinds()).toEqual([1])
  state.upTo = input.length
  const second = start()
  while (got.size < 4) await sleep(5)
  second.stop()
  await second.ended
  expect(kinds()).toEqual([1])
  // The letter is replayed by that, and may not be once more.
  expect(await ask(new AbortController().signal)).toMatchObject({ replayed: 0, skipped: 1 })
})

it('letters alone would change the order of a run that was killed, so they are refused', async () => {
  const { got, state, start, before, ask, kinds } = lives('two lanes')
  await before()
  state.upTo = input.length
  const first = start()
  void killWhen(() => kinds().length > 0)
  await expect(first.ended).rejects.toThrow('killed')
  onCrashPoint(undefined)
  await expect(ask(new AbortController().signal)).rejects.toMatchObject({ code: 'run_interrupted' })
  expect(kinds()).toEqual([3])
  const second = start()
  await ask(new AbortController().signal)
  second.stop()
  await second.ended
  expect([kinds(), got.size]).toEqual([[3], 4])
})
