/** An older state that somebody put back is recognised by what was shown since, and nothing else is taken for one. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Flushed, RecordType, Row } from '@millrace/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { finish, flush, makeSink, opening, publish, signal, type Some, write } from './drive.ts'
import { integer, string, visibleFiles, visibleRows } from './read.ts'

const schema: RecordType = { fields: { id: integer(), city: string(true) } }
const rows = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, city: 'ab'[i % 2]! }))

let root: string
const out = () => join(root, 'out')
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-older-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

let start = 0
const begin = async (options: Some, saved?: Flushed, more: object = {}) => {
  const sink = makeSink(root, schema, options)
  const restore = saved?.resume === undefined ? {} : { restore: saved.resume }
  await sink.open!(opening({ ...restore, start: `s${++start}`, ...more }))
  return sink
}
const takeAll = async () => {
  for (const file of await visibleFiles(out())) await rm(join(out(), file))
}
const refusal = {
  code: 'state_older',
  exitCode: 3,
  place: 'lake',
  message: expect.stringMatching(/files were published that the saved state does not know.*out.*published-\d+-s/),
  hint: expect.stringMatching(/latest state.*state reset.*--replace.*--keep/),
}

const layouts: [what: string, options: Some, rolls: boolean][] = [
  ['JSON lines that roll now and then', {}, false],
  ['one file of CSV', { path: 'out/all.csv' }, false],
  ['Parquet in folders', { path: 'out/{city}/', format: 'parquet' }, true],
]

describe.each(layouts)('%s', (_, options, rolls) => {
  /**
   * Eight epochs, the last of which is the end; what each has saved, and whether something was shown since its publish.
   */
  async function history() {
    const sink = await begin(options)
    const saved: Flushed[] = []
    const shows: boolean[] = []
    for (let epoch = 0; epoch < 8; epoch++) {
      await write(sink, rows(2 * epoch, 2 * epoch + 2))
      saved.push(await flush(sink, { roll: rolls || epoch % 3 === 2, end: epoch === 7 }))
      shows.push((saved.at(-1)!.stages ?? []).length > 0)
      await publish(sink, saved.at(-1)!)
    }
    await sink.close!()
    return { saved, isOlder: (epoch: number) => shows.slice(epoch + 1).some(Boolean) }
  }

  test.each([false, true])(
    'a state of any epoch is refused where more was shown since (taken away: %s)',
    async (taken) => {
      const { saved, isOlder } = await history()
      expect(isOlder(6)).toBe(true)
      const seen = await visibleRows(out(), schema)
      if (taken) await takeAll()
      for (let epoch = 0; epoch < 8; epoch++) {
        const opened = begin(options, saved[epoch])
        if (isOlder(epoch)) await expect(opened).rejects.toMatchObject(refusal)
        else {
          const sink = await opened
          await publish(sink, saved[epoch]!)
          await sink.close!()
        }
      }
      if (!taken) expect(await visibleRows(out(), schema)).toEqual(seen)
    },
  )

  test('the ways out are there: start over, to replace or to keep what was shown', async () => {
    const { saved } = await history()
    await expect(begin(options, saved[2])).rejects.toMatchObject(refusal)
    for (const [existing, count] of [
      ['replace', 3],
      ['keep', 6],
    ] as const) {
      const sink = await begin(options, undefined, { existing })
      await write(sink, rows(0, 3))
      await finish(sink)
      expect(await visibleRows(out(), schema)).toHaveLength(count)
    }
  })
})

test('a state put back at the same number of stages is known to be of another history', async () => {
  const first = await begin({})
  await write(first, rows(0, 2))
  const one = await flush(first, { roll: true })
  await publish(first, one)
  await write(first, rows(2, 4))
  const two = await flush(first, { roll: true })
  await first.close!()

  // The state of epoch 1 comes back before anything of epoch 2 was shown: it goes on, to an epoch 2 of its own.
  const other = await begin({}, one)
  await publish(other, one)
  await write(other, rows(2, 6))
  const twoAgain = await flush(other, { roll: true })
  await publish(other, twoAgain)
  await other.close!()

  await expect(begin({}, two)).rejects.toMatchObject(refusal)
  await expect(begin({}, one)).rejects.toMatchObject(refusal)
  const right = await begin({}, twoAgain)
  await publish(right, twoAgain)
  await right.close!()
  expect((await visibleRows(out(), schema)).map((row) => row['id'])).toEqual([0, 1, 2, 3, 4, 5])
})

test('no kill makes a state older: at every point between flush and record it goes on', async () => {
  for (const shown of [0, 1, 2]) {
    await rm(out(), { recursive: true, force: true })
    const dead = await begin({ path: 'out/{city}/' })
    await write(dead, rows(0, 2))
    const one = await flush(dead, { roll: true })
    await publish(dead, one)
    await write(dead, rows(2, 4))
    const two = await flush(dead, { roll: true })
    for (const stage of two.stages!.slice(0, shown)) await dead.publish!(stage, { signal })
    // Each start may be killed right after it has published what was left, and before it has saved anything.
    for (let n = 0; n < 3; n++) await publish(await begin({ path: 'out/{city}/' }, two), two)
    const last = await begin({ path: 'out/{city}/' }, two)
    await publish(last, two)
    await write(last, rows(4, 6))
    await finish(last)
    expect(await visibleRows(out(), schema)).toHaveLength(6)
  }
})

test('what was shown may be moved with the project, or away with its folder', async () => {
  const sink = await begin({})
  await write(sink, rows(0, 2))
  const saved = await flush(sink, { roll: true })
  await publish(sink, saved)
  await sink.close!()
  const elsewhere = await mkdtemp(join(tmpdir(), 'millrace-older-'))
  await cp(root, elsewhere, { recursive: true })
  const moved = makeSink(elsewhere, schema, {})
  await moved.open!(opening({ restore: saved.resume!, start: 'moved' }))
  await moved.close!()
  await rm(elsewhere, { recursive: true })
  await rm(out(), { recursive: true })
  const again = await begin({}, saved)
  await write(again, rows(2, 4))
  await finish(again)
  expect(await visibleRows(out(), schema)).toEqual(rows(2, 4))
})
