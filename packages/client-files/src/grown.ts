/**
 * Recognises a watched file that was only appended to, without reading it again from its beginning at each look.
 *
 * When a file has grown, it is compared with what was read of it by its checksum, and the checksum of the last MiB of
 * that is kept. If it has grown once more by the next look and is the same inode, comparing that MiB suffices: a file
 * that is rewritten in place changes there too. Only bytes that somebody overwrites in the middle of a file would go
 * unnoticed, until the first growth after a restart, since nothing is known then and all of it is compared again.
 *
 * Decision: docs/decisions/20261202-watched-files-by-their-last-bytes.md
 */
import type { FileInput } from './input.ts'

const windowBytes = 1 << 20
/** How many files are kept in mind. */
const mostFiles = 10_000

/** Files that have grown, since the process began. */
export interface Grown {
  /** Whether a file still has the bytes before `bytes`, and more. False: it is not known. */
  isAppended(path: string, input: FileInput, bytes: number, signal: AbortSignal): Promise<boolean>
  /** A file that had grown was read up to `bytes`. */
  note(path: string, input: FileInput, bytes: number, signal: AbortSignal): Promise<void>
}

export function createGrown(): Grown {
  const files = new Map<string, { readonly id: string; readonly bytes: number; readonly sum: number }>()
  return {
    async isAppended(path, input, bytes, signal) {
      const last = files.get(path)
      const { state } = input
      if (!last || last.id !== state.id || last.bytes !== bytes || state.bytes <= bytes) return false
      return (await input.sumBefore(bytes, windowBytes, signal)) === last.sum
    },
    async note(path, input, bytes, signal) {
      const sum = await input.sumBefore(bytes, windowBytes, signal)
      files.delete(path)
      if (sum === undefined) return
      files.set(path, { id: input.state.id, bytes, sum })
      const [oldest] = files.keys()
      if (files.size > mostFiles) files.delete(oldest!)
    },
  }
}
