/**
 * Panes merged ahead, so that a sliding window is merged from few parts when it fires: blocks of 4, 16, 64 ... adjacent
 * panes, each made from the four of the next smaller size when a window needs it first, and kept for the windows after
 * it. A window of sixty panes has about nine parts. A record for a pane discards the blocks with it; that is rare, as
 * blocks lie behind the watermark.
 */
import type { Groups } from './groups.ts'
import type { Merged } from './same.ts'

const radix = 4

export interface Blocks {
  /** The parts of a window from one pane to before another one, in order. */
  parts(start: number, end: number): Iterable<Merged>[]
  /** A pane has changed, or is gone. */
  discard(start: number): void
}

/** `offset`: panes begin at multiples of `paneMs` after it. `count`: how many panes a window has. */
export function blocksOf(
  panes: ReadonlyMap<number, Groups>,
  { paneMs, offset, count }: { readonly paneMs: number; readonly offset: number; readonly count: number },
  merge: (sets: readonly Iterable<Merged>[]) => readonly Merged[],
): Blocks {
  /** Blocks by the number of their panes, then by the start of the first. Windows are at least twice as wide. */
  const sizes: { readonly width: number; readonly made: Map<number, readonly Merged[]> }[] = []
  for (let width = radix; 2 * width <= count; width *= radix) sizes.push({ width, made: new Map() })
  /** No block reaches beyond this. */
  let madeTo = Number.NEGATIVE_INFINITY
  const blockOf = (level: number, start: number): Iterable<Merged> => {
    if (level < 0) return panes.get(start)?.all() ?? []
    const { width, made } = sizes[level]!
    const known = made.get(start)
    if (known) return known
    const step = (width / radix) * paneMs
    const block = merge(Array.from({ length: radix }, (_, k) => blockOf(level - 1, start + k * step)))
    made.set(start, block)
    madeTo = Math.max(madeTo, start + width * paneMs)
    return block
  }
  return {
    parts(start, end) {
      const parts: Iterable<Merged>[] = []
      for (let at = start; at < end; ) {
        let level = sizes.length - 1
        const fits = (width: number) => ((at - offset) / paneMs) % width === 0 && at + width * paneMs <= end
        while (level >= 0 && !fits(sizes[level]!.width)) level--
        parts.push(blockOf(level, at))
        at += (level < 0 ? 1 : sizes[level]!.width) * paneMs
      }
      return parts
    },
    discard(start) {
      if (start >= madeTo) return
      for (const { width, made } of sizes) {
        const size = width * paneMs
        made.delete(Math.floor((start - offset) / size) * size + offset)
      }
    },
  }
}
