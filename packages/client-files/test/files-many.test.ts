/** Folders of very many files. */
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Disk, nodeDisk } from '../src/disk.ts'
import { fresh, numbers, put, root, run } from './files-run.ts'

/** The disk of this machine, which counts the files that are opened. */
function countingDisk() {
  const count = { opened: 0, open: 0, most: 0 }
  const disk: Disk = {
    ...nodeDisk,
    async open(path) {
      const reader = await nodeDisk.open(path)
      count.opened++
      count.most = Math.max(count.most, ++count.open)
      return {
        ...reader,
        close() {
          count.open--
          return reader.close()
        },
      }
    },
  }
  return { disk, count }
}

/** More of them by hand; then it prints how long it took. */
const asked = process.env['MILLRACE_MANY_FILES']
const files = Number(asked ?? 20_000)
const nameOf = (i: number) => `in/${String(i % 100).padStart(2, '0')}/${String(i).padStart(6, '0')}.csv`

it(`${files} files flow from the first on, with few of them open, and are not opened again where nothing is new`, {
  timeout: files * 10,
}, async () => {
  for (let i = 0; i < 100; i++) mkdirSync(join(root, nameOf(i), '..'), { recursive: true })
  for (let i = 0; i < files; i++) writeFileSync(join(root, nameOf(i)), `a,b\n${i},text\n`)

  const started = performance.now()
  const first = countingDisk()
  const state = fresh()
  const announced: number[] = []
  let openedBefore = 0
  const all = await run('in', state, {
    disk: first.disk,
    onBatch: (_, n) => {
      if (n === 1) openedBefore = first.count.opened
    },
  })
  for (const { splits, complete } of all.splits) announced.push(complete ? -splits.length : splits.length)
  expect(openedBefore).toBeLessThanOrEqual(100)
  expect(first.count).toEqual({ opened: files, open: 0, most: 100 })
  expect(announced).toEqual([...Array(files / 100 - 1).fill(100), -100])
  expect(new Set(numbers(all)).size).toBe(files)

  const restarted = performance.now()
  const again = countingDisk()
  expect((await run('in', state, { disk: again.disk })).batches).toEqual([])
  expect(again.count.opened).toBe(0)
  const ended = performance.now()
  if (asked)
    process.stdout.write(
      `${files} files: ${Math.round(restarted - started)} ms, again ${Math.round(ended - restarted)} ms\n`,
    )

  appendFileSync(join(root, nameOf(7)), '-7,text\n')
  put('in/new.csv', 'a,b\n-1,text\n')
  rmSync(join(root, nameOf(8)))
  const more = countingDisk()
  expect(numbers(await run('in', state, { disk: more.disk }))).toEqual([-7, -1])
  expect(more.count.opened).toBe(2)
})
