/**
 * The only file that knows the outside system. It stands in for a store that keeps one value a key: a folder with a
 * file for each. Put your own calls here. Throw `SystemError` with `retry: true` for transient failures (refused,
 * throttled, 5xx): the engine then waits and writes again.
 */
import { createHash } from 'node:crypto'
import { mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'

/** Makes the store if there is none. */
export const prepare = async (folder: string): Promise<void> => void (await mkdir(folder, { recursive: true }))

/** Puts `text` under `key`, in place of what was there. On return it is on the disk. */
export async function put(folder: string, key: string, text: string): Promise<void> {
  const path = join(folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`)
  const file = await open(`${path}.part`, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.part`, path)
}
