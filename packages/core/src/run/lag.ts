/** Consumer lag, of the sources that report it (`Batch.behind`). */
import type { Progress } from './observe.ts'
import { arrivalOf, type Batch } from '../record/index.ts'

/** Returns a function that updates `progress.behind` and `progress.arrivedMs`; call it with every batch. */
export function lagOf(progress: Progress): (source: string, batch: Batch) => void {
  const behind = new Map<string, number>()
  const arrived = new Map<string, number>()
  return (source, batch) => {
    const { split, behind: now, arrivals } = batch
    if (now === undefined) return
    const key = `${source}\0${split}`
    progress.behind = (progress.behind ?? 0) + now - (behind.get(key) ?? 0)
    behind.set(key, now)
    const last = arrivalOf(batch, (arrivals?.length ?? 0) - 1)
    if (last === undefined) return
    arrived.set(source, last)
    progress.arrivedMs = Math.min(...arrived.values())
  }
}
