/**
 * Panes merged ahead, so that a sliding window is merged from few parts when it fires: blocks of 4, 16, 64 ... adjacent
 * panes, each made from the four of the next smaller size when a window needs it first, and kept for the windows after
 * it. A window of sixty panes has about nine parts. A record for a pane discards the blocks with it; that is rare, as
 * blocks lie behind the watermark.
 */
import type { Aggregation, AggregateState } from '@millrace/core'
import type { Group } from './group.ts'
import type { Groups } from './groups.ts'

/** A group in a part of a window. */
export type Merged = Pick<Group, 'values' | 'saved'> & { readonly state: AggregateState }
type PaneBlock = Map<string, Merged>

const radix = 4

export interface Blocks {
  /** The parts of a window from one pane to before another one, in order. */
  parts(start: number, end: number): Iterable<Iterable<Merged>>
  /** A pane has changed, or is gone. */
  discard(start: number): void
}

/** Merges groups into a block. */
export function mergeInto(block: PaneBlock, part: Iterable<Merged>, compiled: Aggregation): void {
  for (const { values, saved, state } of part) {
    let into = block.get(saved)
    if (!into) block.set(saved, (into = { values, saved, state: compiled.start() }))
    compiled.merge(into.state, state)
  }
}

/** `offset`: panes begin at multiples of `paneMs` after it. `count`: how many panes a window has. */
export function blocksOf(
  panes: ReadonlyMap<number, Groups>,
  { paneMs, offset, count }: { readonly paneMs: number; readonly offset: number; readonly count: number },
  compiled: Aggregation,
): Blocks {
  /** Blocks by the number of their panes, then by the start of the first. Windows are at least twice as wide. */
  const sizes: { readonly width: number; readonly made: Map<number, PaneBlock> }[] = []
  for (let width = radix; 2 * width <= count; width *= radix) sizes.push({ width, made: new Map() })
  /** No block reaches beyond this. */
  let madeTo = Number.NEGATIVE_INFINITY
  const blockOf = (level: number, start: number): Iterable<Merged> => {
    if (level < 0) return panes.get(start)?.all() ?? []
    const { width, made } = sizes[level]!
    let block = made.get(start)
    if (block) return block.values()
    block = new Map()
    const step = (width / radix) * paneMs
    for (let k = 0; k < radix; k++) mergeInto(block, blockOf(level - 1, start + k * step), compiled)
    made.set(start, block)
    madeTo = Math.max(madeTo, start + width * paneMs)
    return block.values()
  }
  return {
    *parts(start, end) {
      for (let at = start; at < end; ) {
        let level = sizes.length - 1
        const fits = (width: number) => ((at - offset) / paneMs) % width === 0 && at + width * paneMs <= end
        while (level >= 0 && !fits(sizes[level]!.width)) level--
        yield blockOf(level, at)
        at += (level < 0 ? 1 : sizes[level]!.width) * paneMs
      }
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
