/**
 * Stages: files that are finished where no reader looks, and how they are shown.
 *
 * A stage is shown by a mark (shown.ts), a rename, and a sync of the folder. It may come again until the engine has
 * recorded that it was shown: the mark then tells (invariant 5), and where its readers have put the file is their
 * affair. The first stage of a run that replaces an earlier one removes that one's files just before, so that the two
 * are never seen together; a file that takes the name of an old one replaces it in one step.
 */
import { dirname, join, sep } from 'node:path'
import { type Json, MillraceError, SystemError } from '@millrace/core'
import type { Disk } from '@millrace/formats'
import type { FinishedFile } from './output.ts'
import type { Shown, Token } from './shown.ts'

/** As it is saved; paths of the root are relative to the project where they are in it. */
export interface Stage {
  readonly root: string
  /** Absent: there is nothing but files to remove. */
  readonly file?: Token & {
    readonly temp: string
    readonly final: string
    readonly bytes: number
    readonly replaces?: boolean
  }
  /** Files of an earlier run to be removed, relative to the root. */
  readonly removes?: readonly string[]
}

/**
 * The stages of finished files, behind the last one before; `old`: files of an earlier run that are to be gone when
 * they are shown.
 */
export function stagesOf(
  files: readonly FinishedFile[],
  root: string,
  staging: string,
  old: readonly string[],
  { seq, start }: Token,
): Json[] {
  const finals = new Set(files.map((file) => file.final))
  const replaced = new Set(old)
  const removes = old.filter((path) => !finals.has(path))
  const stages: Stage[] = files.map(({ temp, final, bytes }, k) => ({
    root,
    file: {
      temp: join(staging, temp),
      final,
      bytes,
      seq: seq + k + 1,
      start,
      ...(replaced.has(final) ? { replaces: true } : {}),
    },
  }))
  if (removes.length > 0) stages[0] = { root, ...stages[0], removes }
  return stages as unknown as Json[]
}

/** Shows a stage, or finds that it was shown. */
export async function publishStage(
  disk: Disk,
  stage: Stage,
  resolve: (path: string) => string,
  shown: Shown,
): Promise<void> {
  const root = resolve(stage.root)
  const { file } = stage
  if (!file) return removeAll(disk, root, stage.removes ?? [])
  const temp = join(root, file.temp)
  const final = join(root, file.final)
  const found = await disk.look(temp)
  if (!found && shown.has(file)) return settle(disk, [dirname(final), dirname(temp)])
  if (found?.bytes !== file.bytes) throw missing(temp, final, found ? 'is not as it was finished' : 'is gone')
  await removeAll(disk, root, stage.removes ?? [])
  if (!file.replaces && (await disk.look(final))) throw taken(final)
  await ensureInside(disk, root, dirname(final))
  await disk.makeFolder(dirname(final))
  await shown.mark(file)
  await disk.rename(temp, final)
  await disk.syncFolder(dirname(final))
}

/** A rename that was done before may not be durable yet. Its folder may be gone by now. */
async function settle(disk: Disk, folders: readonly string[]): Promise<void> {
  for (const folder of folders) if (await disk.look(folder)) await disk.syncFolder(folder)
}

const missing = (temp: string, final: string, how: string): SystemError =>
  new SystemError('stage_missing', `${temp} was finished, and is to be shown as ${final}, but it ${how}`, {
    hint: 'someone removed or changed it; put it back, or write everything again: pipe state reset, then run with --replace',
  })

async function removeAll(disk: Disk, root: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) await disk.remove(join(root, path))
  for (const folder of new Set(paths.map((path) => dirname(join(root, path))))) {
    if (await disk.look(folder)) await disk.syncFolder(folder)
    if (folder !== root) await disk.removeFolder(folder)
  }
}

/** Throws where a link leads out of the root. */
export async function ensureInside(disk: Disk, root: string, folder: string): Promise<void> {
  const realRoot = (await disk.real(root)) ?? root
  let near = folder
  let real = await disk.real(near)
  while (real === undefined && near !== root && near !== dirname(near)) {
    near = dirname(near)
    real = await disk.real(near)
  }
  if (real === undefined || real === realRoot || real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep))
    return
  throw new MillraceError('path_outside', `${near} is a link to ${real}, outside ${root}`, {
    hint: 'remove the link: partitions must stay below the path',
    exitCode: 3,
  })
}

const taken = (path: string): MillraceError =>
  new MillraceError('output_taken', `${path} is there already, and was not written by this run`, {
    hint: 'move it away, choose another path, or run with --replace',
    exitCode: 3,
  })
