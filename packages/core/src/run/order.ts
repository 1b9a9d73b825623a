/**
 * The order in which an epoch took its records, where what comes out depends on it (design, section 7): batches of several
 * lanes, lanes that became idle, the clock. It is written to a file of the state folder and synced before the first effect
 * that depends on it, and a restart takes exactly these records in this order before it reads on.
 *
 * Writers ask for what they are about to write; one sync serves all that was noted until it began, so under load many
 * batches share one. Entries are numbered, and each save says up to which number it covers them.
 */
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MillraceError } from '../errors/index.ts'
import type { Json } from '../record/index.ts'
import type { Store } from '../store/index.ts'
import type { IdleLane } from './lanes.ts'

/** `n` records of a split, up to a position, and maybe its end; or that lanes became idle; with the clock as of then, ms UTC. */
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
  /** A barrier is taken: a save of it covers all that was taken until now, up to the number it returns. */
  mark(epoch: number): number
  /** The epoch is saved; its order is not needed any more. */
  saved(epoch: number): void
  close(): Promise<void>
}

/** From this size on the file is written again with what is still needed. */
const largestBytes = 1 << 20

/** The file of a component, by the id of its first source. */
const orderFile = (folder: string, component: string): string => join(folder, `order-${component}.jsonl`)

/** What the file is about: the first line. */
interface Head {
  readonly incarnation: number
}
type Numbered = OrderEntry & { readonly seq: number }

/** What was noted under the name of one source is another's. */
export function renameOrder(folder: string, from: string, to: string): void {
  if (existsSync(orderFile(folder, from))) renameSync(orderFile(folder, from), orderFile(folder, to))
}

/** Whether anything was noted in a state folder that its last save does not cover. */
export function hasUncovered(store: Pick<Store, 'folder' | 'run' | 'ordered'>): boolean {
  const { incarnation = 0 } = store.run() ?? {}
  for (const name of readdirSync(store.folder)) {
    const component = /^order-(.*)\.jsonl$/.exec(name)?.[1]
    if (component === undefined) continue
    const entries = readEntries(join(store.folder, name), { incarnation })
    if (notCovered(entries, store.ordered(component)).length > 0) return true
  }
  return false
}

/** Opens the order of a component. `covered`: up to which number entries of this incarnation are saved. */
export async function openOrder(
  folder: string,
  component: string,
  at: Head & { readonly covered: number },
  fail: (error: unknown) => void,
): Promise<Order> {
  const path = orderFile(folder, component)
  const head = { incarnation: at.incarnation }
  const left = notCovered(readEntries(path, head), at.covered)
  let file: FileHandle = await rewritten(path, head, left)
  let bytes = 0
  /** Those that no save covers yet, in order, numbered from `dropped` + 1 on. */
  let pending: Numbered[] = [...left]
  let dropped = at.covered
  /** The number of the last that was taken. */
  let taken = at.covered
  const marks = new Map<number, number>()
  let text = ''
  let noted = 0
  let durable = 0
  let writing: Promise<void> | undefined
  /** Nothing more becomes durable: the run has failed by it. */
  let isBroken = false

  const write = async () => {
    while (text !== '') {
      const piece = text
      const upTo = noted
      text = ''
      if (bytes > largestBytes) {
        const before = file
        file = await rewritten(path, head, pending)
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
  return {
    left,
    note(entry) {
      const numbered = { seq: ++taken, ...entry }
      pending.push(numbered)
      text += `${JSON.stringify(numbered)}\n`
      noted++
    },
    took: () => void taken++,
    ready: () => {
      const seq = noted
      return () => (durable >= seq ? undefined : waitFor(seq))
    },
    mark(epoch) {
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
      await file.close()
    },
  }
}

/** A file that holds just these entries, durable, in the place of the one before. */
async function rewritten(path: string, head: Head, entries: readonly Numbered[]): Promise<FileHandle> {
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

/** The whole lines of the file, if it is of this incarnation; a torn last one was never durable. */
function readEntries(path: string, { incarnation }: Head): Numbered[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  try {
    const [first = '{}', ...lines] = text.split('\n').slice(0, -1)
    if ((JSON.parse(first) as Partial<Head>).incarnation !== incarnation) return []
    return lines.map((line) => JSON.parse(line) as Numbered)
  } catch (cause) {
    throw new MillraceError('state_corrupt', `${path} is damaged`, {
      hint: 'it was left as it is. Restore the state folder as a whole, or set it aside and start over: pipe state reset PIPELINE',
      exitCode: 3,
      cause,
    })
  }
}

/** What comes after the save. An older state that was put back has a gap there: what was done after it is not known. */
function notCovered(entries: readonly Numbered[], covered: number): readonly Numbered[] {
  const left = entries.filter(({ seq }) => seq > covered)
  return left[0]?.seq === covered + 1 ? left : []
}
