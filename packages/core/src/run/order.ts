/**
 * A log of the order in which records were taken, for components whose results depend on it: batches of several
 * lanes, lanes that became idle, sources that ended, replayed letters, the clock. The log is a file in the state folder
 * and is synced before the first write that depends on it. A restart takes exactly these in this order before it reads
 * on.
 *
 * The records of a single lane have their order by themselves. There the log is lazy: entries are only noted, and
 * written once letters come between them.
 *
 * A writer waits until the entries for its records are durable. One sync covers everything appended before it began, so
 * under load many batches share a sync. Entries are numbered, and each save records the number up to which it covers
 * them.
 */
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MillraceError } from '../errors/index.ts'
import type { Json } from '../record/index.ts'
import type { Store } from '../store/index.ts'
import type { LaneOf } from './lane.ts'
import type { Letter } from './letters.ts'

/**
 * `n` records of a split up to a position, possibly with its end; or lanes that became idle, or followed the clock; or
 * a source that was read to its end; or letters that were replayed; or only the clock.
 * `clock`: its time at that point, ms UTC.
 */
export type OrderEntry =
  | {
      readonly kind: 'batch'
      readonly source: string
      readonly split: string
      readonly n: number
      readonly position: Json
      readonly end?: true
      readonly clock: number
    }
  | { readonly kind: 'followed'; readonly lanes: readonly LaneOf[]; readonly clock: number }
  | { readonly kind: 'idle'; readonly lanes: readonly LaneOf[]; readonly clock: number }
  | { readonly kind: 'ended'; readonly source: string; readonly clock: number }
  | { readonly kind: 'letters'; readonly letters: readonly Letter[]; readonly clock: number }
  | { readonly kind: 'clock'; readonly clock: number }

export interface Order {
  /** Entries that were not covered by a save when the previous process ended. */
  readonly remaining: readonly OrderEntry[]
  append(entry: OrderEntry): void
  /** See the head of this file. */
  readonly isLazy: boolean
  /** Letters have to wait until the epoch before theirs is saved: what it took is not noted any more. */
  readonly lettersWait: boolean
  /** The next of `remaining` was taken again. */
  repeated(): void
  /** For a queue: a function that waits until everything appended so far is durable; it returns undefined if it is. */
  readonly ready: () => () => Promise<void> | undefined
  /** A barrier is taken: its save covers everything taken so far, up to the returned number. */
  mark(epoch: number): number
  /** The epoch is saved; its entries are no longer needed. */
  saved(epoch: number): void
  close(): Promise<void>
}

/** From this size on, the file is rewritten with the entries still needed. */
const compactAtBytes = 1 << 20

/** The file of a component, by the id of its first source. */
const orderFile = (folder: string, component: string): string => join(folder, `order-${component}.jsonl`)

/** The first line of the file. */
interface Head {
  readonly incarnation: number
}
type NumberedEntry = OrderEntry & { readonly seq: number }

/** Moves the log of a component whose first source was renamed. */
export function renameOrder(folder: string, from: string, to: string): void {
  if (existsSync(orderFile(folder, from))) renameSync(orderFile(folder, from), orderFile(folder, to))
}

/** Whether a state folder has entries (of these kinds) that its last save does not cover. */
export function hasUncovered(
  store: Pick<Store, 'folder' | 'run' | 'ordered'>,
  isMeant: (entry: OrderEntry) => boolean = () => true,
): boolean {
  const { incarnation = 0 } = store.run() ?? {}
  for (const name of readdirSync(store.folder)) {
    const component = /^order-(.*)\.jsonl$/.exec(name)?.[1]
    if (component === undefined) continue
    const entries = readEntries(join(store.folder, name), { incarnation })
    if (notCovered(entries, store.ordered(component)).some(isMeant)) return true
  }
  return false
}

/** Opens the log of a component. `covered`: the number up to which this incarnation's entries are saved. */
export async function openOrder(
  folder: string,
  component: string,
  at: Head & { readonly covered: number; readonly isLazy?: boolean },
  fail: (error: unknown) => void,
): Promise<Order> {
  const path = orderFile(folder, component)
  const head = { incarnation: at.incarnation }
  const left = notCovered(readEntries(path, head), at.covered)
  const { isLazy = false } = at
  let file = isLazy && left.length === 0 ? undefined : await rewrite(path, head, left)
  let bytes = 0
  /** Entries that no save covers yet, in order, numbered from `dropped` + 1 on. */
  let pending: NumberedEntry[] = [...left]
  /** If it is lazy: what was taken since the last barrier and is not written. */
  let noted: OrderEntry[] = []
  let dropped = at.covered
  /** The number of the last entry that was taken. */
  let taken = at.covered
  const marks = new Map<number, number>()
  let text = ''
  let appended = 0
  let durable = 0
  let writing: Promise<void> | undefined
  /** A write failed, and the run with it: nothing more becomes durable. */
  let isBroken = false

  const write = async () => {
    while (text !== '') {
      const piece = text
      const upTo = appended
      text = ''
      if (!file || bytes > compactAtBytes) {
        const before = file
        file = await rewrite(path, head, pending)
        await before?.close()
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
      .catch((error: unknown) => {
        isBroken = true
        fail(error)
      })
      .finally(() => {
        writing = undefined
      })
    return writing
  }
  const waitFor = async (seq: number) => {
    while (durable < seq && !isBroken) await flush()
  }
  const log = (entry: OrderEntry) => {
    const numbered = { seq: ++taken, ...entry }
    pending.push(numbered)
    text += `${JSON.stringify(numbered)}\n`
    appended++
  }
  return {
    remaining: left,
    isLazy,
    get lettersWait() {
      return isLazy && marks.size > 0
    },
    append(entry) {
      noted.push(entry)
      if (isLazy && entry.kind !== 'letters') return
      noted.forEach(log)
      noted = []
    },
    repeated: () => void taken++,
    ready: () => {
      const seq = appended
      return () => (durable >= seq ? undefined : waitFor(seq))
    },
    mark(epoch) {
      noted = []
      marks.set(epoch, taken)
      return taken
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
      await file?.close()
    },
  }
}

/** Replaces the file by a durable one with just these entries. */
async function rewrite(path: string, head: Head, entries: readonly NumberedEntry[]): Promise<FileHandle> {
  const next = `${path}.next`
  const file = await open(next, 'w', 0o600)
  await file.appendFile([head, ...entries].map((line) => `${JSON.stringify(line)}\n`).join(''))
  await file.datasync()
  await rename(next, path)
  const folder = await open(dirname(path), 'r')
  await folder.sync()
  await folder.close()
  return file
}

/** The complete lines of the file, if it belongs to this incarnation; a torn last line was never durable. */
function readEntries(path: string, { incarnation }: Head): NumberedEntry[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  try {
    const [first = '{}', ...lines] = text.split('\n').slice(0, -1)
    if ((JSON.parse(first) as Partial<Head>).incarnation !== incarnation) return []
    return lines.map((line) => JSON.parse(line) as NumberedEntry)
  } catch (cause) {
    throw new MillraceError('state_corrupt', `${path} is damaged`, {
      hint: 'it was left unchanged. Restore the whole state folder, or set it aside and start over: pipe state reset PIPELINE',
      exitCode: 3,
      cause,
    })
  }
}

/** The entries after the save. A restored older state has a gap there: what happened after it is unknown. */
function notCovered(entries: readonly NumberedEntry[], covered: number): readonly NumberedEntry[] {
  const left = entries.filter(({ seq }) => seq > covered)
  return left[0]?.seq === covered + 1 ? left : []
}
