/**
 * Stages: finished files in the hidden folder, and how they are published.
 *
 * Publishing a stage advances the mark (published-mark.ts), renames the file and syncs its folder. It may be repeated
 * until the engine has recorded it: the mark then shows whether it was done (invariant 5), even if a reader has moved
 * the file by now. The first stage of a run that replaces an earlier one removes that run's files just before, so that
 * readers never see both; a file that takes the name of an old one replaces it in one step.
 */
import { dirname, join, sep } from 'node:path'
import { crashPoint, type Json, MillraceError, SystemError } from '@millrace/core'
import type { Disk } from '@millrace/client-files'
import { type FinishedFile, outputTaken } from '@millrace/kinds'
import type { PublishedMark, Token } from './published-mark.ts'

/** As saved; paths of the root are relative to the project if they are inside it. */
export interface Stage {
  readonly root: string
  /** Absent: there are only files to remove. */
  readonly file?: Token & {
    readonly temp: string
    readonly final: string
    readonly bytes: number
    readonly replaces?: boolean
  }
  /** Files of an earlier run to remove, relative to the root. */
  readonly removes?: readonly string[]
}

/** The stages of finished files, numbered after `last`; `old`: files of an earlier run that they replace. */
export function stagesOf(
  files: readonly FinishedFile[],
  root: string,
  staging: string,
  old: readonly string[],
  last: Token,
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
      seq: last.seq + k + 1,
      start: last.start,
      replaces: replaced.has(final),
    },
  }))
  if (removes.length > 0) stages[0] = { root, ...stages[0], removes }
  return stages as unknown as Json[]
}

/** Publishes a stage, unless that was done before. */
export async function publishStage(
  disk: Disk,
  stage: Stage,
  resolve: (path: string) => string,
  mark: PublishedMark,
): Promise<void> {
  const root = resolve(stage.root)
  const { file } = stage
  if (!file) return removeAll(disk, root, stage.removes ?? [])
  const temp = join(root, file.temp)
  const final = join(root, file.final)
  const found = await disk.look(temp)
  if (!found && mark.covers(file)) return syncRename(disk, [dirname(final), dirname(temp)])
  if (found?.bytes !== file.bytes) throw missing(temp, final, found ? 'was changed' : 'is gone')
  await removeAll(disk, root, stage.removes ?? [])
  if (!file.replaces && (await disk.look(final))) throw outputTaken(final)
  await ensureInside(disk, root, dirname(final))
  await disk.makeFolder(dirname(final))
  await mark.advance(file)
  crashPoint('file_marked')
  await disk.rename(temp, final)
  crashPoint('file_renamed')
  await disk.syncFolder(dirname(final))
}

/** An earlier process may have died between the rename and its sync. The folder may be gone by now. */
async function syncRename(disk: Disk, folders: readonly string[]): Promise<void> {
  for (const folder of folders) if (await disk.look(folder)) await disk.syncFolder(folder)
}

const missing = (temp: string, final: string, how: string): SystemError =>
  new SystemError('stage_missing', `${temp}, which is to be published as ${final}, ${how}`, {
    hint: 'restore it, or write all files again: pipe state reset PIPELINE, then run with --replace',
  })

async function removeAll(disk: Disk, root: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) await disk.remove(join(root, path))
  for (const folder of new Set(paths.map((path) => dirname(join(root, path))))) {
    if (await disk.look(folder)) await disk.syncFolder(folder)
    if (folder !== root) await disk.removeFolder(folder)
  }
}

/** Throws if a link leads out of the root. */
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
