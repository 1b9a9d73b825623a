/**
 * The objects to read: of a key, a folder or a pattern, in the order of their keys. The order in which a service lists
 * them is not relied on: not every one sorts as S3 does.
 */
import { matchesGlob } from 'node:path'
import { MillraceError } from '@millrace/core'
import { addressOf } from '@millrace/client-s3'
import type { Bucket, ListedObject } from '@millrace/client-s3/driver'
import { withoutCompression } from '@millrace/formats'
import { folderOf, isPattern } from './options.ts'

/** What is listed. */
export interface Listing {
  readonly bucket: string
  readonly paths: readonly string[]
  /** The extensions of keys that are read in a folder, before that of a compression. */
  readonly endings: readonly string[]
  /** A key or pattern that matches nothing is an error. */
  readonly mustExist: boolean
}

/** Each object once. Throws `MillraceError` `input_missing`, with exit code 3. */
export async function listObjects(
  bucket: Bucket,
  { bucket: name, paths, endings, mustExist }: Listing,
  signal: AbortSignal,
): Promise<ListedObject[]> {
  const found = new Map<string, ListedObject>()
  for (const path of paths) {
    const { prefix, fits } = matcher(path, endings)
    let isThere = prefix.endsWith('/') && !isPattern(path)
    // A key that ends in `/` is what consoles make to show a folder.
    for await (const page of bucket.list(prefix, signal))
      for (const object of page)
        if (!object.key.endsWith('/') && fits(object.key)) {
          found.set(object.key, object)
          isThere = true
        }
    if (!isThere && mustExist && path !== '')
      throw new MillraceError('input_missing', `there is no object ${addressOf({ bucket: name }, path)}`, {
        exitCode: 3,
        hint: 'check the path and the bucket; a folder ends in `/`',
      })
  }
  return [...found.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

function matcher(path: string, endings: readonly string[]): { prefix: string; fits(key: string): boolean } {
  if (isPattern(path)) return { prefix: path.slice(0, path.search(/[*?[{]/)), fits: (key) => matchesGlob(key, path) }
  const folder = folderOf(path)
  const isInside = (key: string) =>
    key.startsWith(folder) &&
    !/(^|\/)[._]/.test(key.slice(folder.length)) &&
    endings.some((ending) => withoutCompression(key).toLowerCase().endsWith(ending))
  return path === '' || path.endsWith('/')
    ? { prefix: folder, fits: isInside }
    : { prefix: path, fits: (key) => key === path || isInside(key) }
}
