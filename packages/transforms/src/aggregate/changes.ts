/**
 * What has changed since the last save. Each group (or session) is an entry, whose key ends with `]`. Large sets in its
 * state are saved in pieces besides it, each written once: `KEY #SLOT.N`.
 */
import type { AggregateState, MemoryChange, SavedMemoryEntry, StatePieces } from '@millrace/core'

/** What is saved as an entry. */
export interface Tracked {
  readonly state: AggregateState
  /** If memory is kept separately for each split: the split of its records. */
  split: string | undefined
  /** The split under which it was saved last, empty if memory is not kept by split; undefined: it was not saved. */
  savedIn: string | undefined
  /** It is among the changes since the last save. */
  changed: boolean
  /** It has emitted its result, or is part of another one. */
  gone: boolean
  /** How many of its pieces are among the changes. */
  pieces: number
}

/** Whether a key is that of an entry, and not of a piece. */
export const isEntry = (key: string): boolean => key.endsWith(']')
/** The key of an entry, from its own or that of a piece. */
export const entryOf = (key: string): string => (isEntry(key) ? key : key.slice(0, key.lastIndexOf(' #')))
/** Comes after an entry and its pieces, and before the next entry. */
export const afterEntry = (key: string): string => `${key} $`

export interface Changes<T> {
  /** An entry has changed, or is gone. */
  touch(entry: T): void
  take(): readonly MemoryChange[]
  count(): number
}

/**
 * `keyOf`, `valueOf`: how an entry is saved. `mayReturn`: one that is gone may come again, as another one, in the same
 * epoch.
 */
export function changesOf<T extends Tracked>(
  pieces: StatePieces | undefined,
  keyOf: (entry: T) => string,
  valueOf: (entry: T) => string,
  mayReturn = false,
): Changes<T> {
  let changed: T[] = []
  let pieceCount = 0
  /** How many of them are gone and were never saved: there is nothing to write. */
  let passing = 0
  return {
    touch(entry) {
      if (entry.gone && entry.savedIn === undefined) passing++
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
      const made: MemoryChange[] = []
      const put = (key: string, value: string | null, split: string) =>
        void made.push(split === '' ? [key, value] : [key, value, split])
      for (const entry of changed) {
        const { savedIn, state, gone } = entry
        const split = entry.split ?? ''
        const key = keyOf(entry)
        entry.changed = false
        entry.pieces = 0
        if (savedIn !== undefined && (gone || savedIn !== split)) {
          for (const name of pieces?.taken(state) ?? []) put(`${key} #${name}`, null, savedIn)
          put(key, null, savedIn)
          pieces?.untake(state)
        }
        if (gone) continue
        // What was taken is not part of the entry.
        for (const [name, text] of pieces?.take(state) ?? []) put(`${key} #${name}`, text, split)
        put(key, valueOf(entry), split)
        entry.savedIn = split
      }
      changed = []
      pieceCount = passing = 0
      return mayReturn ? lastOf(made) : made
    },
    count: () => changed.length - passing + pieceCount,
  }
}

/** Of several changes of a key, the last one. */
const lastOf = (changes: readonly MemoryChange[]): readonly MemoryChange[] => [
  ...new Map(changes.map((change) => [JSON.stringify([change[0], change[2]]), change])).values(),
]

/**
 * Restores entries, each with its pieces, which follow it. `restore`: restores an entry of this key and text, and
 * returns its state.
 */
export function restoreEntries(
  entries: Iterable<SavedMemoryEntry>,
  pieces: StatePieces | undefined,
  restore: (key: string, text: string, split: string | undefined) => AggregateState,
): void {
  let state: AggregateState | undefined
  for (const [key, text, split] of entries) {
    if (isEntry(key)) state = restore(key, text, split)
    else pieces!.restore(state!, key.slice(entryOf(key).length + 2), text)
  }
}
