/** An older state that somebody put back is recognised by the ledger, and nothing else is taken for one. */
import { expect, test } from 'vitest'
import type { Flushed, RecordType, Sink } from '@millrace/core'
import { integer, makeStore, records, type Store, writing } from './store.ts'

const schema: RecordType = { fields: { n: integer() } }
const { signal } = new AbortController()
const refusal = {
  code: 'state_older',
  exitCode: 3,
  place: 'out',
  message: expect.stringMatching(/the table t in .* has rows that the saved state does not know.*epoch \d+ of start s/),
  hint: expect.stringMatching(/latest state.*state reset.*--replace.*--keep/),
}

let start = 0
const begin = (store: Store, saved?: Flushed, more: object = {}): Promise<Sink> =>
  store.open({ table: 't' }, schema, {
    start: `s${++start}`,
    ...(saved?.resume === undefined ? {} : { restore: saved.resume }),
    ...more,
  })
/** Writes these numbers, and flushes. */
async function stage(sink: Sink, epoch: number, numbers: readonly number[]): Promise<Flushed> {
  await sink.write(records(numbers.map((n) => ({ n }))), writing(epoch))
  return JSON.parse(JSON.stringify(await sink.flush!({ signal, epoch, roll: false, end: false }))) as Flushed
}
async function publish(sink: Sink, saved: Flushed): Promise<void> {
  for (const each of saved.stages ?? []) await sink.publish!(each, { signal })
}
const numbers = (store: Store) => store.all('SELECT n FROM t ORDER BY rowid').map((row) => row['n'])

test('a state of any epoch is refused where rows were published since, and nothing is changed', async () => {
  const store = makeStore()
  const sink = await begin(store)
  const saved: Flushed[] = []
  // Every third epoch has no rows.
  for (let epoch = 1; epoch <= 8; epoch++) {
    saved.push(await stage(sink, epoch, epoch % 3 === 0 ? [] : [epoch]))
    await publish(sink, saved.at(-1)!)
  }
  await sink.close?.()
  const before = numbers(store)
  for (const [k, state] of saved.entries()) {
    if (k < 7) await expect(begin(store, state)).rejects.toMatchObject(refusal)
    else await (await begin(store, state)).close?.()
    expect(numbers(store)).toEqual(before)
  }
  for (const [existing, expected] of [
    ['keep', [...before, 9]],
    ['replace', [9]],
  ] as const) {
    const anew = await begin(store, undefined, { existing })
    await publish(anew, await stage(anew, 1, [9]))
    await anew.close?.()
    expect(numbers(store)).toEqual(expected)
  }
})

test('a state put back at the same epoch is known to be of another history', async () => {
  const store = makeStore()
  const first = await begin(store)
  const one = await stage(first, 1, [1])
  await publish(first, one)
  const two = await stage(first, 2, [2])
  await first.close?.()
  // The state of epoch 1 comes back before epoch 2 was published: it goes on, to an epoch 2 of its own.
  const other = await begin(store, one)
  await publish(other, one)
  const twoAgain = await stage(other, 2, [2, 3])
  await other.close?.()
  // What the other history staged does not pass for this one's.
  const mixed = await begin(store, two)
  await expect(publish(mixed, two)).rejects.toMatchObject({ code: 'stage_gone' })
  await mixed.close?.()
  const right = await begin(store, one)
  const twoAtLast = await stage(right, 2, [2, 3])
  await publish(right, twoAtLast)
  await right.close?.()
  for (const state of [one, two, twoAgain]) await expect(begin(store, state)).rejects.toMatchObject(refusal)
  await publish(await begin(store, twoAtLast), twoAtLast)
  expect(numbers(store)).toEqual([1, 2, 3])
})

test('no kill makes a state older, whether it comes before or after the publish, once or again and again', async () => {
  for (const published of [false, true]) {
    const store = makeStore()
    const dead = await begin(store)
    await publish(dead, await stage(dead, 1, [1]))
    const two = await stage(dead, 2, [2])
    if (published) await publish(dead, two)
    await stage(dead, 3, [3, 4])
    for (let n = 0; n < 3; n++) {
      const next = await begin(store, two)
      await publish(next, two)
      await stage(next, 3, [3])
    }
    const last = await begin(store, two)
    await publish(last, two)
    await publish(last, await stage(last, 3, [3]))
    expect(numbers(store)).toEqual([1, 2, 3])
  }
})
