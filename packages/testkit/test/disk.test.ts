import { describe, expect, it } from 'vitest'
import { ForgetfulDisk } from '../src/disk.ts'

const text = (disk: ForgetfulDisk, path: string) => disk.read(path)?.toString()

async function written(): Promise<ForgetfulDisk> {
  const disk = new ForgetfulDisk()
  await disk.makeFolder('/out')
  const file = await disk.create('/out/a')
  await file.write(Buffer.from('synced'), 0)
  await file.sync()
  await disk.syncFolder('/out')
  await file.write(Buffer.from(' and not'), 6)
  return disk
}

describe('a disk that forgets', () => {
  it('keeps what was synced, loses what was not', async () => {
    const disk = await written()
    expect(text(disk, '/out/a')).toBe('synced and not')
    disk.cutPower()
    expect(text(disk, '/out/a')).toBe('synced')
  })
  it('may keep what was not synced', async () => {
    const disk = await written()
    disk.cutPower(() => true)
    expect(text(disk, '/out/a')).toBe('synced and not')
  })
  it('loses a new name, a rename and a removal of a folder that was not synced', async () => {
    const disk = await written()
    await (await disk.create('/out/new')).sync()
    await disk.rename('/out/a', '/out/b')
    expect(disk.files()).toEqual(['/out/b', '/out/new'])
    disk.cutPower()
    expect(disk.files()).toEqual(['/out/a'])
    await disk.remove('/out/a')
    disk.cutPower()
    expect(disk.files()).toEqual(['/out/a'])
  })
  it('keeps them once the folder is synced', async () => {
    const disk = await written()
    await disk.rename('/out/a', '/out/b')
    await disk.syncFolder('/out')
    disk.cutPower()
    expect(disk.files()).toEqual(['/out/b'])
  })
  it('renames from one folder to another completely or not at all', async () => {
    for (const kept of [false, true]) {
      const disk = await written()
      await disk.makeFolder('/in')
      await disk.rename('/out/a', '/in/b')
      disk.cutPower(() => kept)
      expect(disk.files()).toEqual([kept ? '/in/b' : '/out/a'])
    }
    const disk = await written()
    await disk.makeFolder('/in')
    await disk.rename('/out/a', '/in/b')
    await disk.syncFolder('/in')
    disk.cutPower()
    expect(disk.files()).toEqual(['/in/b'])
  })
  it('leaves a file empty if its name was synced but not its bytes', async () => {
    const disk = await written()
    await (await disk.create('/out/new')).write(Buffer.from('lost'), 0)
    await disk.syncFolder('/out')
    disk.cutPower()
    expect(text(disk, '/out/new')).toBe('')
  })
  it('may undo a truncation until it is synced', async () => {
    const disk = await written()
    const file = (await disk.reopen('/out/a'))!
    await file.truncate(3)
    disk.cutPower()
    expect(text(disk, '/out/a')).toBe('synced')
    await expect(file.write(Buffer.from('x'), 0)).rejects.toThrow('power')
  })
})
