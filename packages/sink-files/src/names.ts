/**
 * What files are called, and which files an earlier run of the same sink left.
 *
 * In a folder a file is `pipeline[.i-n]-incarnation-sink-number`, so those of one sink are known by their names. Where
 * the path names the file, it is that name, with `-00002` and so on behind it where more than one is needed; whatever
 * fits the path counts as left by an earlier run.
 *
 * Decision: docs/decisions/20261121-files-under-way-in-a-hidden-folder.md
 */
import { join } from 'node:path'
import type { Instance } from '@millrace/core'
import type { Disk } from '@millrace/client-files'
import type { Part, PathTemplate, Place } from './template.ts'

/** Who writes. */
export interface Writer {
  readonly pipeline: string
  readonly sink: string
  readonly incarnation: number
  readonly instance: Instance
}

export const pipelineName = ({ pipeline, instance }: Writer): string =>
  instance.n > 1 ? `${pipeline}.${instance.i}-${instance.n}` : pipeline

const digits = (n: number, width: number): string => String(n).padStart(width, '0')

/**
 * The file number `n` for a place, relative to the root. In a folder, numbers run over all places; else they count from
 * 1 for each name.
 */
export function fileName(writer: Writer, template: PathTemplate, ending: string, place: Place, n: number): string {
  const name = template.name
    ? `${place.name}${writer.instance.n > 1 ? `.${writer.instance.i}-${writer.instance.n}` : ''}${n > 1 ? `-${digits(n, 5)}` : ''}`
    : `${pipelineName(writer)}-${digits(writer.incarnation, 6)}-${writer.sink}-${digits(n, 5)}`
  return join(place.folder, name + ending)
}

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
const pattern = (parts: readonly Part[]): string =>
  parts.map((part) => (typeof part === 'string' ? literal(part) : '.+')).join('')

/** The names of all files that a run of this sink makes. */
function namePattern(writer: Writer, template: PathTemplate, ending: string): RegExp {
  if (!template.name)
    return new RegExp(`^${literal(pipelineName(writer))}-\\d{6,}-${literal(writer.sink)}-\\d{5,}${literal(ending)}$`)
  const instance = writer.instance.n > 1 ? literal(`.${writer.instance.i}-${writer.instance.n}`) : ''
  return new RegExp(`^${pattern(template.name)}${instance}(-\\d{5,})?${literal(ending)}$`)
}

/** The files of earlier runs, relative to the root, in order. */
export async function findExisting(
  disk: Disk,
  root: string,
  writer: Writer,
  template: PathTemplate,
  ending: string,
): Promise<string[]> {
  const wanted = namePattern(writer, template, ending)
  const found: string[] = []
  const walk = async (folder: string, depth: number): Promise<void> => {
    const level = template.folders[depth]
    const fits = level && new RegExp(`^${pattern(level)}$`)
    for (const entry of await disk.list(join(root, folder))) {
      if (fits) {
        if (entry.folder && !entry.name.startsWith('.') && fits.test(entry.name))
          await walk(join(folder, entry.name), depth + 1)
      } else if (!entry.folder && wanted.test(entry.name)) found.push(join(folder, entry.name))
    }
  }
  await walk('', 0)
  return found.toSorted()
}
