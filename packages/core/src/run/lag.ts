/** How far the reading is behind what is there, of the sources that tell (`Batch.behind`). */
import type { Progress } from './observe.ts'
import type { Batch } from '../record/index.ts'

/** Keeps `progress.behind` and `progress.arrivedMs` up to date; to be told of every batch. */
export function lagOf(progress: Progress): (source: string, batch: Batch) => void {
  const behind = new Map<string, number>()
  const arrived = new Map<string, number>()
  return (source, { split, behind: now, arrivals }) => {
    if (now === undefined) return
    const key = `${source}\0${split}`
    progress.behind = (progress.behind ?? 0) + now - (behind.get(key) ?? 0)
    behind.set(key, now)
    const last = arrivals?.at(-1)
    if (last === undefined) return
    arrived.set(source, last)
    progress.arrivedMs = Math.min(...arrived.values())
  }
}
