/** Finds inputs that have something to read. */
import { randomBytes } from 'node:crypto'
import { type Json, MillraceError, type ReadContext, type SplitsFound } from '@millrace/core'
import { compressionOf, type InputFormat } from '@millrace/formats'
import type { Disk, FileState } from './disk.ts'
import { fileError, inputChanged, notWatchable } from './failures.ts'
import { identityOf } from './identity.ts'
import { type Reached, stampOf } from './extent.ts'
import { FileInput } from './input.ts'
import { portable, projectName } from './list.ts'
import type { Watch } from './watch.ts'

/** Properties that all files of a source share. */
export interface Inputs {
  readonly disk: Disk
  /** The project's folder. */
  readonly root: string
  /** Files stay where they are after reading, so a later run finds them again. */
  readonly keepsFiles: boolean
  /** The files are watched: what was read may grow. */
  readonly watch?: Watch | undefined
  formatOf(path: string): InputFormat
}

/** An open file, to be read. */
export interface FoundFile {
  readonly path: string
  readonly name: string
  readonly split: string
  readonly input: FileInput
  /** A watched file that goes away after reading was read to its end, and is finished if it is still the same. */
  readonly isFinished?: boolean
}
/** A pipe, socket or terminal: it can be read only once. */
export interface FoundPipe {
  readonly path: string
  readonly name: string
  readonly split: string
  readonly kind: FileState['kind']
}
export type Found = FoundFile | FoundPipe

/** A saved position: that of the format's reader, and how much of the file was read. */
export interface Saved {
  readonly offset?: number
  readonly read: Reached
}
export const savedOf = (position: Json | undefined): Saved | undefined => position as unknown as Saved | undefined
export const asJson = (position: Saved): Json => position as unknown as Json

/** Whether lines may be appended to a file of this name: not to Parquet, Arrow, JSON arrays and compressed files. */
export const canGrow = (inputs: Inputs, path: string): boolean =>
  inputs.formatOf(path).lines !== undefined && compressionOf(path) === undefined

/** The key in the source's memory of the split that is being read. */
export const readingKey = 'reading'
/** The key in the source's memory of a file's identity. */
export const identityKey = (path: string, root: string): string => `file ${portable(path, root)}`

export const nameOf = (split: string): string => split.slice(0, split.lastIndexOf('#'))
export const identityIn = (split: string): string => split.slice(split.lastIndexOf('#') + 1)
/**
 * The split of an input that can be read only once. It is different in each run, so no two runs give a record the same
 * id.
 */
export const oneTimeSplit = (name: string): string => `${name}#${randomBytes(8).toString('hex')}`

/** `isSized`: with its size, for a total. */
export const splitOf = (found: Found, isSized: boolean): SplitsFound['splits'][number] =>
  isSized && 'input' in found && found.input.size !== undefined
    ? { id: found.split, bytes: found.input.size }
    : { id: found.split }

/** Opens a file and determines its identity. */
export async function openFile(inputs: Inputs, path: string, signal: AbortSignal): Promise<FoundFile> {
  const name = projectName(path, inputs.root)
  const input = await FileInput.open(inputs.disk, path, name, inputs.watch !== undefined && canGrow(inputs, path))
  try {
    return { path, name, split: `${name}#${await identityOf(input, inputs.formatOf(path), signal)}`, input }
  } catch (error) {
    await input.close()
    throw error
  }
}

/**
 * Adds the files that may have something to read to a page. Files that were read to their end and look unchanged are
 * not opened.
 */
export async function fillPage(
  inputs: Inputs,
  files: readonly string[],
  page: Found[],
  { signal, recall, resume, warn }: ReadContext,
): Promise<void> {
  const { disk, root, watch } = inputs
  const states = await Promise.all(
    files.map((path) => disk.state(path).catch((error) => Promise.reject(fileError(error, path)))),
  )
  for (const [k, path] of files.entries()) {
    signal.throwIfAborted()
    const state = states[k]
    // Removed since it was listed, or a folder that matches a pattern.
    if (!state || state.kind === 'folder' || state.kind === 'other') continue
    if (watch?.isKnown(path, state)) continue
    const name = projectName(path, root)
    if (state.kind !== 'file') {
      if (watch) throw notWatchable(name)
      page.push({ path, name, split: oneTimeSplit(name), kind: state.kind })
      warn(`${name} can be read only once: records that are read but not saved are lost if the process dies`)
      continue
    }
    const identity = inputs.keepsFiles || watch ? recall(identityKey(path, root)) : undefined
    const read = typeof identity === 'string' ? savedOf(resume(`${name}#${identity}`))?.read : undefined
    if (!watch && read?.done && read.stamp === stampOf(state)) continue
    const due = watch?.judge({ path, name, state, read, canGrow: () => canGrow(inputs, path) }, warn)
    if (due === 'leave') continue
    try {
      page.push({ ...(await openFile(inputs, path, signal)), isFinished: due === 'end' })
    } catch (error) {
      // Removed since it was inspected.
      if (!watch || !(error instanceof MillraceError) || error.code !== 'input_missing') throw error
    }
  }
}

/** Throws `input_changed` if the file that was being read was removed, or begins differently. */
export async function refuseChanged(
  inputs: Inputs,
  files: readonly string[],
  { recall, signal }: ReadContext,
): Promise<void> {
  const split = recall(readingKey)
  if (typeof split !== 'string') return
  const named = files.filter((path) => projectName(path, inputs.root) === nameOf(split))
  for (const path of named) {
    const one = await openFile(inputs, path, signal)
    await one.input.close()
    if (one.split === split) return
  }
  throw inputChanged(nameOf(split), named.length > 0 ? 'has been changed at its beginning' : 'has been removed')
}

/** Refuses files outside the project that have the same name and begin alike. Call the result with each page. */
export function duplicateCheck(files: readonly string[], root: string): (page: readonly Found[]) => void {
  if (files.every((path) => portable(path, root) !== path)) return () => {}
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const path of files) {
    const name = projectName(path, root)
    if (seen.has(name)) twice.add(name)
    seen.add(name)
  }
  const paths = new Map<string, string>()
  return (page) => {
    for (const { split, path, name } of page) {
      if (!twice.has(name)) continue
      const same = paths.get(split)
      if (same !== undefined)
        throw new MillraceError(
          'same_input',
          `${same} and ${path} are outside the project and have the same name and beginning, so their records would get the same ids`,
          { hint: 'move them into the project folder, or give them different names' },
        )
      paths.set(split, path)
    }
  }
}
