/**
 * The names of files, and which files an earlier run of the same sink left.
 *
 * In a folder a file is `pipeline[.i-n]-incarnation-sink-number`, so those of one sink are recognised by their names.
 * If the path names the file, it has that name, followed by `-00002` and so on if more than one is needed; every file
 * that matches the path counts as left by an earlier run.
 *
 * Decision: docs/decisions/20261121-files-under-way-in-a-hidden-folder.md
 */
import { join } from 'node:path'
import type { Instance } from '@millrace/core'
import type { PathPart, PathTemplate } from './path.ts'
import type { FilePlace } from './template.ts'

/** The writer. */
export interface FilesWriter {
  readonly pipeline: string
  readonly sink: string
  readonly incarnation: number
  readonly instance: Instance
}

/** The pipeline and, if there are several, the instance. */
export const pipelineName = ({ pipeline, instance }: FilesWriter): string =>
  instance.n > 1 ? `${pipeline}.${instance.i}-${instance.n}` : pipeline

const digits = (n: number, width: number): string => String(n).padStart(width, '0')

/**
 * The name of file number `n` of a place, relative to the root. In a folder, numbers count over all places; otherwise
 * they count from 1 for each name.
 */
export function fileName(
  writer: FilesWriter,
  template: PathTemplate,
  ending: string,
  place: FilePlace,
  n: number,
): string {
  const name = template.name
    ? `${place.name}${writer.instance.n > 1 ? `.${writer.instance.i}-${writer.instance.n}` : ''}${n > 1 ? `-${digits(n, 5)}` : ''}`
    : `${pipelineName(writer)}-${digits(writer.incarnation, 6)}-${writer.sink}-${digits(n, 5)}`
  return join(place.folder, name + ending)
}

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
const pattern = (parts: readonly PathPart[]): string =>
  parts.map((part) => (typeof part === 'string' ? literal(part) : '.+')).join('')

/** The names that a folder of the path can have, by its depth below the root; undefined: no folder is that deep. */
export function folderPattern({ folders }: PathTemplate, depth: number): RegExp | undefined {
  const level = folders[depth]
  return level && new RegExp(`^${pattern(level)}$`)
}

/** The names of all files that a run of this sink writes, in their folder. */
export function namePattern(writer: FilesWriter, template: PathTemplate, ending: string): RegExp {
  if (!template.name)
    return new RegExp(`^${literal(pipelineName(writer))}-\\d{6,}-${literal(writer.sink)}-\\d{5,}${literal(ending)}$`)
  const instance = writer.instance.n > 1 ? literal(`.${writer.instance.i}-${writer.instance.n}`) : ''
  return new RegExp(`^${pattern(template.name)}${instance}(-\\d{5,})?${literal(ending)}$`)
}

/** Whether a name, relative to the root and with `/` between its folders, is that of a file of this sink. */
export function isOutput(writer: FilesWriter, template: PathTemplate, ending: string): (name: string) => boolean {
  const wanted = namePattern(writer, template, ending)
  const folders = template.folders.map((_, depth) => folderPattern(template, depth)!)
  return (name) => {
    const parts = name.split('/')
    return (
      parts.length === folders.length + 1 &&
      wanted.test(parts.at(-1)!) &&
      folders.every((fits, depth) => !parts[depth]!.startsWith('.') && fits.test(parts[depth]!))
    )
  }
}
