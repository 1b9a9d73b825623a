/** Which files are read: a path, a list of them, a glob, or a folder; in the order of their names. */
import type { Dirent, Stats } from 'node:fs'
import { glob, readdir, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { type Env, MillraceError } from '@millrace/core'
import { withoutCompression } from '../compression.ts'
import { fileError } from './open.ts'

export interface InputFile {
  /** Absolute. */
  readonly path: string
  /** From the project's folder; the file name alone where it lies outside. */
  readonly name: string
  /** Bytes on the disk. */
  readonly size: number
}

/**
 * The files behind these paths, each once: paths in the order given, what a folder or glob stands for by name. A folder stands for all files in it, at any depth,
 * that have one of the `endings` (before that of a compression) and whose names, and those of their folders, begin with neither `.` nor `_`.
 * Throws `MillraceError` with exit code 3 for what is not there, unless `mayBeGone`.
 */
export async function listInputs(
  paths: readonly string[],
  env: Pick<Env, 'root' | 'resolve'>,
  endings: readonly string[],
  mayBeGone: boolean,
): Promise<InputFile[]> {
  const files = new Map<string, InputFile>()
  for (const typed of paths) {
    for (const [path, { size }] of await filesOf(typed, env, endings, mayBeGone))
      files.set(path, { path, name: projectName(path, env.root), size })
  }
  return [...files.values()]
}

/** See `InputFile.name`. */
export function projectName(path: string, root: string): string {
  const name = relative(root, path)
  return name.startsWith('..') || name === '' ? basename(path) : name.split(sep).join('/')
}

async function filesOf(
  typed: string,
  env: Pick<Env, 'resolve'>,
  endings: readonly string[],
  mayBeGone: boolean,
): Promise<[string, Stats][]> {
  const path = env.resolve(typed)
  const found = await stat(path).catch((error) => error as NodeJS.ErrnoException)
  if (!(found instanceof Error)) return found.isDirectory() ? folder(path, typed, endings) : [[path, found]]
  if (/[*?[{]/.test(typed)) {
    const names: string[] = []
    for await (const name of glob(path)) names.push(name)
    const matches = await withStats(names)
    if (matches.length || mayBeGone) return matches
    throw new MillraceError('input_missing', `no file matches ${typed}`, {
      exitCode: 3,
      hint: 'check the pattern: it is relative to the project folder',
    })
  }
  if (found.code === 'ENOENT' && mayBeGone) return []
  throw fileError(found, typed)
}

async function folder(path: string, typed: string, endings: readonly string[]): Promise<[string, Stats][]> {
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
  return withStats(right)
}

/** The files among these paths, in the order of their names. Those that have gone since they were listed are left out. */
async function withStats(paths: readonly string[]): Promise<[string, Stats][]> {
  const files: [string, Stats][] = []
  for (const path of paths.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))) {
    const stats = await stat(path).catch((error) => error as NodeJS.ErrnoException)
    if (stats instanceof Error) {
      if (stats.code !== 'ENOENT') throw fileError(stats, path)
    } else if (stats.isFile()) files.push([path, stats])
  }
  return files
}
