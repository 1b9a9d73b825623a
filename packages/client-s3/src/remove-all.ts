/** Removes many objects. */
import type { Bucket } from './driver.ts'

/** How many are removed at once. */
const most = 16

/** Removes objects by their keys; those that are gone already are no error. */
export async function removeAll(
  bucket: Pick<Bucket, 'remove'>,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < keys.length; at += most)
    await Promise.all(keys.slice(at, at + most).map((key) => bucket.remove(key, signal)))
}
