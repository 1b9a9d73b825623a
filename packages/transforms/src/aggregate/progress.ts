/**
 * How far windows have come: an end up to which they have fired, or a watermark up to which they have closed.
 *
 * Memory that is kept separately for each split has it for each. After a rescale, splits come from instances that had
 * come differently far. Those ahead of the others, or of a split that had no record yet, are told apart until the step
 * has reached them.
 */
import type { MemoryChange, SavedMemory } from '@millrace/core'

export interface Progress {
  /** How far all have come; -Infinity: nothing yet. */
  readonly all: number
  /** How far a split has come. */
  of(split: string | undefined): number
  /** Some splits are ahead. */
  readonly differs: boolean
  /** All have come so far. */
  raise(to: number): void
  /** There was a record of this split. */
  seen(split: string): void
  takeChanges(): MemoryChange[]
  changeCount(): number
  restore(memory: SavedMemory): void
}

/** `name`: of its entries. `bySplit`: memory is kept separately for each split. */
export function progressOf(name: string, bySplit: boolean): Progress {
  let all = Number.NEGATIVE_INFINITY
  const ahead = new Map<string | undefined, number>()
  /** By split how far it has come as of the last save; NaN: it was not saved. */
  const saved = new Map<string | undefined, number>(bySplit ? [] : [[undefined, all]])
  const of = (split: string | undefined) => Math.max(all, ahead.get(split) ?? all)
  const changed = () => [...saved].filter(([split, at]) => of(split) !== at)
  return {
    get all() {
      return all
    },
    of,
    get differs() {
      return ahead.size > 0
    },
    raise(to) {
      all = Math.max(all, to)
      for (const [split, at] of ahead) if (at <= all) ahead.delete(split)
    },
    seen(split) {
      if (!saved.has(split)) saved.set(split, Number.NaN)
    },
    takeChanges: () =>
      changed().map(([split]): MemoryChange => {
        saved.set(split, of(split))
        const text = String(of(split))
        return split === undefined ? [name, text] : [`${name} ${split}`, text, split]
      }),
    changeCount: () => changed().length,
    restore(memory) {
      for (const [, text, split] of memory.entries({ from: name, before: `${name}!` })) {
        const at = Number(text)
        saved.set(bySplit ? split : undefined, at)
        if (!bySplit) all = at
        else if (Number.isFinite(at)) ahead.set(split, at)
      }
    },
  }
}
