/**
 * The saved memory of a step, as the engine keeps it: entries by key, each with the split that it moves with, if any.
 */
import assert from 'node:assert/strict'
import type { SavedMemory, Transform } from '@millrace/core'

/** By key: the value, and the split that it moves with. */
export type Entries = Map<string, readonly [value: string, split: string | undefined]>

/** Saves the changes since the last call. */
export function saveChanges(transform: Transform, entries: Entries): void {
  for (const [key, value, split] of transform.takeChanges?.() ?? [])
    if (value === null) entries.delete(key)
    else entries.set(key, [value, split])
}

/** Saved entries as passed to a step. */
export const savedMemory = (entries: Entries): SavedMemory => ({
  get: (key) => entries.get(key)?.[0],
  entries(range) {
    const all = [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
    const found = range ? all.filter(([key]) => key >= range.from && key < range.before).slice(0, range.limit) : all
    return found.map(([key, [value, split]]) => [key, value, split])
  },
})

/** The entries of several instances as those of one. Fails if two have the same key. */
export function mergedEntries(all: readonly Entries[]): Entries {
  const merged: Entries = new Map()
  for (const entries of all) {
    for (const [key, entry] of entries) {
      assert.ok(!merged.has(key), `splits are separate, but two instances have an entry ${key}`)
      merged.set(key, entry)
    }
  }
  return merged
}

/** The entries that move with one split. */
export const entriesOf = (entries: Entries, split: string): Entries =>
  new Map([...entries].filter(([, [, own]]) => own === split))
