/** What becomes of a file once all of it is saved: it stays, is deleted, or is moved. A duty: repeated at the next start until it is done. */
import { copyFile, mkdir, rename, stat, unlink } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { MillraceError } from '@millrace/core'
import { compressionOf, withoutCompression } from '../compression.ts'
import { beginning, identityOf, isEnough } from './identity.ts'
import { fileSource } from './open.ts'
import type { Opened } from './source.ts'

/** `move`: an absolute path of a folder. */
export type AfterRead = 'keep' | 'delete' | { readonly move: string }

/** Deletes or moves a file that was read up to this size. One that has gone already, or holds something else by now, is left alone. */
export async function putAway(
  { file, split, format }: Opened,
  size: number,
  after: Exclude<AfterRead, 'keep'>,
  signal: AbortSignal,
): Promise<void> {
  const { path, name } = file
  try {
    const now = await stat(path).catch(() => undefined)
    if (!now || now.size !== size) return
    const input = fileSource(path, name, size, compressionOf(path))
    const bytes = await beginning(input, isEnough(format), signal)
    if (split !== `${name}#${await identityOf(bytes, format, input)}`) return
    if (after === 'delete') await unlink(path)
    else await moveTo(path, await freeName(join(after.move, name), split))
  } catch (error) {
    if (error instanceof MillraceError) throw error
    const what = after === 'delete' ? 'deleted' : `moved to ${after.move}`
    throw new MillraceError(
      'after_read_failed',
      `${name} is read and saved, but could not be ${what}: ${(error as Error).message}`,
      {
        exitCode: 3,
        cause: error,
        hint: 'allow this user to change the folder and run again: nothing is read twice',
      },
    )
  }
}

/** The path, or the path with the file's identity where another file has it already. */
async function freeName(path: string, split: string): Promise<string> {
  const ending = extname(withoutCompression(path)) + path.slice(withoutCompression(path).length)
  const stem = `${path.slice(0, path.length - ending.length)}.${split.slice(split.lastIndexOf('#') + 1)}`
  for (let free = path, n = 2; ; free = `${stem}${n > 2 ? `-${n}` : ''}${ending}`, n++)
    if (!(await stat(free).catch(() => undefined))) return free
}

async function moveTo(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await copyFile(from, to)
    await unlink(from)
  }
}
