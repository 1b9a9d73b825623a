/** Checks of splits: how they are announced, which instance reads them, and how they are paused. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { isBatch } from '@millrace/core'
import type { Check } from '../check.ts'
import { makeSource, readContext, type ReadUntil, recordsOf } from '../read.ts'
import { sameSet } from '../rows.ts'
import { check, type SourceSubject } from './ready.ts'

/** How long a source has to report that a split has nothing more. */
const patienceMs = 5000
/** How long a split is paused. */
const holdMs = 300

export const splits: readonly Check<SourceSubject>[] = [
  check('announces each split before its first batch', async ({ read }) => {
    const announced = new Set<string>()
    const unannounced = new Set<string>()
    const batches = await read({
      onSplits: (splits) => splits.forEach((split) => announced.add(split)),
      onBatch: ({ split }) => {
        if (!announced.has(split)) unannounced.add(split)
      },
    })
    const splits = new Set(batches.map((batch) => batch.split))
    if (splits.size > 1 || announced.size > 0) assert.deepEqual([...unannounced], [], 'splits that were not announced')
  }),

  check('reports that a split has nothing more when that is so, and only then', async (ready, { env }) => {
    const { definition, making, capabilities, setup } = ready
    const { bounded, lanes } = capabilities
    const source = makeSource(definition, making, env)
    const stop = new AbortController()
    const deadline = setTimeout(() => stop.abort(), patienceMs)
    const left = new Map<string, number>()
    const ended = new Set<string>()
    let seen = 0
    let isDone = false
    const caughtUp = (names: readonly string[]) => {
      for (const split of names) {
        assert.ok(left.has(split), `it reports that ${split} has nothing more, but has not announced it`)
        assert.ok(!ended.has(split), `it reports that ${split} has nothing more, but that split has ended`)
      }
      if (seen < setup.rows.length + (setup.bad?.length ?? 0)) return
      for (const split of lanes === 'one' ? left.keys() : names) left.set(split, left.get(split)! - 1)
      isDone = [...left].every(([split, times]) => times <= 0 || ended.has(split))
      if (isDone && !bounded) stop.abort()
    }
    try {
      for await (const given of source.read(readContext({}, stop.signal))) {
        // Twice: a split without records reports it at each poll.
        if ('splits' in given) for (const { id } of given.splits) left.set(id, 2)
        else if (!isBatch(given)) caughtUp(given.caughtUp)
        else {
          assert.ok(!ended.has(given.split), `a batch of ${given.split} comes after its end`)
          seen += given.rows.length + (given.bad?.length ?? 0)
          if (given.end) {
            ended.add(given.split)
            assert.ok(
              given.position !== undefined || !capabilities.replayable,
              `${given.split} ends without its position, so it would be read again`,
            )
          } else if (given.caughtUp) caughtUp(lanes === 'one' ? [] : [given.split])
        }
      }
    } catch (error) {
      if ((error as Error).name !== 'AbortError' || !stop.signal.aborted) throw error
    } finally {
      clearTimeout(deadline)
      await source.close?.()
    }
    if (bounded) return
    const silent = [...left].filter(([split, times]) => times > 0 && !ended.has(split)).map(([split]) => split)
    assert.ok(
      isDone,
      `within ${patienceMs} ms it has not reported twice that there is nothing more of ${silent.join(', ')}`,
    )
  }),

  check('holds a split back until it is wanted again', async ({ read, setup, capabilities }) => {
    if (capabilities.lanes === 'one') return
    let held: string | undefined
    let isHeld = true
    let release = () => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    let asked = 0
    const wrong: string[] = []
    const look = (split: string, what: string) => {
      if (isHeld && split === held) wrong.push(`it ${what} ${split}, which is held back`)
    }
    const until: ReadUntil = {
      onSplits: ([first]) => void (held ??= first),
      wants(split) {
        asked++
        return !isHeld || split !== held
      },
      whenWanted: () => (isHeld ? released : Promise.resolve()),
      onBatch: ({ split, rows, bad }) => rows.length + (bad?.length ?? 0) > 0 && look(split, 'reads'),
      onCaughtUp: (names) => names.forEach((split) => look(split, 'reports that there is nothing more of')),
    }
    const reading = read(until)
    const isEarly = await Promise.race([reading.then(() => true), sleep(holdMs, false)])
    assert.ok(!isEarly, 'it ended while a split was held back')
    assert.ok(asked < 1000, `while a split is held back it asks ${asked} times in ${holdMs} ms, instead of waiting`)
    isHeld = false
    release()
    const rows = recordsOf(await reading).map(({ row }) => row)
    assert.deepEqual(wrong, [])
    sameSet(rows, setup.rows, 'read after a split was held back')
  }),

  check('reads its own splits and no others', async ({ read, capabilities }) => {
    if (!capabilities.shares) return
    const announced: string[] = []
    await read({ records: 0, onSplits: (found) => announced.push(...found) })
    for (const own of [undefined, announced[0]]) {
      const stop = new AbortController()
      const timer = setTimeout(() => stop.abort(), holdMs)
      const found: string[] = []
      const batches = await read({
        signal: stop.signal,
        owns: (split) => split === own,
        onSplits: (names) => found.push(...names),
      })
      clearTimeout(timer)
      assert.deepEqual(found, own === undefined ? [] : [own], 'it announces splits that another instance reads')
      const others = batches.filter(({ split }) => split !== own).map(({ split }) => split)
      assert.deepEqual(others, [], 'it reads splits that another instance reads')
    }
  }),

  check('stops within a second of the abort', async ({ definition, making, capabilities }, { env }) => {
    for (const when of ['before the first read', 'while it reads', 'while it is held back']) {
      if (when === 'while it is held back' && capabilities.lanes === 'one') continue
      const source = makeSource(definition, making, env)
      const stop = new AbortController()
      const until: ReadUntil =
        when === 'while it is held back' ? { wants: () => false, whenWanted: () => untilAborted(stop.signal) } : {}
      if (when === 'before the first read') stop.abort()
      if (when === 'while it is held back') setTimeout(() => stop.abort(), holdMs)
      const reading = (async () => {
        for await (const given of source.read(readContext(until, stop.signal)))
          if (!('splits' in given) && when === 'while it reads') stop.abort()
      })().catch((error) => {
        if ((error as Error).name !== 'AbortError' && !stop.signal.aborted) throw error
      })
      const first = await Promise.race([
        reading.then(() => 'ended'),
        untilAborted(stop.signal).then(() => sleep(1000, 'late', { ref: false })),
      ])
      assert.equal(first, 'ended', `still reading a second after an abort ${when}`)
      await source.close?.()
    }
  }),
]

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
  )
