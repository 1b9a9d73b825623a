/** The inputs of a page: which of the files that are there have something to read. */
import { randomBytes } from 'node:crypto'
import { type Json, MillraceError, type ReadContext, type SplitsFound } from '@millrace/core'
import type { RecordReader } from '../reader.ts'
import type { Disk, FileState } from './disk.ts'
import { fileError, inputChanged } from './failures.ts'
import { identityOf, type Shape } from './identity.ts'
import { type Extent, FileInput, stampOf } from './input.ts'
import { portable, projectName } from './list.ts'

/** How files of one kind are read. */
export interface InputFormat extends Shape {
  readonly reader: RecordReader
}

/** What all files of a source have in common. */
export interface Inputs {
  readonly disk: Disk
  /** The project's folder. */
  readonly root: string
  /** Files stay where they are when they are read: they will be met again. */
  readonly stay: boolean
  formatOf(path: string): InputFormat
}

/** A file whose turn comes, open. */
export interface FoundFile {
  readonly path: string
  readonly name: string
  readonly split: string
  readonly input: FileInput
}
/** What can be read only once. */
export interface FoundPipe {
  readonly path: string
  readonly name: string
  readonly split: string
  readonly kind: FileState['kind']
}
export type Found = FoundFile | FoundPipe

/** A saved position: the reader's own, and what was read of the file. */
export interface Saved {
  readonly offset?: number
  readonly read: Extent & {
    /** All of it was. */
    readonly done?: true
    /** Where it lies, if that is outside of the project: its name does not tell. */
    readonly path?: string
  }
}
export const savedOf = (position: Json | undefined): Saved | undefined => position as unknown as Saved | undefined
export const asJson = (position: Saved): Json => position as unknown as Json

/** What the source remembers while a file is under way: its split. */
export const underWay = 'reading'
/** What it remembers of a file that stays: its identity. */
export const known = (path: string, root: string): string => `file ${portable(path, root)}`

export const nameOf = (split: string): string => split.slice(0, split.lastIndexOf('#'))
export const identityIn = (split: string): string => split.slice(split.lastIndexOf('#') + 1)
/** No two runs have a split of what can be read only once, and so an id of a record, in common. */
export const splitOnce = (name: string): string => `${name}#${randomBytes(8).toString('hex')}`

export const announced = (found: Found): SplitsFound['splits'][number] =>
  'input' in found && found.input.size !== undefined
    ? { id: found.split, bytes: found.input.size }
    : { id: found.split }

/** Opens a file and looks at its beginning. */
export async function openFile(inputs: Inputs, path: string, signal: AbortSignal): Promise<FoundFile> {
  const name = projectName(path, inputs.root)
  const input = await FileInput.open(inputs.disk, path, name)
  try {
    return { path, name, split: `${name}#${await identityOf(input, inputs.formatOf(path), signal)}`, input }
  } catch (error) {
    await input.close()
    throw error
  }
}

/** Adds to a page those of the files that may have something to read. */
export async function lookAt(
  inputs: Inputs,
  files: readonly string[],
  page: Found[],
  { signal, recall, resume, warn }: ReadContext,
): Promise<void> {
  const { disk, root } = inputs
  const states = await Promise.all(
    files.map((path) => disk.state(path).catch((error) => Promise.reject(fileError(error, path)))),
  )
  for (const [k, path] of files.entries()) {
    signal.throwIfAborted()
    const state = states[k]
    // What has gone since it was listed, or is a folder that fits a pattern.
    if (!state || state.kind === 'folder' || state.kind === 'other') continue
    const name = projectName(path, root)
    if (state.kind !== 'file') {
      page.push({ path, name, split: splitOnce(name), kind: state.kind })
      warn(`${name} can be read only once: what was read and not saved is lost when the process dies`)
      continue
    }
    const identity = inputs.stay ? recall(known(path, root)) : undefined
    const read = typeof identity === 'string' ? savedOf(resume(`${name}#${identity}`))?.read : undefined
    if (!read?.done || read.stamp !== stampOf(state)) page.push(await openFile(inputs, path, signal))
  }
}

/** The file that was under way must still be there as it was. */
export async function refuseChanged(
  inputs: Inputs,
  files: readonly string[],
  { recall, signal }: ReadContext,
): Promise<void> {
  const split = recall(underWay)
  if (typeof split !== 'string') return
  const named = files.filter((path) => projectName(path, inputs.root) === nameOf(split))
  for (const path of named) {
    const one = await openFile(inputs, path, signal)
    await one.input.close()
    if (one.split === split) return
  }
  throw inputChanged(nameOf(split), named.length > 0 ? 'begins differently' : 'was removed')
}

/** Refuses files outside of the project that have one name and begin alike. To be called with all pages in turn. */
export function twinCheck(files: readonly string[], root: string): (page: readonly Found[]) => void {
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
          `${same} and ${path} have the same name outside the project and begin alike, so their records could not be told apart`,
          { hint: 'put them into the project folder, or give them different names' },
        )
      paths.set(split, path)
    }
  }
}
