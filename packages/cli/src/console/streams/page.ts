/**
 * Messages of a stream, newest first over all its partitions. Each partition keeps its own order, whatever the times of
 * its messages: one that is written now may carry an old time. Between partitions, a message counts as no older than
 * the one before it.
 *
 * A page is found by looking back a little in every partition, and further where that was too little, up to a bound; it
 * says how many messages were looked at, and where the next page goes on.
 */
import type { Message, MessagePage } from '@millrace/console/wire'
import { type Batch, freshRead, isBatch, type Json, type Look, type LookedSplit, type Point } from '@millrace/core'
import { messageOf, searchFor } from './message.ts'

/** Which messages. */
export interface PageOptions {
  readonly limit: number
  readonly search: string
  /** Where to look back from, by partition; null: it has nothing more. Absent: from its end. */
  readonly before?: Readonly<Record<string, Point | null>>
  /** Only this partition. */
  readonly split?: string | undefined
  /** Only messages behind this position. */
  readonly after?: string | undefined
}

/** A search looks at this many messages at once, and at this many for one answer. */
const searchedAtOnce = 5000
const mostLooked = 50_000

interface Lane {
  readonly kept: Kept[]
  /** From where to look further back; null: nothing is there. */
  cursor: Point | null
}

interface Kept {
  readonly message: Message
  /** For the order between partitions, ms UTC. */
  ms: number
}

/** Reads a page. */
export async function readPage(look: Look, options: PageOptions, signal: AbortSignal): Promise<MessagePage> {
  const { limit, search } = options
  const wanted = searchFor(search)
  const begun = await look.splits({ back: 0 }, signal)
  const chosen = begun.filter(({ split }) => options.split === undefined || split === options.split)
  const lanes = new Map(
    chosen.map(({ split, start }): [string, Lane] => [split, { kept: [], cursor: cursorOf(split, start) }]),
  )
  function cursorOf(split: string, start: Point): Point | null {
    const given = options.before?.[split]
    return given === undefined ? start : given
  }
  let looked = 0
  for (let back = wanted ? searchedAtOnce : limit; looked < mostLooked; back *= 4) {
    const open = [...lanes].filter(([, lane]) => lane.cursor !== null && lane.kept.length < limit)
    if (open.length === 0) break
    const before = Object.fromEntries(open.map(([split, lane]) => [split, lane.cursor!]))
    const windows = await look.splits({ back, before }, signal)
    const found = await readWindows(look, windows, before, { ...options, wanted, most: limit, signal })
    for (const [split, { kept, read, first }] of found) {
      const lane = lanes.get(split)!
      looked += read
      lane.kept.unshift(...kept)
      const { isFirst, start } = windows.find((each) => each.split === split)!
      const isPast = options.after !== undefined && isBehind(options.after, first?.position ?? start.position)
      lane.cursor = isFirst || isPast ? null : (first ?? start)
    }
  }
  for (const { kept } of lanes.values()) inOrder(kept)
  const shown = newest(lanes, limit)
  const older = [...lanes].map(([split, lane]): [string, Point | null] => {
    const dropped = lane.kept.length - shown.filter(({ message }) => message.split === split).length
    if (dropped === 0) return [split, lane.cursor]
    const next = lane.kept[dropped]
    return [split, next ? pointOf(next.message) : afterLast(lane.kept.at(-1)!.message)]
  })
  return {
    splits: begun.map(({ split, range }) => ({ split, range })),
    messages: shown.map(({ message }) => message),
    looked,
    older: older.every(([, cursor]) => cursor === null) ? null : JSON.stringify(Object.fromEntries(older)),
    end: JSON.stringify(Object.fromEntries(begun.map(({ split, from }) => [split, from]))),
  }
}

/** The message at a position, whole up to `most` bytes; undefined: it is not there any more. */
export async function readMessage(
  look: Look,
  split: string,
  point: Point,
  most: number,
  signal: AbortSignal,
): Promise<Message | undefined> {
  const windows = await look.splits({ back: 0, before: { [split]: point } }, signal)
  const own = windows.filter((each) => each.split === split)
  for await (const batch of batches(look, own, signal)) {
    for (let i = 0; i < batch.rows.length; i++) {
      const position = String(batch.positionAt(i))
      if (position === point.position) return messageOf(batch, i, most)
      if (isBehind(position, point.position)) return undefined
    }
  }
  return undefined
}

interface WindowReading extends Pick<PageOptions, 'after'> {
  readonly wanted: ((batch: Batch, i: number) => boolean) | undefined
  readonly most: number
  readonly signal: AbortSignal
}

interface WindowRead {
  /** The newest ones, oldest first. */
  kept: Kept[]
  read: number
  /** The first that was read. */
  first: Point | undefined
}

async function readWindows(
  look: Look,
  windows: readonly LookedSplit[],
  before: Readonly<Record<string, Point>>,
  { after, wanted, most, signal }: WindowReading,
): Promise<ReadonlyMap<string, WindowRead>> {
  const asked = windows.filter(({ split }) => before[split] !== undefined)
  const found = new Map(
    asked.map(({ split }): [string, WindowRead] => [split, { kept: [], read: 0, first: undefined }]),
  )
  for await (const batch of batches(look, asked, signal, before)) {
    const into = found.get(batch.split)!
    const isBefore = endAt(before[batch.split]!)
    for (let i = 0; i < batch.rows.length; i++) {
      const position = String(batch.positionAt(i))
      if (!isBefore(batch, i)) continue
      into.first ??= { position, ...timeOf(batch, i) }
      into.read++
      if (after !== undefined && !isBehind(position, after)) continue
      if (wanted && !wanted(batch, i)) continue
      const message = messageOf(batch, i)
      into.kept.push({ message, ms: message.atMs ?? 0 })
      if (into.kept.length > 2 * most) into.kept = into.kept.slice(-most)
    }
  }
  for (const each of found.values()) each.kept = each.kept.slice(-most)
  return found
}

/** The batches of these splits, up to the end or to where `before` begins. */
async function* batches(
  look: Look,
  windows: readonly LookedSplit[],
  signal: AbortSignal,
  before: Readonly<Record<string, Point>> = {},
): AsyncGenerator<Batch> {
  const from = new Map<string, Json>(windows.map((each) => [each.split, each.from]))
  const open = new Set(from.keys())
  if (open.size === 0) return
  const stop = new AbortController()
  const ctx = freshRead(AbortSignal.any([signal, stop.signal]), {
    resume: (split) => from.get(split),
    owns: (split) => from.has(split),
    wants: (split) => open.has(split),
  })
  try {
    for await (const given of look.read('end', ctx)) {
      if (!isBatch(given) || !from.has(given.split)) continue
      yield given
      const last = given.rows.length - 1
      const isOver = last >= 0 && before[given.split] && !endAt(before[given.split]!)(given, last)
      if (given.end || isOver) open.delete(given.split)
      if (open.size === 0) return
    }
  } finally {
    stop.abort()
  }
}

/** Positions are whole numbers. */
const isBehind = (position: string, other: string): boolean => BigInt(position || 0) > BigInt(other || 0)

/** Tests whether a record is before a point: by its position, or by its time where no record is known. */
function endAt({ position, atMs }: Point): (batch: Batch, i: number) => boolean {
  if (position !== '') return (batch, i) => isBehind(position, String(batch.positionAt(i)))
  return (batch, i) => atMs === undefined || (timeOf(batch, i).atMs ?? 0) < atMs
}

function timeOf(batch: Batch, i: number): { readonly atMs?: number } {
  const at = batch.arrivals?.[i]
  return at === undefined || Number.isNaN(at) ? {} : { atMs: at }
}

const pointOf = ({ position, atMs }: Message): Point => ({ position, ...(atMs === null ? {} : { atMs }) })

const afterLast = (last: Message): Point => ({ ...pointOf(last), position: String(BigInt(last.position) + 1n) })

/** A message is no older than the one before it. */
function inOrder(kept: readonly Kept[]): void {
  let high = 0
  for (const each of kept) each.ms = high = Math.max(high, each.ms)
}

/** The newest of all partitions, of each a run that ends with its newest. */
function newest(lanes: ReadonlyMap<string, Lane>, limit: number): Kept[] {
  const heads = [...lanes.values()].map(({ kept }) => ({ kept, at: kept.length - 1 }))
  const shown: Kept[] = []
  while (shown.length < limit) {
    let best: (typeof heads)[number] | undefined
    for (const head of heads)
      if (head.at >= 0 && (!best || head.kept[head.at]!.ms > best.kept[best.at]!.ms)) best = head
    if (!best) break
    shown.push(best.kept[best.at--]!)
  }
  return shown
}
