/** Files end where `roll` says: to the record, within one record of the size, and by the clock. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PartialWriteError, RecordType, Row } from '@millrace/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { finish, flush, makeSink, opening, publish, type Some, write } from './drive.ts'
import { integer, rowsOf, string, visibleFiles, visibleRows } from './read.ts'

const schema: RecordType = { fields: { id: integer(), city: string(true) } }
const row = (id: number, city: string | null = 'a'): Row => ({ id, city })
const rows = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, i) => row(from + i))

let root: string
const out = () => join(root, 'out')
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-roll-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const roll = (more: object) => ({ size: 1e9, records: 1e9, time: 1e9, ...more })
const counts = async () =>
  Promise.all((await visibleFiles(out())).map(async (file) => (await rowsOf(join(out(), file), schema)).length))

/** Writes of these sizes, a flush without roll after each third; what is shown in the end. */
async function writeAll(options: Some, sizes: readonly number[], holds = false): Promise<void> {
  const sink = makeSink(root, schema, options)
  await sink.open!(opening())
  let at = 0
  for (const [k, size] of sizes.entries()) {
    await write(sink, rows(at, (at += size)))
    if (k % 3 < 2) continue
    if (!holds) await publish(sink, await flush(sink))
    else if (sink.full!()) await publish(sink, await flush(sink, { roll: true }))
  }
  await finish(sink)
}

describe('by records', () => {
  test.each(['jsonl', 'csv'] as const)(
    'every file of %s but the last is full, whatever the writes are',
    async (format) => {
      await writeAll({ format, roll: roll({ records: 50 }) }, [1, 48, 7, 1000, 93, 50, 1, 100])
      expect(await counts()).toEqual([...Array(26).fill(50)])
      expect(await visibleRows(out(), schema)).toEqual(rows(0, 1300))
    },
  )

  test.each(['parquet', 'json'] as const)(
    'no file of %s has more, and the checkpoint is due at once',
    async (format) => {
      const sizes = [1, 48, 7, 1000, 93, 50, 1, 100]
      await writeAll({ format, roll: roll({ records: 50 }) }, sizes, true)
      expect(Math.max(...(await counts()))).toBe(50)
      expect(await visibleRows(out(), schema)).toEqual(rows(0, 1300))
    },
  )

  test('a file of one record each is no more than that', async () => {
    await writeAll({ roll: roll({ records: 1 }) }, [3])
    expect(await counts()).toEqual([1, 1, 1])
  })

  test('each place counts for itself, and what is refused does not count', async () => {
    const sink = makeSink(root, schema, { path: 'out/{city}/', format: 'csv', roll: roll({ records: 3 }) })
    await sink.open!(opening())
    const mixed = Array.from({ length: 20 }, (_, id) => row(id, id === 4 ? '\ud800' : 'ab'[id % 2]!))
    const thrown = await write(sink, mixed).catch((error) => error as PartialWriteError)
    expect(thrown!.failures.map(({ index }) => index)).toEqual([4])
    await finish(sink)
    // a has 9 rows, b has 10.
    expect(await counts()).toEqual([3, 3, 3, 3, 3, 3, 1])
  })

  test('a write that is cut names what it refuses by its place in the whole', async () => {
    const sink = makeSink(root, schema, { format: 'csv', roll: roll({ records: 4 }) })
    await sink.open!(opening())
    await write(sink, rows(0, 3))
    const bad = rows(3, 30).map((r) => (Number(r['id']) % 7 === 0 ? { ...r, city: '\ud800' } : r))
    const thrown = await write(sink, bad).catch((error) => error as PartialWriteError)
    expect(thrown!.failures.map(({ index }) => bad[index]!['id'])).toEqual([7, 14, 21, 28])
    await finish(sink)
    expect((await visibleRows(out(), schema)).map((r) => r['id'])).toEqual(
      rows(0, 30)
        .map((r) => r['id'])
        .filter((id) => id === 0 || Number(id) % 7 > 0),
    )
  })

  test('a bound that was lowered between two starts is met', async () => {
    const first = makeSink(root, schema, { roll: roll({ records: 100 }) })
    await first.open!(opening())
    await write(first, rows(0, 60))
    const { resume } = await flush(first)
    await first.close!()
    const again = makeSink(root, schema, { roll: roll({ records: 50 }) })
    await again.open!(opening({ restore: resume! }))
    await write(again, rows(60, 120))
    await finish(again)
    expect(await counts()).toEqual([60, 50, 10])
  })
})

test('a file is larger than its size by less than its last record', async () => {
  for (const format of ['jsonl', 'csv', 'json'] as const) {
    const sink = makeSink(root, schema, { path: `out/${format}/`, format, roll: roll({ size: 10_000 }) })
    await sink.open!(opening())
    for (let at = 0; at < 3000; at += 700)
      await write(
        sink,
        rows(at, at + 700).map((r) => ({ ...r, city: '\u00e4'.repeat(Number(r['id']) % 90) })),
      )
    await finish(sink)
    const files = (await visibleFiles(join(out(), format))).map((file) => join(out(), format, file))
    expect(files.length).toBeGreaterThan(10)
    const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
    for (const size of sizes.slice(0, -1)) {
      expect(size).toBeGreaterThanOrEqual(10_000)
      expect(size).toBeLessThan(10_000 + 220)
    }
  }
})

test('a size below that of the header, or of a record, gives a file to each record', async () => {
  for (const format of ['csv', 'json'] as const) {
    await rm(out(), { recursive: true, force: true })
    await writeAll({ format, roll: roll({ size: 3 }) }, [3, 2], true)
    expect(await counts()).toEqual([1, 1, 1, 1, 1])
  }
})

describe('by time', () => {
  let now = 0
  const time = (format: 'jsonl' | 'parquet', more: Some = {}) =>
    makeSink(root, schema, { format, roll: roll({ time: 500, records: 10 }), ...more }, undefined, () => now)

  test('a file is due when it is old enough, though nothing is written', async () => {
    for (const format of ['jsonl', 'parquet'] as const) {
      const sink = time(format)
      await sink.open!(opening())
      now += 10_000
      expect(sink.full!()).toBe(false)
      await write(sink, rows(0, 1))
      now += 300
      await write(sink, rows(1, 2))
      now += 199
      expect(sink.full!()).toBe(false)
      now += 1
      expect(sink.full!()).toBe(true)
      await flush(sink, { roll: true })
      expect(sink.full!()).toBe(false)
      await sink.close!()
    }
  })

  test('a file that is whole is shown by the next flush, and where only a roll can do that, it is due', async () => {
    for (const [format, isDue] of [
      ['jsonl', false],
      ['parquet', true],
    ] as const) {
      const sink = time(format)
      await sink.open!(opening())
      await write(sink, rows(0, 12))
      expect(sink.full!()).toBe(isDue)
      const { stages } = await flush(sink, { roll: isDue })
      expect(stages).toHaveLength(isDue ? 2 : 1)
      await sink.close!()
    }
  })

  test('one that was finished to make room is due like any other', async () => {
    const sink = time('parquet', { path: 'out/{city}/', max_open_files: 1 })
    await sink.open!(opening())
    await write(sink, [row(1, 'a')])
    now += 300
    await write(sink, [row(2, 'b')])
    expect(sink.full!()).toBe(false)
    now += 200
    expect(sink.full!()).toBe(true)
    await sink.close!()
  })

  test('the age of a file goes on over a restart', async () => {
    const first = time('jsonl')
    await first.open!(opening())
    await write(first, rows(0, 1))
    now += 400
    const { resume } = await flush(first)
    await first.close!()
    now = 5
    const again = time('jsonl')
    await again.open!(opening({ restore: resume! }))
    now += 99
    expect(again.full!()).toBe(false)
    now += 1
    expect(again.full!()).toBe(true)
    await again.close!()
  })
})
