/**
 * The epoch being filled: what the transforms have taken since the last cut, which takes all of it at one moment. Beside it stands where each source is to go on
 * reading, saved or not: a source that failed and is read again goes on from where the transforms have come to.
 */
import type { Batch, Json } from '../record.ts'
import type { Store } from '../store.ts'
import type { Request } from './answers.ts'
import type { Cut } from './epoch.ts'
import type { SourceNode } from './graph.ts'

export interface Filling {
  /** The position that the transforms have come to in a split. */
  resume(source: string, split: string): Json | undefined
  /** A source's memory, with what is not saved yet. */
  recall(source: string, key: string): Json | undefined
  /** A batch has come from its source; the transforms may take it later. */
  received(source: string, batch: Batch): void
  /** The transforms have taken batches with `read` records. */
  taken(node: SourceNode, batches: readonly Batch[], read: number): void
  /** Requests to be answered when the epoch is saved. */
  admitted(requests: readonly Request[]): void
  /** The source has nothing more at hand, for now or for good. */
  caughtUp(source: string): void
  readonly everyoneCaughtUp: boolean
  /** There is nothing to save. */
  readonly empty: boolean
  readonly records: number
  readonly ageMs: number
  /** All of it, for a cut; the next epoch begins. */
  empties(): Pick<Cut, 'positions' | 'memory' | 'requests'>
  saved(cut: Cut): void
}

const keyOf = (source: string, what: string): string => `${source}\0${what}`

export function createFilling(sources: readonly SourceNode[], store: Store): Filling {
  const positions = new Map(
    sources.map((s) => [s.id, new Map([...store.positions(s.id)].map(([split, p]) => [split, p.position] as const))]),
  )
  const moved = new Map<string, Cut['positions'][number]>()
  const memory = new Map<string, Cut['memory'][number]>()
  const unsavedMemory = new Map<string, Json | null>()
  const atHand = new Set(sources.map((s) => s.id))
  let requests: Request[] = []
  let records = 0
  let startedMs = performance.now()
  return {
    resume: (source, split) => positions.get(source)!.get(split),
    recall(source, key) {
      const unsaved = unsavedMemory.get(keyOf(source, key))
      return unsaved === undefined ? store.recall(source, key) : (unsaved ?? undefined)
    },
    received(source, { remember }) {
      for (const [key, value] of remember ?? []) unsavedMemory.set(keyOf(source, key), value)
    },
    taken({ id }, batches, read) {
      for (const { split, position, end, remember } of batches) {
        if (position !== undefined) positions.get(id)!.set(split, position)
        if (position !== undefined || end)
          moved.set(keyOf(id, split), { source: id, split, position, ended: end === true })
        for (const [key, value] of remember ?? []) memory.set(keyOf(id, key), { source: id, key, value })
      }
      if (batches.at(-1)!.caughtUp) atHand.delete(id)
      else atHand.add(id)
      if (records === 0 && read > 0) startedMs = performance.now()
      records += read
    },
    admitted(more) {
      requests.push(...more)
    },
    caughtUp(source) {
      atHand.delete(source)
    },
    get everyoneCaughtUp() {
      return atHand.size === 0
    },
    get empty() {
      return moved.size === 0 && memory.size === 0 && requests.length === 0
    },
    get records() {
      return records
    },
    get ageMs() {
      return performance.now() - startedMs
    },
    empties() {
      const all = { positions: [...moved.values()], memory: [...memory.values()], requests }
      moved.clear()
      memory.clear()
      requests = []
      records = 0
      startedMs = performance.now()
      return all
    },
    saved(cut) {
      // What was remembered anew since the cut is not saved with it.
      for (const { source, key, value } of cut.memory)
        if (unsavedMemory.get(keyOf(source, key)) === value) unsavedMemory.delete(keyOf(source, key))
    },
  }
}
