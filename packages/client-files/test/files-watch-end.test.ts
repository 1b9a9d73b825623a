/** Watched files with an end: those that no lines can be appended to, and those that go away once they are read. */
import { existsSync, readdirSync, readFileSync, renameSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { fileWriteFormats } from '../../formats-columnar/src/formats.ts'
import { file, fresh, lines, put, root, schema } from './files-run.ts'
import { append, countingDisk, until, watching } from './watch-run.ts'

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)
const inside = () => readdirSync(join(root, 'in')).toSorted()
/** As if it had been written long ago. */
const age = (name: string) => utimesSync(join(root, name), 1_700_000_000, 1_700_000_000)

async function parquet(from: number, to: number): Promise<Buffer> {
  const writer = (await fileWriteFormats.prepare({ type: 'parquet' }, schema))()
  writer.write(upTo(to - from).map((i) => ({ a: from + i, b: 'text' })))
  return Buffer.from(writer.finish())
}
const json = (from: number, to: number) => JSON.stringify(upTo(to - from).map((i) => ({ a: from + i, b: 'text' })))

describe('a watched file that no lines can be appended to', () => {
  const kinds = [
    ['parquet', 'in/a.parquet', () => parquet(0, 3), () => parquet(3, 5)],
    ['json', 'in/a.json', async () => Buffer.from(json(0, 3)), async () => Buffer.from(json(3, 5))],
    ['csv', 'in/a.csv.gz', async () => gzipSync(file(0, 3)), async () => gzipSync(file(3, 5))],
  ] as const

  it.each(kinds)('(%s) is read once it is at rest, and not opened again', async (type, name, content, other) => {
    const disk = countingDisk()
    disk.isBusy = true
    put(name, (await content()).subarray(0, -5))
    const seen = watching('in', fresh(), { format: { type }, disk })
    await until(() => disk.inspected > 10)
    expect([seen.numbers, seen.looks, disk.opens.size]).toEqual([[], 0, 0])
    put(name, await content())
    disk.isBusy = false
    await seen.has(3)
    expect(seen.batches.at(-1)).toMatchObject({ end: true })
    await seen.looksAgain()
    expect(disk.opens.get(name)).toBe(1)
    put('in/next', await other())
    renameSync(join(root, 'in/next'), join(root, name))
    await seen.has(5)
    expect(seen.numbers).toEqual(upTo(5))
  })

  it('is read at once if it was written long ago', async () => {
    put('in/a.parquet', await parquet(0, 3))
    age('in/a.parquet')
    const seen = watching('in', fresh(), { format: { type: 'parquet' }, watchMs: 3_600_000 })
    await until(() => seen.looks === 2)
    expect(seen.numbers).toEqual([0, 1, 2])
  })

  it('is not reported as read while it waits', async () => {
    put('in/a.parquet', await parquet(0, 3))
    put('in/b.parquet', await parquet(3, 5))
    age('in/a.parquet')
    const seen = watching('in', fresh(), { format: { type: 'parquet' }, watchMs: 3_600_000 })
    await until(() => seen.numbers.length === 3)
    await seen.stop()
    expect(seen.looks).toBe(0)
  })

  it('fails by name if it is at rest and broken, and is read by a later run once it is mended', async () => {
    for (const [type, name, content] of kinds) {
      put(name, (await content()).subarray(0, -5))
      const state = fresh()
      await expect(watching(name, state, { format: { type } }).ended, name).rejects.toMatchObject({ place: name })
    }
    put('in/a.parquet', await parquet(0, 3))
    const seen = watching('in/a.parquet', fresh(), { format: { type: 'parquet' } })
    await seen.has(3)
  })

  it('and has grown since, compressed, is not the one that was read', async () => {
    put('in/a.csv.gz', gzipSync(file(0, 3)))
    const seen = watching('in')
    await seen.has(3)
    append('in/a.csv.gz', gzipSync(lines(3, 4)).toString('latin1'))
    put('in/a.csv.gz', Buffer.concat([gzipSync(file(0, 3)), gzipSync(lines(3, 4))]))
    await expect(seen.ended).rejects.toMatchObject({ code: 'input_changed', message: expect.stringContaining('grown') })
  })
})

describe('a watched file that is deleted or moved after reading', () => {
  it('stays until it is at rest, and what is appended until then is read', async () => {
    put('in/a.csv', file(0, 3))
    const disk = countingDisk()
    disk.isBusy = true
    const seen = watching('in', fresh(), { afterRead: { move: join(root, 'done') }, disk })
    await seen.has(3)
    await seen.looksAgain()
    expect([inside(), seen.batches.some(({ end }) => end)]).toEqual([['a.csv'], false])
    append('in/a.csv', lines(3, 5))
    await seen.has(5)
    disk.isBusy = false
    await until(() => inside().length === 0)
    expect(readFileSync(join(root, 'done/in/a.csv'), 'utf8')).toBe(file(0, 5))
    put('in/a.csv', file(5, 6))
    await until(() => existsSync(join(root, 'done/in')) && readdirSync(join(root, 'done/in')).length === 2)
    expect(seen.numbers).toEqual(upTo(6))
  })

  it('stays if it grows between the last look and the removal, and goes once that was read', async () => {
    put('in/a.csv', file(0, 3))
    let grew = 0
    const seen = watching('in', fresh(), {
      afterRead: 'delete',
      onBatch({ end }) {
        if (end && grew++ < 2) append('in/a.csv', lines(2 + grew, 3 + grew))
      },
    })
    await until(() => inside().length === 0)
    expect([seen.numbers, grew]).toEqual([upTo(5), 3])
  })

  it('stays while its last line is not complete', async () => {
    put('in/a.csv', `${file(0, 3)}3,te`)
    const seen = watching('in', fresh(), { afterRead: 'delete' })
    await seen.has(3)
    await until(() => seen.warnings.length === 1)
    expect(inside()).toEqual(['a.csv'])
    append('in/a.csv', 'xt\n')
    await until(() => inside().length === 0)
    expect(seen.numbers).toEqual(upTo(4))
  })

  it('goes away after a restart, wherever the process died', async () => {
    for (let stop = 1; stop <= 6; stop++) {
      put('in/a.csv', file(0, 3))
      put('in/b.csv.gz', gzipSync(file(3, 6)))
      const state = fresh()
      const first = watching('in', state, { afterRead: 'delete', commit: false, stop })
      await first.ended
      expect(inside()).toEqual(['a.csv', 'b.csv.gz'])
      const second = watching('in', state, { afterRead: 'delete' })
      await until(() => inside().length === 0)
      await second.looksAgain()
      await second.stop()
      expect([...first.numbers, ...second.numbers], `after ${stop}`).toEqual(upTo(6))
      expect([...state.memory.keys()]).toEqual([])
    }
  })

  it('is opened once more when it is finished, and not at the looks before and after', async () => {
    put('in/a.csv', file(0, 3))
    const disk = countingDisk()
    const state = fresh()
    // That it has ended is never published, so it stays.
    const seen = watching('in', state, { afterRead: 'delete', disk, watchMs: 40, commit: false })
    await until(() => seen.batches.at(-1)?.end === true)
    const batches = seen.batches.length
    await seen.looksAgain()
    await seen.looksAgain()
    expect([disk.opens, seen.batches.length]).toEqual([new Map([['in/a.csv', 2]]), batches])
    expect([...state.memory.keys()]).toEqual([])
    append('in/a.csv', lines(3, 4))
    await seen.has(4)
    await seen.stop()
    await watching('in', state, { afterRead: 'delete' }).looksAgain()
    await until(() => inside().length === 0)
  })
})
