/** Objects that earlier runs of the same sink left, and those that the saved state does not know. */
import type { Bucket, ListedObject } from '@millrace/client-s3/driver'
import { type FilesWriter, isOutput, type PathTemplate, pipelineName } from '@millrace/kinds'

/** What the keys of all objects begin with: empty, or with a `/` at its end. */
export const rootOf = ({ root }: PathTemplate): string => (root === '.' ? '' : `${root}/`)

/** An object of this sink. */
export interface OwnObject extends ListedObject {
  /** Relative to the root. */
  readonly name: string
}

/** All objects of this sink, in the order of their keys. */
export async function findExisting(
  bucket: Bucket,
  writer: FilesWriter,
  template: PathTemplate,
  ending: string,
  signal: AbortSignal,
): Promise<OwnObject[]> {
  const root = rootOf(template)
  const isOwn = isOutput(writer, template, ending)
  const first = template.folders[0] ?? template.name ?? [`${pipelineName(writer)}-`]
  const prefix = root + (typeof first[0] === 'string' ? first[0] : '')
  const found: OwnObject[] = []
  for await (const page of bucket.list(prefix, signal))
    for (const object of page) {
      const name = object.key.slice(root.length)
      if (isOwn(name)) found.push({ ...object, name })
    }
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** At most so many of the newest objects are looked at. */
const mostLooks = 16

/**
 * The key of an object that was published after a state was saved; undefined: none is known. The newest objects are
 * looked at: those of the last roll have higher numbers than any that the state knows.
 */
export async function publishedSince(
  bucket: Bucket,
  root: string,
  found: readonly OwnObject[],
  { run, number, staged }: { run: string; number: number; staged: readonly (readonly [string, string])[] },
  signal: AbortSignal,
): Promise<string | undefined> {
  const newestMs = Math.max(...found.map(({ writtenMs }) => writtenMs))
  const known = new Set(staged.map(([, final]) => final))
  const newest = found.filter(({ writtenMs, name }) => writtenMs === newestMs && !known.has(name)).slice(0, mostLooks)
  for (const { name } of newest) {
    const { stage } = (await bucket.head(root + name, signal)) ?? {}
    const [, ownRun, ownNumber] = /^(.*)\/\d+-(\d+)-/.exec(stage ?? '') ?? []
    if (ownRun === run && Number(ownNumber) > number) return root + name
  }
  return undefined
}
