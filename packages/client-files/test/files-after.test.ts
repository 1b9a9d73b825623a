/** What becomes of a file once all of it is saved: deleted or moved if it is the one that was read, else left alone. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { SystemError } from '@millrace/core'
import { dyingDisk, ForgetfulDisk } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { disposeOf } from '../src/after.ts'
import { type Disk, nodeDisk } from '../src/disk.ts'
import { stampOf } from '../src/extent.ts'
import { live } from '../../formats/test/csv-read.ts'
import { file, fresh, makeSource, numbers, put, root, run } from './files-run.ts'

describe('files after reading', () => {
  it('are deleted or moved once they are saved, and only then', async () => {
    put('in/a.csv', file(0, 3))
    put('in/b.csv', file(3, 6))
    const state = fresh()
    await run('in', state, { stop: 1, afterRead: 'delete' })
    expect(readdirSync(join(root, 'in'))).toEqual(['a.csv', 'b.csv'])
    expect(numbers(await run('in', state, { afterRead: 'delete' }))).toEqual([3, 4, 5])
    expect(readdirSync(join(root, 'in'))).toEqual([])
    expect(numbers(await run('in', state, { afterRead: 'delete' }))).toEqual([])
    put('in/deep/c.csv', file(6, 7))
    await run('in', state, { afterRead: { move: join(root, 'done') } })
    expect(readFileSync(join(root, 'done/in/deep/c.csv'), 'utf8')).toBe(file(6, 7))
    put('in/deep/c.csv', file(6, 8))
    await run('in', fresh(), { afterRead: { move: join(root, 'done') } })
    expect(readdirSync(join(root, 'done/in/deep')).toSorted()).toEqual([
      expect.stringMatching(/^c\.[0-9a-f]{12}\.csv$/),
      'c.csv',
    ])
  })

  it('are dealt with at the next start where the process died before', async () => {
    put('a.csv', file(0, 3))
    const state = fresh()
    await run('a.csv', state, { afterRead: 'delete', commit: false })
    expect(existsSync(join(root, 'a.csv'))).toBe(true)
    expect(numbers(await run('a.csv', state, { afterRead: 'delete' }))).toEqual([])
    expect(existsSync(join(root, 'a.csv'))).toBe(false)
    expect(numbers(await run('a.csv', state, { afterRead: 'delete' }))).toEqual([])
  })

  it('stay where they are not what was read any more, be they of the same size and beginning', async () => {
    const read = file(0, 3000)
    const changed = read.replace('2500,text', '2500,next')
    const path = join(root, 'a.csv')
    const changes = [
      () => put('a.csv', file(5, 8)),
      () => put('a.csv', changed),
      () => (
        put('b', changed),
        utimesSync(join(root, 'b'), statSync(path).atime, statSync(path).mtime),
        renameSync(join(root, 'b'), path)
      ),
      () => put('a.csv', read + '3000,text\n'),
    ]
    for (const change of changes) {
      put('a.csv', read)
      const { done, source } = await run('a.csv', fresh(), { afterRead: 'delete', commit: false })
      change()
      const content = readFileSync(path, 'utf8')
      await source.commit!(done, { signal: live })
      expect(readFileSync(path, 'utf8')).toBe(content)
    }
  })

  it('are not touched before all of them is published', async () => {
    put('a.csv', file(0, 3000))
    const { done } = await run('a.csv', fresh(), { afterRead: 'delete', commit: false })
    const source = makeSource('a.csv', { afterRead: 'delete' })
    await source.commit!(
      done.map(({ ended: _, ...rest }) => rest),
      { signal: live },
    )
    expect(existsSync(join(root, 'a.csv'))).toBe(true)
    await source.commit!(done, { signal: live })
    await source.commit!(done, { signal: live })
    expect(existsSync(join(root, 'a.csv'))).toBe(false)
  })

  it('are found outside of the project as well, without a look at what is there', async () => {
    const outside = mkdtempSync(`${root}-outside-`)
    try {
      const path = join(outside, 'a.csv')
      writeFileSync(path, file(0, 3))
      const { done } = await run(path, fresh(), { afterRead: 'delete', commit: false })
      await makeSource('elsewhere.csv', { afterRead: 'delete' }).commit!(done, { signal: live })
      expect(existsSync(path)).toBe(false)
    } finally {
      rmSync(outside, { recursive: true })
    }
  })

  it('that were copied since are known by what they hold, and dealt with at the next start', async () => {
    put('a.csv', file(0, 3))
    const state = fresh()
    await run('a.csv', state, { afterRead: 'delete', commit: false })
    rmSync(join(root, 'a.csv'))
    put('a.csv', file(0, 3))
    expect(numbers(await run('a.csv', state, { afterRead: 'delete' }))).toEqual([])
    expect(existsSync(join(root, 'a.csv'))).toBe(false)
  })

  const memory = '/dev/shm'
  it.skipIf(!existsSync(memory) || statSync(memory).dev === statSync('/tmp').dev)(
    'are copied, compared and then removed where they move to another file system',
    async () => {
      const done = mkdtempSync(join(memory, 'millrace-done-'))
      try {
        const afterRead = { move: done }
        put('in/a.csv', file(0, 5000))
        await run('in', fresh(), { afterRead })
        expect(readFileSync(join(done, 'in/a.csv'), 'utf8')).toBe(file(0, 5000))
        expect([readdirSync(join(root, 'in')), readdirSync(join(done, 'in'))]).toEqual([[], ['a.csv']])

        // Another file of that name, and a crash between the copy and the removal.
        put('in/a.csv', file(0, 5001))
        const again = await run('in', fresh(), { afterRead, commit: false })
        await run('in', fresh(), { afterRead })
        put('in/a.csv', file(0, 5001))
        await run('in', fresh(), { afterRead })
        expect(readdirSync(join(root, 'in'))).toEqual([])
        const moved = readdirSync(join(done, 'in')).toSorted()
        expect(moved).toEqual([expect.stringMatching(/^a\.[0-9a-f]{12}\.csv$/), 'a.csv'])
        expect(readFileSync(join(done, 'in', moved[0]!), 'utf8')).toBe(file(0, 5001))
        await makeSource('in', { afterRead }).commit!(again.done, { signal: live })
      } finally {
        rmSync(done, { recursive: true })
      }
    },
  )

  it('say what to do where the folder may not be changed', async () => {
    put('in/a.csv', file(0, 3))
    const disk = { ...nodeDisk, remove: () => Promise.reject(new Error('not permitted')) }
    await expect(run('in', fresh(), { afterRead: 'delete', disk })).rejects.toMatchObject({
      code: 'after_read_failed',
      exitCode: 3,
      message: expect.stringContaining('in/a.csv was read and saved'),
    })
  })
})

describe('a file that is moved', () => {
  /** A disk on which `/project` and `/elsewhere` are file systems of their own. */
  const twoFileSystems = (disk: ForgetfulDisk): Disk => ({
    ...disk,
    rename: (from, to) => {
      if (from.split('/')[1] === to.split('/')[1]) return disk.rename(from, to)
      const cause = Object.assign(new Error('cross-device link'), { code: 'EXDEV' })
      return Promise.reject(new SystemError('io_error', 'renaming failed', { cause }))
    },
  })

  it.each(['/project/done', '/elsewhere'])(
    'to %s is neither lost nor doubled when the power is cut at any call',
    async (folder) => {
      const content = Buffer.from(file(0, 3))
      for (let calls = 1, ended = false; !ended; calls++) {
        const disk = new ForgetfulDisk()
        for (const made of ['/project/in', folder]) await disk.makeFolder(made)
        const input = await disk.create('/project/in/a.csv')
        await input.write(content, 0)
        await input.sync()
        await disk.syncFolder('/project/in')
        const stamp = stampOf((await disk.state('/project/in/a.csv'))!)
        const read = { path: '/project/in/a.csv', name: 'in/a.csv', identity: 'abc', stamp }
        const move = async (on: Disk) => {
          for (const synced of await disposeOf(on, read, { move: folder })) await on.syncFolder(synced)
        }
        ended = await move(dyingDisk(twoFileSystems(disk), calls)).then(
          () => true,
          () => false,
        )
        let turn = calls
        disk.cutPower(() => calls % 2 === 0 && turn++ % 2 === 0)
        const seen = disk.files().filter((path) => !path.endsWith('.part'))
        expect(seen.length, `after ${calls} calls: ${seen}`).toBeGreaterThan(0)
        for (const path of seen) expect(disk.read(path)).toEqual(content)
        await move(twoFileSystems(disk))
        await move(twoFileSystems(disk))
        expect(disk.files()).toEqual([`${folder}/in/a.csv`])
        expect(disk.read(`${folder}/in/a.csv`)).toEqual(content)
      }
    },
  )
})
