import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { nodeDisk } from '../src/disk.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-disk-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

test('a full disk says what to do, and is not tried again', async () => {
  const full = (await nodeDisk.reopen('/dev/full'))!
  await expect(full.write(Buffer.from('x'), 0)).rejects.toMatchObject({
    name: 'SystemError',
    code: 'disk_full',
    retry: false,
    hint: expect.stringContaining('free some space'),
  })
  await full.close()
})

test('a file where a folder is needed is named', async () => {
  await writeFile(join(root, 'file'), '')
  await expect(nodeDisk.makeFolder(join(root, 'file', 'folder'))).rejects.toMatchObject({ code: 'output_taken' })
  await expect(nodeDisk.create(join(root, 'file'))).rejects.toMatchObject({
    code: 'output_taken',
    message: expect.stringContaining(join(root, 'file')),
  })
})

test('what is not there is no failure where that can be', async () => {
  const nowhere = join(root, 'nowhere')
  expect(await nodeDisk.look(nowhere)).toBeUndefined()
  expect(await nodeDisk.real(nowhere)).toBeUndefined()
  expect(await nodeDisk.reopen(nowhere)).toBeUndefined()
  expect(await nodeDisk.list(nowhere)).toEqual([])
  await nodeDisk.remove(nowhere)
  await mkdir(join(root, 'full', 'inside'), { recursive: true })
  await nodeDisk.removeFolder(join(root, 'full'))
  expect(await nodeDisk.look(join(root, 'full', 'inside'))).toMatchObject({ kind: 'folder' })
})
