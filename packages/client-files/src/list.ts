/** The files to read: from a path, a list of them, a glob, or a folder; in the order of their names. */
import { glob, readdir } from 'node:fs/promises'
import { basename, isAbsolute, join, relative, sep } from 'node:path'
import { type Env, MillraceError } from '@millrace/core'
import { withoutCompression } from '@millrace/formats'
import type { Disk } from './disk.ts'
import { fileError, inputMissing } from './failures.ts'

/**
 * What it means that a path does not exist or a pattern matches nothing: an error, that the files were taken away after
 * reading, or that they are yet to come. In the last case a folder may also hold nothing but other files.
 */
export type Absence = 'error' | 'gone' | 'awaited'

/**
 * The files of these paths, each once, absolute: paths in the given order, the files of a folder or glob by name. A
 * folder means all files in it, at any depth, that have one of the `endings` (before that of a compression) and whose
 * names, and those of their folders, begin with neither `.` nor `_`. A glob may match folders. Throws `MillraceError`
 * with exit code 3 if there is nothing and `absence` is an error.
 */
export async function listInputs(
  disk: Disk,
  paths: readonly string[],
  env: Pick<Env, 'resolve'>,
  endings: readonly string[],
  absence: Absence,
): Promise<string[]> {
  const files = new Set<string>()
  for (const typed of paths) for (const path of await filesOf(disk, typed, env, endings, absence)) files.add(path)
  return [...files]
}

/**
 * The name of a file in ids and messages: its path relative to the project folder; the file name alone if it is
 * outside.
 */
export function projectName(path: string, root: string): string {
  const inside = portable(path, root)
  return isAbsolute(inside) || inside === '' ? basename(path) : inside.split(sep).join('/')
}

/** A path as saved: for files inside the project it does not change when the project moves. */
export function portable(path: string, root: string): string {
  const inside = relative(root, path)
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? path : inside
}

async function filesOf(
  disk: Disk,
  typed: string,
  env: Pick<Env, 'resolve'>,
  endings: readonly string[],
  absence: Absence,
): Promise<readonly string[]> {
  const path = env.resolve(typed)
  const found = await disk.state(path).catch((error) => Promise.reject(fileError(error, typed)))
  if (found) return found.kind === 'folder' ? folder(path, typed, endings, absence) : [path]
  if (/[*?[{]/.test(typed)) {
    const names: string[] = []
    for await (const entry of glob(path, { withFileTypes: true }))
      if (!entry.isDirectory()) names.push(join(entry.parentPath, entry.name))
    if (names.length || absence !== 'error') return byName(names)
    throw new MillraceError('input_missing', `no file matches ${typed}`, {
      exitCode: 3,
      hint: 'check the pattern: it is relative to the project folder',
    })
  }
  if (absence !== 'error') return []
  throw inputMissing(typed)
}

async function folder(
  path: string,
  typed: string,
  endings: readonly string[],
  absence: Absence,
): Promise<readonly string[]> {
  const names: string[] = []
  await addFiles(path, names).catch((error: NodeJS.ErrnoException) => {
    if (absence === 'error' || error.code !== 'ENOENT') throw fileError(error, typed)
  })
  const right = names.filter((name) =>
    endings.some((ending) => withoutCompression(name).toLowerCase().endsWith(ending)),
  )
  if (right.length === 0 && names.length > 0 && absence !== 'awaited')
    throw new MillraceError('input_missing', `no file in ${typed} ends in ${endings.join(' or ')}`, {
      exitCode: 3,
      hint: `name the files by a pattern, for example ${join(typed, '*')}`,
    })
  return byName(right)
}

/** Adds the visible files of a folder, at any depth. */
async function addFiles(folder: string, to: string[]): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (/^[._]/.test(entry.name)) continue
    const path = join(folder, entry.name)
    if (!entry.isDirectory()) to.push(path)
    else
      await addFiles(path, to).catch((error: NodeJS.ErrnoException) => {
        // Removed since its parent was read.
        if (error.code !== 'ENOENT') throw error
      })
  }
}

const byName = (paths: readonly string[]): string[] => paths.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
