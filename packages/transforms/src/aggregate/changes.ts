/**
 * What has changed since the last save. Each group (or session) is an entry, whose key ends with `]`. Large sets in its
 * state are saved in pieces besides it, each written once: `KEY #SLOT.N`.
 */
import type { AggregateState, MemoryChange, SavedMemory, StatePieces } from '@millrace/core'

/** What is saved as an entry. */
export interface Tracked {
  readonly state: AggregateState
  /** If memory is kept separately for each split: the split of its records. */
  split: string | undefined
  /** It is among the changes since the last save. */
  changed: boolean
  /** It has emitted its result, or is part of another one. */
  gone: boolean
  /** How many of its pieces are among the changes. */
  pieces: number
}

export interface Changes<T> {
  /** An entry has changed, or is gone. */
  touch(entry: T): void
  take(): readonly MemoryChange[]
  count(): number
}

/** `keyOf`, `valueOf`: how an entry is saved. */
export function changesOf<T extends Tracked>(
  pieces: StatePieces | undefined,
  keyOf: (entry: T) => string,
  valueOf: (entry: T) => string,
): Changes<T> {
  let changed: T[] = []
  let pieceCount = 0
  return {
    touch(entry) {
      if (pieces) {
        const now = entry.gone ? pieces.taken(entry.state).length : pieces.full(entry.state)
        pieceCount += now - entry.pieces
        entry.pieces = now
      }
      if (entry.changed) return
      entry.changed = true
      changed.push(entry)
    },
    take() {
      // By key: a group may be forgotten and come again in one epoch.
      const made = new Map<string, MemoryChange>()
      for (const entry of changed) {
        const { split, state, gone } = entry
        const key = keyOf(entry)
        const put = (at: string, value: string | null) =>
          made.set(at, split === undefined ? [at, value] : [at, value, split])
        entry.changed = false
        entry.pieces = 0
        if (pieces && gone) for (const name of pieces.taken(state)) put(`${key} #${name}`, null)
        // What was taken is not part of the entry.
        else if (pieces) for (const [name, text] of pieces.take(state)) put(`${key} #${name}`, text)
        put(key, gone ? null : valueOf(entry))
      }
      changed = []
      pieceCount = 0
      return [...made.values()]
    },
    count: () => changed.length + pieceCount,
  }
}

/**
 * Restores entries, each with its pieces, which follow it. `restore`: restores an entry of this key and text, and
 * returns its state.
 */
export function restoreEntries(
  memory: SavedMemory,
  pieces: StatePieces | undefined,
  restore: (key: string, text: string, split: string | undefined) => AggregateState | undefined,
): void {
  let state: AggregateState | undefined
  for (const [key, text, split] of memory.entries()) {
    const mark = pieces && !key.endsWith(']') ? key.lastIndexOf(' #') : -1
    if (mark < 0) state = restore(key, text, split)
    else pieces!.restore(state!, key.slice(mark + 2), text)
  }
}
