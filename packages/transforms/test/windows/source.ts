/** A source that reads the lanes of a case by a script, and keeps what it said for the model. */
import { batch, type Source } from '@millrace/core'
import type { TestClock } from '../../../core/test/time/clock.ts'
import type { Beat, WindowCase } from './cases.ts'
import type { Said } from './lanes.ts'

export interface Telling {
  /** What this process has said so far. */
  readonly said: Said[]
  /** How far each lane was read by any process. */
  readonly come: Map<string, number>
  /** Where the lanes were resumed. */
  readonly from: Map<string, number>
}

/**
 * First what an earlier process has read already, in any order; then by the script; then what is left. A lane that has
 * more says nothing of being caught up.
 */
export function lanesSource(
  { lanes }: WindowCase,
  script: readonly Beat[],
  clock: TestClock,
  { said, come, from }: Telling,
  next: () => number,
): Source {
  return {
    async *read({ resume, signal, wants, whenWanted }) {
      const names = Object.keys(lanes)
      yield { splits: names.map((id) => ({ id })), complete: true }
      const at = new Map(names.map((id) => [id, (resume(id) as number | undefined) ?? 0]))
      for (const [id, n] of at) from.set(id, n)
      const take = (lane: string, n: number) => {
        const start = at.get(lane)!
        const events = lanes[lane]!.slice(start, start + n)
        const end = start + events.length
        at.set(lane, end)
        come.set(lane, Math.max(come.get(lane) ?? 0, end))
        said.push({ lane, from: start, to: end })
        return batch({
          split: lane,
          rows: events.map(({ arrival: _, ...row }) => row),
          position: end,
          arrivals: Float64Array.from(events, ({ arrival }) => arrival),
          bytes: events.length * 10,
        })
      }
      /** What was yielded before is taken by now. */
      const settle = async () => {
        await clock.turn()
        await clock.turn()
      }
      /** Yields pieces of lanes, in any order, until there are none. */
      const until = async function* (most: (lane: string) => number) {
        while (!signal.aborted) {
          const left = names.filter((id) => at.get(id)! < most(id))
          if (left.length === 0) return
          const open = left.filter(wants)
          if (open.length === 0) await whenWanted()
          else {
            const lane = open[Math.floor(next() * open.length)]!
            await settle()
            yield take(lane, Math.min(1 + Math.floor(next() * 4), most(lane) - at.get(lane)!))
          }
        }
      }
      const before = new Map(come)
      yield* until((lane) => before.get(lane) ?? 0)
      for (const beat of script) {
        if (signal.aborted) return
        await settle()
        if ('passMs' in beat) {
          for (let ms = 0; ms < beat.passMs; ms++) {
            said.push('ms')
            clock.advance(1)
          }
        } else if ('caughtUp' in beat) {
          const caughtUp = beat.caughtUp.filter((lane) => at.get(lane)! >= (come.get(lane) ?? 0))
          if (caughtUp.length > 0) {
            said.push({ caughtUp })
            yield { caughtUp }
          }
        } else if (at.get(beat.lane)! < lanes[beat.lane]!.length) yield take(beat.lane, beat.n)
      }
      yield* until((lane) => lanes[lane]!.length)
      // A lane's end is requested the way its records are.
      for (const open = new Set(names); open.size > 0 && !signal.aborted; ) {
        const id = [...open].find(wants)
        if (id === undefined) await whenWanted()
        else {
          await settle()
          open.delete(id)
          said.push({ ended: id })
          yield batch({ split: id, rows: [], position: at.get(id)!, end: true })
        }
      }
    },
  }
}
