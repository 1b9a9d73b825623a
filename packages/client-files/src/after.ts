/**
 * What happens to a file after all of it is saved: it stays, is deleted, or is moved. This may be repeated after a
 * crash at any point: a file that is gone was handled before, and a file that is not the one that was read is left
 * alone.
 *
 * A move is a rename. To another file system it is a copy under a hidden name, which is synced, compared and renamed
 * before the original is removed; a copy left by a crash in between is recognised by its content.
 */
import { basename, dirname, extname, join } from 'node:path'
import { MillraceError } from '@millrace/core'
import { withoutCompression } from '@millrace/formats'
import type { Disk } from './disk.ts'
import { crcOf, stampOf } from './extent.ts'

/** `move`: an absolute path of a folder. */
export type AfterRead = 'keep' | 'delete' | { readonly move: string }

/** A file that was read to its end. */
export interface ReadFile {
  readonly path: string
  /** Relative to the project folder. */
  readonly name: string
  /** The identity of its content. */
  readonly identity: string
  /** Its stamp when its end was read; see `stampOf`. */
  readonly stamp: string
}

/** Deletes or moves a file if it is the one that was read. Returns the folders to sync. */
export async function disposeOf(disk: Disk, file: ReadFile, after: Exclude<AfterRead, 'keep'>): Promise<string[]> {
  const { path, name } = file
  try {
    const now = await disk.state(path)
    if (!now || stampOf(now) !== file.stamp) return []
    if (after === 'delete') {
      await disk.remove(path)
      return [dirname(path)]
    }
    const wanted = join(after.move, name)
    await disk.makeFolder(dirname(wanted))
    const to = await freeName(disk, wanted, file.identity)
    if (!(await renamed(disk, path, to))) await moveAcross(disk, file, wanted)
    return [dirname(wanted), dirname(path)]
  } catch (error) {
    const what = after === 'delete' ? 'deleted' : `moved to ${after.move}`
    throw new MillraceError(
      'after_read_failed',
      `${name} was read and saved, but could not be ${what}: ${(error as Error).message}`,
      {
        exitCode: 3,
        cause: error,
        hint: 'allow this user to change the folder and run again: nothing is read twice',
      },
    )
  }
}

/** Names for a moved file: its own, then names with its identity, in case other files have that name. */
function* names(wanted: string, identity: string): Generator<string, never> {
  yield wanted
  const ending = extname(withoutCompression(wanted)) + wanted.slice(withoutCompression(wanted).length)
  const stem = `${wanted.slice(0, wanted.length - ending.length)}.${identity}`
  for (let n = 1; ; n++) yield `${stem}${n > 1 ? `-${n}` : ''}${ending}`
}

async function freeName(disk: Disk, wanted: string, identity: string): Promise<string> {
  const free = names(wanted, identity)
  let name = free.next().value
  while (await disk.look(name)) name = free.next().value
  return name
}

/** False: the two are on different file systems. */
async function renamed(disk: Disk, from: string, to: string): Promise<boolean> {
  try {
    await disk.rename(from, to)
    return true
  } catch (error) {
    if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code !== 'EXDEV') throw error
    return false
  }
}

async function moveAcross(disk: Disk, { path, identity, stamp }: ReadFile, wanted: string): Promise<void> {
  const folder = dirname(wanted)
  const temp = join(folder, `.${basename(wanted)}.${identity}.part`)
  await disk.remove(temp)
  await disk.copy(path, temp)
  const sum = await sumOf(disk, temp)
  if ((await sumOf(disk, path)) !== sum) throw new Error('the copy is different')
  const places = names(wanted, identity)
  let to = places.next().value
  while ((await disk.look(to)) && (await sumOf(disk, to)) !== sum) to = places.next().value
  await disk.rename(temp, to)
  await disk.syncFolder(folder)
  const now = await disk.state(path)
  if (now && stampOf(now) === stamp) await disk.remove(path)
}

async function sumOf(disk: Disk, path: string): Promise<string> {
  const reader = await disk.open(path)
  try {
    const { bytes } = await reader.state()
    return `${bytes}:${await crcOf(reader, bytes)}`
  } finally {
    await reader.close()
  }
}
