/** The power is cut at every single call to the disk, and what the run leaves in the end is held against what was written. */
import type { Json, Row } from '@millrace/core'
import { dyingDisk, ForgetfulDisk, PowerCut } from '@millrace/testkit'
import { expect, test } from 'vitest'
import type { Disk } from '@millrace/formats'
import type { Some } from './drive.ts'
import { flush, makeSink, opening, signal, write } from './drive.ts'
import { integer, string } from './read.ts'

const schema = { fields: { id: integer(), city: string(true) } }
const rows: Row[] = Array.from({ length: 24 }, (_, id) => ({ id, city: ['a', 'b', null][id % 3]! }))

/** What the engine keeps in its one transaction. */
interface Saved {
  at: number
  epoch: number
  ended: boolean
  resume?: Json | undefined
  stages: Json[]
}

/** Runs from what is saved to the end. Every third epoch is rolled; an epoch is 5 rows. */
async function run(disk: Disk, options: Some, holds: boolean, saved: Saved): Promise<void> {
  const sink = makeSink('/project', schema, options, disk)
  await sink.open!(opening(saved.resume === undefined ? {} : { restore: saved.resume }))
  const publishAll = async () => {
    for (const stage of saved.stages) await sink.publish!(stage, { signal })
    saved.stages = []
  }
  await publishAll()
  while (!saved.ended) {
    const epoch = saved.epoch + 1
    const roll = epoch % 3 === 0
    const size = holds ? 15 : 5
    for (let at = saved.at; at < Math.min(saved.at + size, rows.length); at++) await write(sink, [rows[at]!])
    const end = saved.at + size >= rows.length
    const flushed = await flush(sink, { roll: roll || holds || end, end })
    Object.assign(saved, {
      at: saved.at + size,
      epoch,
      ended: end,
      resume: flushed.resume ?? saved.resume,
      stages: [...(flushed.stages ?? [])],
    })
    await publishAll()
  }
  await sink.close!()
}

const shown = (disk: ForgetfulDisk): string[] =>
  disk.files().filter((path) => path.startsWith('/project/out') && !/\/\./.test(path))
function ids(disk: ForgetfulDisk): number[] {
  const read = (path: string): Row[] => {
    const text = disk.read(path)!.toString()
    return path.endsWith('.json')
      ? (JSON.parse(text) as Row[])
      : text
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Row)
  }
  return shown(disk)
    .flatMap((path) => read(path).map((row) => row['id'] as number))
    .toSorted((a, b) => a - b)
}

const jobs: [string, Some, boolean][] = [
  ['one file of JSON lines', { path: 'out/lines.jsonl' }, false],
  ['JSON lines in folders by city', { path: 'out/{city}/', max_open_files: 2 }, false],
  ['JSON arrays', { path: 'out/', format: 'json' }, true],
  ['JSON lines that replace an earlier run', { path: 'out/lines.jsonl', existing: 'replace' }, false],
]

test.each(jobs)('%s lose and double nothing when the power is cut at any call', async (_, options, holds) => {
  const expected = rows.map((row) => row['id'])
  for (let calls = 1, ended = false; !ended; calls++) {
    // Of the changes that were not synced, none is there afterwards, or every other one.
    const keeps = calls % 2 === 0
    const disk = new ForgetfulDisk()
    await disk.makeFolder('/project')
    if (options.existing === 'replace') {
      await disk.makeFolder('/project/out')
      const old = await disk.create('/project/out/lines.jsonl')
      await old.write(Buffer.from('{"id":-1}\n'), 0)
      await old.sync()
      await disk.syncFolder('/project/out')
    }
    const saved: Saved = { at: 0, epoch: 0, ended: false, stages: [] }
    ended = await run(dyingDisk(disk, calls), options, holds, saved).then(
      () => true,
      (error) => {
        if (!(error instanceof PowerCut)) throw error
        return false
      },
    )
    let turn = calls
    disk.cutPower(() => keeps && turn++ % 2 === 0)
    // Nothing half written is ever seen, and what was published before is still there.
    const seen = ids(disk).filter((id) => id >= 0)
    expect(new Set(seen).size).toBe(seen.length)
    await run(disk, options, holds, saved)
    expect(ids(disk)).toEqual(expected)
    expect(disk.files().filter((path) => path.includes('.part'))).toEqual([])
  }
})
