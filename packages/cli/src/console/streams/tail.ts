/**
 * Follows a stream: everything is counted, and a few messages are sent, the newest ones, at most 200 a second. Those
 * left out are named as gaps, whose messages can be asked for. One that was paused goes on from where it was.
 */
import type { Gap, Message, TailTick } from '@millrace/console/wire'
import { type Batch, freshRead, isBatch, type Json, type Look } from '@millrace/core'
import { messageOf, searchFor } from './message.ts'

const ticksASecond = 4
const mostATick = 50

interface Came {
  readonly batch: Batch
  readonly i: number
}

/** What came since the last tick: the newest messages, and what was left out before them. */
interface Pending {
  kept: Came[]
  readonly gaps: Map<string, { messages: number; first: Came; last: Came }>
}

/**
 * Follows all partitions or one, from positions as a page or a tick gave them; a partition that is new from its
 * beginning.
 */
export async function* tail(
  look: Look,
  from: Readonly<Record<string, Json>>,
  { search, split }: { readonly search: string; readonly split?: string | undefined },
  signal: AbortSignal,
): AsyncGenerator<TailTick> {
  const wanted = searchFor(search)
  const end: Record<string, Json> = { ...from }
  let pending: Pending = { kept: [], gaps: new Map() }
  let came = 0
  let matching = 0
  let isCaughtUp = false
  let isOver = false
  let failure: unknown
  const stop = new AbortController()
  const within = AbortSignal.any([signal, stop.signal])
  const take = (batch: Batch, i: number) => {
    came++
    if (wanted && !wanted(batch, i)) return
    matching++
    pending.kept.push({ batch, i })
    if (pending.kept.length <= mostATick) return
    const left = pending.kept.shift()!
    const gap = pending.gaps.get(left.batch.split)
    if (gap) Object.assign(gap, { messages: gap.messages + 1, last: left })
    else pending.gaps.set(left.batch.split, { messages: 1, first: left, last: left })
  }
  const reading = (async () => {
    const ctx = freshRead(within, {
      resume: (each) => from[each],
      owns: (each) => split === undefined || each === split,
    })
    for await (const given of look.read('never', ctx)) {
      if (isBatch(given)) {
        for (let i = 0; i < given.rows.length; i++) take(given, i)
        if (given.position !== undefined) end[given.split] = given.position
        isCaughtUp = given.caughtUp === true || given.behind === 0
      } else if ('caughtUp' in given) isCaughtUp = true
      if (within.aborted) return
    }
  })()
  reading.catch((error: unknown) => (failure = error)).finally(() => (isOver = true))
  try {
    let told = -1
    let toldCaughtUp = false
    while (!signal.aborted) {
      if (came !== told || isCaughtUp !== toldCaughtUp) {
        told = came
        toldCaughtUp = isCaughtUp
        const { kept, gaps } = pending
        pending = { kept: [], gaps: new Map() }
        yield {
          came,
          matching,
          messages: kept.map(({ batch, i }) => messageOf(batch, i)).reverse(),
          gaps: [...gaps].map(([split, gap]) => gapOf(split, gap)),
          end: JSON.stringify(end),
          isCaughtUp,
        }
      }
      if (failure !== undefined) throw failure
      if (isOver) return
      await pause(1000 / ticksASecond, signal)
    }
  } finally {
    stop.abort()
    await reading.catch(() => {})
  }
}

function gapOf(split: string, gap: { readonly messages: number; readonly first: Came; readonly last: Came }): Gap {
  const at = ({ batch, i }: Came): Message => messageOf(batch, i, 0)
  const [first, last] = [at(gap.first), at(gap.last)]
  return {
    split,
    messages: gap.messages,
    after: String(BigInt(first.position) - 1n),
    before: { position: String(BigInt(last.position) + 1n), ...(last.atMs === null ? {} : { atMs: last.atMs }) },
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
