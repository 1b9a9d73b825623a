/**
 * What happens to an object after all of it is saved: it stays, is deleted, or is moved. This may be repeated after a
 * crash at any point: an object that is gone was handled before, and one that is not the one that was read is left
 * alone.
 */
import { extname } from 'node:path'
import { MillraceError, SystemError } from '@millrace/core'
import type { Bucket } from '@millrace/client-s3/driver'
import { withoutCompression } from '@millrace/formats'

/** `move`: a folder, with its `/`. */
export type AfterRead = 'keep' | 'delete' | { readonly move: string }

/** Deletes or moves an object if it has this ETag. `name`: its address, for messages. */
export async function disposeOf(
  bucket: Bucket,
  { key, etag, name }: { readonly key: string; readonly etag: string; readonly name: string },
  after: Exclude<AfterRead, 'keep'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (after === 'delete') {
      if ((await bucket.head(key, signal))?.etag === etag) await bucket.remove(key, signal)
      return
    }
    const wanted = after.move + key
    const there = await bucket.head(wanted, signal)
    // A copy that an attempt which died has made, unless its ETag changed with it; then there are two.
    if (there?.etag !== etag && !(await bucket.copy(key, etag, there ? withEtag(wanted, etag) : wanted, signal))) return
    if (there?.etag === etag && (await bucket.head(key, signal))?.etag !== etag) return
    await bucket.remove(key, signal)
  } catch (error) {
    if (error instanceof SystemError && error.retry) throw error
    const what = after === 'delete' ? 'deleted' : `moved to ${after.move}`
    throw new MillraceError(
      'after_read_failed',
      `${name} was read and saved, but could not be ${what}: ${(error as Error).message}`,
      { exitCode: 3, hint: 'allow it, and run again: nothing is read twice' },
    )
  }
}

/** The name of a copy if its own is taken by another object. */
function withEtag(key: string, etag: string): string {
  const bare = withoutCompression(key)
  const ending = extname(bare) + key.slice(bare.length)
  return `${key.slice(0, key.length - ending.length)}.${etag.slice(0, 12)}${ending}`
}
