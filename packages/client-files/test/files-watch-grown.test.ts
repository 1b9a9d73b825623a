/** A watched file that keeps growing is not read again from its beginning, and what is not appended is noticed. */
import { appendFileSync, closeSync, copyFileSync, openSync, renameSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Disk, nodeDisk } from '../src/disk.ts'
import { file, fresh, lines, put, root } from './files-run.ts'
import { append, watching } from './watch-run.ts'

const rows = 400_000
const path = () => join(root, 'a.csv')

/** Overwrites bytes in the middle, in place. */
function overwrite(position: number): void {
  const handle = openSync(path(), 'r+')
  writeSync(handle, 'TEXT', position)
  closeSync(handle)
}

async function grown(disk: Disk = nodeDisk) {
  put('a.csv', file(0, rows))
  const state = fresh()
  const seen = watching('a.csv', state, { disk })
  await seen.has(rows)
  // Compared as a whole, once.
  append('a.csv', lines(rows, rows + 1))
  await seen.has(rows + 1)
  return { seen, state }
}

it('is compared by its last MiB from its second growth on', async () => {
  let bytes = 0
  const disk: Disk = {
    ...nodeDisk,
    async open(name) {
      const reader = await nodeDisk.open(name)
      return {
        ...reader,
        async read(into, position) {
          const n = await reader.read(into, position)
          bytes += n
          return n
        },
      }
    },
  }
  const { seen, state } = await grown(disk)
  const before = bytes
  const size = file(0, rows).length
  expect(before).toBeGreaterThan(2 * size)
  for (let n = 1; n <= 5; n++) {
    append('a.csv', `${lines(rows + n, rows + n + 1)}${rows + n + 1},te`)
    await seen.has(rows + n + 1)
    truncateSync(path(), file(0, rows + n + 1).length)
  }
  expect((bytes - before) / 5).toBeLessThan(2.5 * 2 ** 20)
  await seen.looksAgain()
  await seen.stop()
  expect(seen.numbers).toEqual(Array.from({ length: rows + 6 }, (_, i) => i))
  append('a.csv', lines(rows + 6, rows + 7))
  const again = watching('a.csv', state)
  await again.has(1)
  expect(again.numbers).toEqual([rows + 6])
})

it('stops the run if its last MiB is overwritten, if it is cut off, or if it is another file', async () => {
  const size = file(0, rows).length
  const changes: [change: () => void, how: RegExp][] = [
    [() => (overwrite(size - 5), appendFileSync(path(), lines(0, 1))), /changed/],
    [() => truncateSync(path(), size - 100), /shorter/],
    [
      () => {
        copyFileSync(path(), join(root, 'b'))
        renameSync(join(root, 'b'), path())
        overwrite(500_007)
        appendFileSync(path(), lines(0, 1))
      },
      /changed/,
    ],
  ]
  for (const [change, how] of changes) {
    const { seen } = await grown()
    change()
    await expect(seen.ended).rejects.toMatchObject({ code: 'input_changed', message: expect.stringMatching(how) })
  }
})

it('stops the next run if its middle is overwritten', async () => {
  const { seen, state } = await grown()
  overwrite(500_007)
  append('a.csv', lines(rows + 1, rows + 2))
  await seen.has(rows + 2)
  await seen.stop()
  append('a.csv', lines(rows + 2, rows + 3))
  await expect(watching('a.csv', state).ended).rejects.toMatchObject({ code: 'input_changed' })
})
