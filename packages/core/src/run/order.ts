/**
 * The order in which an epoch took its records, where what comes out depends on it (design, section 7): batches of several
 * lanes, lanes that became idle, the clock. It is written to a file of the state folder and synced before the first effect
 * that depends on it, and a restart takes exactly these records in this order before it reads on.
 *
 * Writers ask for what they are about to write; one sync serves all that was noted until it began, so under load many
 * batches share one. What a save covers is known by its positions: the order is a sequence, and a save a point in it.
 */
import { type FileHandle, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MillraceError } from '../errors.ts'
import type { Json } from '../record.ts'
import type { SavedPosition } from '../store.ts'
import type { IdleLane } from './lanes.ts'

/** `n` records of a split, up to a position; or that lanes became idle; with the clock as of then, ms UTC. */
export type OrderEntry =
  | {
      readonly kind: 'batch'
      readonly source: string
      readonly split: string
      readonly n: number
      readonly position: Json
      readonly clock: number
    }
  | { readonly kind: 'idle'; readonly lanes: readonly IdleLane[]; readonly clock: number }
  | { readonly kind: 'clock'; readonly clock: number }

export interface Order {
  /** What was noted and not saved when the process before this one ended. */
  readonly left: readonly OrderEntry[]
  note(entry: OrderEntry): void
  /** The next of `left` was taken again. */
  took(): void
  /** For a queue: resolves when everything noted until now is durable; undefined: it is. */
  readonly ready: () => () => Promise<void> | undefined
  /** A barrier is taken: a save of it covers all that was noted until now. */
  mark(epoch: number): void
  /** The epoch is saved; its order is not needed any more. */
  saved(epoch: number): void
  close(): Promise<void>
}

/** From this size on the file is written anew with what is still needed. */
const largestBytes = 1 << 20

export const orderFile = (folder: string): string => join(folder, 'order.jsonl')

/** Opens the order of a state folder. `saved`: the positions as they are saved. */
export async function openOrder(
  folder: string,
  saved: (source: string, split: string) => SavedPosition | undefined,
  fail: (error: unknown) => void,
): Promise<Order> {
  const path = orderFile(folder)
  const left = notCovered(await readEntries(path), saved)
  let file: FileHandle = await rewritten(path, left)
  let bytes = 0
  /** Those that no save covers yet, in order; the first of them is number `dropped`. */
  let pending: OrderEntry[] = [...left]
  let dropped = 0
  /** So many were taken, of all that ever were. */
  let taken = 0
  const marks = new Map<number, number>()
  let text = ''
  let noted = 0
  let durable = 0
  let writing: Promise<void> | undefined

  const write = async () => {
    while (text !== '') {
      const piece = text
      const upTo = noted
      text = ''
      if (bytes > largestBytes) {
        const before = file
        file = await rewritten(path, pending)
        await before.close()
        bytes = 0
      } else {
        await file.appendFile(piece)
        await file.datasync()
        bytes += piece.length
      }
      durable = upTo
    }
  }
  const flush = (): Promise<void> => {
    writing ??= write()
      .catch(fail)
      .finally(() => {
        writing = undefined
      })
    return writing
  }
  const waitFor = async (seq: number) => {
    while (durable < seq) await flush()
  }
  return {
    left,
    note(entry) {
      pending.push(entry)
      taken++
      text += `${JSON.stringify(entry)}\n`
      noted++
    },
    took: () => void taken++,
    ready: () => {
      const seq = noted
      return () => (durable >= seq ? undefined : waitFor(seq))
    },
    mark(epoch) {
      marks.set(epoch, taken)
    },
    saved(epoch) {
      const upTo = marks.get(epoch)
      if (upTo === undefined) return
      marks.delete(epoch)
      pending = pending.slice(upTo - dropped)
      dropped = upTo
    },
    async close() {
      await writing
      await file.close()
    },
  }
}

/** A file that holds just these entries, durable, in the place of the one before. */
async function rewritten(path: string, entries: readonly OrderEntry[]): Promise<FileHandle> {
  const next = `${path}.next`
  const file = await open(next, 'w', 0o600)
  await file.appendFile(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  await file.datasync()
  await rename(next, path)
  const folder = await open(dirname(path), 'r')
  await folder.sync()
  await folder.close()
  return file
}

/** The whole lines of the file; a torn last one was never durable. */
async function readEntries(path: string): Promise<OrderEntry[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  try {
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as OrderEntry)
  } catch (cause) {
    throw new MillraceError('state_corrupt', `${path} is damaged`, {
      hint: 'it was left as it is. Restore the state folder as a whole, or set it aside and start anew: pipe state reset',
      exitCode: 3,
      cause,
    })
  }
}

/** What comes after the last entry that a saved position stands for. */
function notCovered(
  entries: readonly OrderEntry[],
  saved: (source: string, split: string) => SavedPosition | undefined,
): readonly OrderEntry[] {
  const positions = new Map<string, string | undefined>()
  const savedText = (source: string, split: string) => {
    const key = `${source}\0${split}`
    if (!positions.has(key)) positions.set(key, JSON.stringify(saved(source, split)?.position))
    return positions.get(key)
  }
  const last = entries.findLastIndex(
    (e) => e.kind === 'batch' && JSON.stringify(e.position) === savedText(e.source, e.split),
  )
  return entries.slice(last + 1)
}
