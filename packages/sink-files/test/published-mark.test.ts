/** What becomes of a file once it is shown is the affair of its readers. One that was not shown must be there. */
import { mkdir, mkdtemp, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Flushed, RecordType, Row, Sink } from '@millrace/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { finish, flush, makeSink, opening, publish, signal, type Some, write } from './drive.ts'
import { allFiles, integer, string, visibleFiles, visibleRows } from './read.ts'

const schema: RecordType = { fields: { id: integer(), city: string(true) } }
const rows = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, city: 'ab'[i % 2]! }))

let root: string
const out = () => join(root, 'out')
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-published-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const hidden = async () => (await allFiles(out())).filter((file) => file.endsWith('.part')).map((f) => join(out(), f))
const starts = (n: number) => ({ start: `start${n}` })

/** What is saved of a sink that has written and flushed. */
async function staged(sink: Sink, some: readonly Row[]): Promise<Flushed> {
  await write(sink, some)
  return flush(sink, { roll: true })
}

const layouts: [what: string, options: Some][] = [
  ['JSON lines in a folder', {}],
  ['files named by a field', { path: 'out/{city}.csv', roll: { size: 1e9, records: 1e9, time: 1e9 } }],
  ['Parquet in folders', { path: 'out/{city}/', format: 'parquet' }],
]

test.each(layouts)('%s may be taken away before that they were shown is recorded', async (_, options) => {
  const ways: (() => Promise<unknown>)[] = [
    async () => {
      for (const file of await visibleFiles(out())) await rm(join(out(), file))
    },
    async () => {
      await mkdir(join(root, 'taken'), { recursive: true })
      for (const [n, file] of (await visibleFiles(out())).entries())
        await rename(join(out(), file), join(root, 'taken', String(n)))
    },
    async () => {
      for (const file of await visibleFiles(out())) await truncate(join(out(), file), 1)
    },
    async () => {
      for (const name of await readdir(out()))
        if (!name.startsWith('.')) await rm(join(out(), name), { recursive: true })
    },
  ]
  for (const [n, takeAway] of ways.entries()) {
    await rm(out(), { recursive: true, force: true })
    const dead = makeSink(root, schema, options)
    await dead.open!(opening(starts(1)))
    await publish(dead, await staged(dead, rows(0, 4)))
    const saved = await staged(dead, rows(4, 8))
    await publish(dead, saved)
    await takeAway()
    // In the same process, where the engine repeats it, and in the next, which nobody closed the first for.
    await publish(dead, saved)
    const again = makeSink(root, schema, options)
    await again.open!(opening({ restore: saved.resume!, ...starts(2) }))
    await publish(again, saved)
    await publish(again, await staged(again, rows(8, 10)))
    if (n !== 2) expect((await visibleRows(out(), schema)).length).toBe(2)
    await finish(again)
  }
})

test('a stage that was not shown and is gone, or is not as it was, stops the run, others before it or not', async () => {
  const options = { path: 'out/{city}/' }
  for (const shown of [0, 1]) {
    for (const change of ['remove', 'cut off']) {
      await rm(out(), { recursive: true, force: true })
      const dead = makeSink(root, schema, options)
      await dead.open!(opening(starts(1)))
      const saved = await staged(dead, rows(0, 4))
      for (const stage of saved.stages!.slice(0, shown)) await dead.publish!(stage, { signal })
      const last = (await hidden()).at(-1)!
      await (change === 'remove' ? rm(last) : truncate(last, 3))
      const again = makeSink(root, schema, options)
      await again.open!(opening({ restore: saved.resume!, ...starts(2) }))
      await expect(publish(again, saved)).rejects.toMatchObject({
        code: 'stage_missing',
        message: expect.stringContaining(change === 'remove' ? 'is gone' : 'was changed'),
        hint: expect.stringContaining('state reset'),
      })
      await again.close!()
    }
  }
})

test('a file of the same size under the final name does not pass for one that was shown', async () => {
  const sink = makeSink(root, schema, {})
  await sink.open!(opening(starts(1)))
  const saved = await staged(sink, rows(0, 1))
  await rm((await hidden())[0]!)
  await writeFile(join(out(), 'trips-000001-lake-00001.jsonl'), '{"id":9,"city":"a"}\n')
  await expect(publish(sink, saved)).rejects.toMatchObject({ code: 'stage_missing' })
  await sink.close!()
})

test('a name is not given twice, though its file was taken away', async () => {
  const sink = makeSink(root, schema, { path: 'out/lines.jsonl', roll: { size: 1e9, records: 2, time: 1e9 } })
  await sink.open!(opening(starts(1)))
  const seen: string[] = []
  let resume = undefined as Flushed['resume']
  for (let n = 0; n < 3; n++) {
    const saved = await staged(sink, rows(2 * n, 2 * n + 2))
    await publish(sink, saved)
    resume = saved.resume
    for (const file of await visibleFiles(out())) {
      seen.push(file)
      await rm(join(out(), file))
    }
  }
  await sink.close!()
  const again = makeSink(root, schema, { path: 'out/lines.jsonl' })
  await again.open!(opening({ restore: resume!, ...starts(2) }))
  await write(again, rows(6, 7))
  await finish(again)
  expect([...seen, ...(await visibleFiles(out()))]).toEqual([
    'lines.jsonl',
    'lines-00002.jsonl',
    'lines-00003.jsonl',
    'lines-00004.jsonl',
  ])
})
