/**
 * The power is cut at every single call to the disk, and what the run leaves in the end is held against what was
 * written.
 */
import type { Json, Row } from '@millrace/core'
import { dyingDisk, ForgetfulDisk, PowerCut } from '@millrace/testkit'
import { expect, test } from 'vitest'
import type { Disk } from '@millrace/client-files'
import { flush, makeSink, opening, signal, type Some, write } from './drive.ts'
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

let starts = 0

/**
 * Runs from what is saved to the end. Every third epoch is rolled; an epoch is 5 rows. `reader`: called after each
 * publish.
 */
async function run(disk: Disk, options: Some, holds: boolean, saved: Saved, reader = async () => {}): Promise<void> {
  const sink = makeSink('/project', schema, options, disk)
  const restore = saved.resume === undefined ? {} : { restore: saved.resume }
  await sink.open!(opening({ ...restore, start: `s${++starts}` }))
  const publishAll = async () => {
    for (const stage of saved.stages) {
      await sink.publish!(stage, { signal })
      await reader()
    }
    // They are recorded with the next save.
    if (saved.ended) saved.stages = []
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
  ['JSON lines that roll in the middle of writes', { path: 'out/', roll: { size: 1e9, records: 4, time: 1e9 } }, false],
]

/** An empty disk, or one with a file of an earlier run. */
async function diskFor(options: Some): Promise<ForgetfulDisk> {
  const disk = new ForgetfulDisk()
  await disk.makeFolder('/project')
  if (options.existing !== 'replace') return disk
  await disk.makeFolder('/project/out')
  const old = await disk.create('/project/out/lines.jsonl')
  await old.write(Buffer.from('{"id":-1}\n'), 0)
  await old.sync()
  await disk.syncFolder('/project/out')
  return disk
}

/** Whether it came to its end, and not to that of the power. */
const endsBefore = (running: Promise<void>): Promise<boolean> =>
  running.then(
    () => true,
    (error) => {
      if (!(error instanceof PowerCut)) throw error
      return false
    },
  )

test.each(jobs)('%s lose and double nothing when the power is cut at any call', async (_, options, holds) => {
  const expected = rows.map((row) => row['id'])
  for (let calls = 1, ended = false; !ended; calls++) {
    // Of the changes that were not synced, none is there afterwards, or every other one.
    const keeps = calls % 2 === 0
    const disk = await diskFor(options)
    const saved: Saved = { at: 0, epoch: 0, ended: false, stages: [] }
    ended = await endsBefore(run(dyingDisk(disk, calls), options, holds, saved))
    let turn = calls
    // Every third time only the process dies.
    if (calls % 3 > 0) disk.cutPower(() => keeps && turn++ % 2 === 0)
    // Nothing half written is ever seen, and what was published before is still there.
    const seen = ids(disk).filter((id) => id >= 0)
    expect(new Set(seen).size).toBe(seen.length)
    await run(disk, options, holds, saved)
    // What has ended stays, whatever happens.
    disk.cutPower()
    expect(ids(disk)).toEqual(expected)
    expect(disk.files().filter((path) => path.includes('.part'))).toEqual([])
  }
})

test.each(jobs)('%s come to a reader once who takes each file as soon as it is shown', async (_, options, holds) => {
  for (let calls = 1, ended = false; !ended; calls++) {
    const disk = await diskFor(options)
    const saved: Saved = { at: 0, epoch: 0, ended: false, stages: [] }
    const taken: number[] = []
    const reader = async () => {
      taken.push(...ids(disk))
      for (const path of shown(disk)) {
        await disk.remove(path)
        await disk.syncFolder(path.slice(0, path.lastIndexOf('/')))
      }
    }
    ended = await endsBefore(run(dyingDisk(disk, calls), options, holds, saved, reader))
    // A file may be shown, and taken, in the middle of the last call.
    if (calls % 3 > 0) await reader()
    let turn = calls
    const cutPower = () => disk.cutPower(() => calls % 2 === 0 && turn++ % 2 === 0)
    if (calls % 3 > 0) cutPower()
    else {
      // Only the process dies, and the power is cut during the next start.
      await endsBefore(run(dyingDisk(disk, 1 + (calls % 29)), options, holds, saved, reader))
      await reader()
      cutPower()
    }
    await run(disk, options, holds, saved, reader)
    await reader()
    expect(taken.filter((id) => id >= 0).toSorted((a, b) => a - b)).toEqual(rows.map((row) => row['id']))
  }
})
