/**
 * What was written after the last save is cut away at a restart: the epoch may come again with fewer records, and be
 * shown before more come.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { finish, flush, makeSink, opening, publish, write } from './drive.ts'
import { integer } from './read.ts'

const schema = { fields: { id: integer() } }
const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => ({ id: from + i }))

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-cut-back-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

test('a file that was written further than it was saved is cut back before it is shown', async () => {
  const dead = makeSink(root, schema, {})
  await dead.open!(opening())
  await write(dead, ids(0, 5))
  const { resume } = await flush(dead)
  await write(dead, ids(5, 20))
  await flush(dead)
  await dead.close!()

  const again = makeSink(root, schema, {})
  await again.open!(opening({ restore: resume! }))
  await write(again, ids(5, 7))
  await publish(again, await flush(again, { roll: true }))
  await write(again, ids(7, 8))
  await finish(again)
  const lines = async (n: number) =>
    (await readFile(join(root, 'out', `trips-000001-lake-0000${n}.jsonl`), 'utf8')).split('\n').slice(0, -1)
  expect(await lines(1)).toEqual(ids(0, 7).map((row) => JSON.stringify(row)))
  expect(await lines(2)).toEqual(['{"id":7}'])
})
