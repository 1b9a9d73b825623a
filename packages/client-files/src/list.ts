/** The files to read: from a path, a list of them, a glob, or a folder; in the order of their names. */
import type { Dirent } from 'node:fs'
import { glob, readdir } from 'node:fs/promises'
import { basename, isAbsolute, join, relative, sep } from 'node:path'
import { type Env, MillraceError } from '@millrace/core'
import { withoutCompression } from '@millrace/formats'
import type { Disk } from './disk.ts'
import { fileError, inputMissing } from './failures.ts'

/**
 * The files of these paths, each once, absolute: paths in the given order, the files of a folder or glob by name. A
 * folder means all files in it, at any depth, that have one of the `endings` (before that of a compression) and whose
 * names, and those of their folders, begin with neither `.` nor `_`. A glob may match folders. Throws `MillraceError`
 * with exit code 3 for a missing path, unless `mayBeGone`.
 */
export async function listInputs(
  disk: Disk,
  paths: readonly string[],
  env: Pick<Env, 'resolve'>,
  endings: readonly string[],
  mayBeGone: boolean,
): Promise<string[]> {
  const files = new Set<string>()
  for (const typed of paths) for (const path of await filesOf(disk, typed, env, endings, mayBeGone)) files.add(path)
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
  mayBeGone: boolean,
): Promise<readonly string[]> {
  const path = env.resolve(typed)
  const found = await disk.state(path).catch((error) => Promise.reject(fileError(error, typed)))
  if (found) return found.kind === 'folder' ? folder(path, typed, endings) : [path]
  if (/[*?[{]/.test(typed)) {
    const names: string[] = []
    for await (const entry of glob(path, { withFileTypes: true }))
      if (!entry.isDirectory()) names.push(join(entry.parentPath, entry.name))
    if (names.length || mayBeGone) return byName(names)
    throw new MillraceError('input_missing', `no file matches ${typed}`, {
      exitCode: 3,
      hint: 'check the pattern: it is relative to the project folder',
    })
  }
  if (mayBeGone) return []
  throw inputMissing(typed)
}

async function folder(path: string, typed: string, endings: readonly string[]): Promise<readonly string[]> {
  const visible = (entry: Dirent) =>
    !/^[._]/.test(entry.name) &&
    !relative(path, entry.parentPath)
      .split(sep)
      .some((part) => /^[._]/.test(part))
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch((error) =>
    Promise.reject(fileError(error, typed)),
  )
  const names = entries
    .filter((entry) => !entry.isDirectory() && visible(entry))
    .map((entry) => join(entry.parentPath, entry.name))
  const right = names.filter((name) =>
    endings.some((ending) => withoutCompression(name).toLowerCase().endsWith(ending)),
  )
  if (right.length === 0 && names.length > 0)
    throw new MillraceError('input_missing', `no file in ${typed} ends in ${endings.join(' or ')}`, {
      exitCode: 3,
      hint: `name the files by a pattern, for example ${join(typed, '*')}`,
    })
  return byName(right)
}

const byName = (paths: readonly string[]): string[] => paths.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
