/**
 * The epoch being filled: what the graph has taken since the last barrier; the next barrier captures all of it at once.
 * It also tracks where each source resumes, saved or not: a source that failed and is read again continues where the
 * graph is.
 */
import type { Clock } from '../clock.ts'
import type { Batch, Json } from '../record/index.ts'
import type { SavedPosition, Store } from '../store/index.ts'
import type { Request } from './request.ts'
import type { Barrier } from './barrier.ts'
import type { SourceNode } from './nodes.ts'

export interface OpenEpoch {
  /** The position up to which the graph has taken a split. */
  resume(source: string, split: string): Json | undefined
  /** A source's memory, including what is not saved yet. */
  recall(source: string, key: string): Json | undefined
  recallAll(source: string, prefix: string): Iterable<readonly [string, Json]>
  /** A batch has arrived from its source; the graph may take it later. */
  received(source: string, batch: Batch): void
  /** The graph has taken a batch with `read` records. */
  add(node: SourceNode, batch: Batch, read: number): void
  /** Requests to answer once the epoch is saved. */
  addRequests(requests: readonly Request[]): void
  /** Something else has changed that must be saved. */
  touch(): void
  readonly isEmpty: boolean
  readonly records: number
  readonly bytes: number
  readonly ageMs: number
  /** Returns everything, for a barrier, and begins the next epoch. */
  close(): Pick<Barrier, 'positions' | 'memory' | 'requests' | 'commitActions'>
  saved(barrier: Pick<Barrier, 'memory' | 'positions'>): void
}

const keyOf = (source: string, what: string): string => `${source}\0${what}`

export function openEpoch(
  sources: readonly SourceNode[],
  store: Pick<Store, 'position' | 'recall' | 'recallAll'>,
  clock: Clock,
): OpenEpoch {
  const hasCommitAction = new Set(
    sources.filter((s) => s.capabilities.commit === 'action' && !s.capabilities.answers).map((s) => s.id),
  )
  /** Positions that are not saved yet; saved ones are in the store. */
  const unsaved = new Map<string, SavedPosition>()
  let moved = new Map<string, SavedPosition>()
  let memory = new Map<string, Barrier['memory'][number]>()
  const unsavedMemory = new Map<string, Barrier['memory'][number]>()
  let requests: Request[] = []
  let records = 0
  let bytes = 0
  let isTouched = false
  let startedMs = clock.monotonic()
  const positionOf = (source: string, split: string): SavedPosition | undefined =>
    unsaved.get(keyOf(source, split)) ?? store.position(source, split)
  return {
    resume: (source, split) => positionOf(source, split)?.position,
    recall(source, key) {
      const own = unsavedMemory.get(keyOf(source, key))
      return own ? (own.value ?? undefined) : store.recall(source, key)
    },
    *recallAll(source, prefix) {
      const all = new Map(store.recallAll(source, prefix))
      for (const { source: owner, key, value } of unsavedMemory.values()) {
        if (owner !== source || !key.startsWith(prefix)) continue
        if (value === null) all.delete(key)
        else all.set(key, value)
      }
      yield* [...all].sort(([a], [b]) => (a < b ? -1 : 1))
    },
    received(source, { remember }) {
      for (const [key, value] of remember ?? []) unsavedMemory.set(keyOf(source, key), { source, key, value })
    },
    add({ id }, batch, read) {
      const { split, end, remember } = batch
      if (batch.position !== undefined || end) {
        // A split that has ended keeps its position.
        const before = positionOf(id, split)
        const position = batch.position ?? before?.position
        if (end && before?.ended && read === 0 && JSON.stringify(position) === JSON.stringify(before.position)) return
        const at = { source: id, split, position, ended: end === true }
        unsaved.set(keyOf(id, split), at)
        moved.set(keyOf(id, split), at)
      }
      for (const [key, value] of remember ?? []) memory.set(keyOf(id, key), { source: id, key, value })
      if (records === 0 && read > 0) startedMs = clock.monotonic()
      records += read
      bytes += batch.bytes
    },
    addRequests(more) {
      requests.push(...more)
    },
    touch() {
      isTouched = true
    },
    get isEmpty() {
      return moved.size === 0 && memory.size === 0 && requests.length === 0 && !isTouched
    },
    get records() {
      return records
    },
    get bytes() {
      return bytes
    },
    get ageMs() {
      return clock.monotonic() - startedMs
    },
    close() {
      const positions = [...moved.values()]
      const commitActions = positions.filter(({ source }) => hasCommitAction.has(source))
      const all = { positions, memory: [...memory.values()], requests, commitActions }
      moved = new Map()
      memory = new Map()
      requests = []
      records = 0
      bytes = 0
      isTouched = false
      startedMs = clock.monotonic()
      return all
    },
    saved(barrier) {
      // What changed again since the barrier is not part of its save.
      for (const entry of barrier.memory) {
        const key = keyOf(entry.source, entry.key)
        if (unsavedMemory.get(key)?.value === entry.value) unsavedMemory.delete(key)
      }
      for (const at of barrier.positions) {
        const key = keyOf(at.source, at.split)
        if (unsaved.get(key) === at) unsaved.delete(key)
      }
    },
  }
}
