/**
 * Stages: files that are finished where no reader looks, and how they are shown.
 *
 * A stage is shown by renaming, and by syncing the folder. It may come again until the engine has recorded that it was shown: the file is then under its name
 * already (invariant 5). The first stage of a run that replaces an earlier one removes that one's files just before, so that the two are never seen together; a file that
 * takes the name of an old one replaces it in one step.
 */
import { dirname, join, sep } from 'node:path'
import { type Json, MillraceError, SystemError } from '@millrace/core'
import type { Disk } from '@millrace/formats'
import type { FinishedFile } from './output.ts'

/** As it is saved; paths of the root are relative to the project where they are in it. */
export interface Stage {
  readonly root: string
  /** Absent: there is nothing but files to remove. */
  readonly file?: { readonly temp: string; readonly final: string; readonly bytes: number; readonly replaces?: boolean }
  /** Files of an earlier run to be removed, relative to the root. */
  readonly removes?: readonly string[]
  readonly [key: string]: Json | undefined
}

/** The stages of finished files; `old`: files of an earlier run that are to be gone when they are shown. */
export function stagesOf(
  files: readonly FinishedFile[],
  root: string,
  staging: string,
  old: readonly string[],
): Json[] {
  const finals = new Set(files.map((file) => file.final))
  const replaced = new Set(old)
  const removes = old.filter((path) => !finals.has(path))
  const stages: Stage[] = files.map(({ temp, final, bytes }) => ({
    root,
    file: { temp: join(staging, temp), final, bytes, ...(replaced.has(final) ? { replaces: true } : {}) },
  }))
  if (removes.length > 0) stages[0] = { root, ...stages[0], removes }
  return stages as unknown as Json[]
}

/** Shows a stage, or finds that it is shown. */
export async function publishStage(disk: Disk, stage: Stage, resolve: (path: string) => string): Promise<void> {
  const root = resolve(stage.root)
  const { file } = stage
  const temp = file && join(root, file.temp)
  const final = file && join(root, file.final)
  if (temp && final && !(await disk.look(temp))) return expectShown(disk, temp, final, file.bytes)
  await removeAll(disk, root, stage.removes ?? [])
  if (!temp || !final) return
  if (!file.replaces && (await disk.look(final))) throw taken(final)
  await ensureInside(disk, root, dirname(final))
  await disk.makeFolder(dirname(final))
  await disk.rename(temp, final)
  await disk.syncFolder(dirname(final))
}

/** The finished file is gone: it must have been shown before. */
async function expectShown(disk: Disk, temp: string, final: string, bytes: number): Promise<void> {
  const shown = await disk.look(final)
  if (shown?.kind === 'file' && shown.bytes === bytes) return disk.syncFolder(dirname(final))
  throw new SystemError('stage_missing', `${temp} was finished and should now be shown as ${final}, but it is gone`, {
    hint: 'someone removed it; put it back, or write everything again: pipe state reset, then run with --replace',
  })
}

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
