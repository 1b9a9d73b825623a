/**
 * Sliding windows. Records are added to panes, the pieces of which all windows consist, and the panes of a window are
 * merged when it fires. A record that is late for some of its windows, but not for all, is added to each of the others.
 *
 * Memory: a set of groups for each pane, named `pSTART`, and for each window with such records, `wSTART`
 * (saved-groups.ts); `fired`, up to which end windows have fired; and `settled`, the watermark up to which they have
 * closed (progress.ts). A pane holds only a part of the windows that have closed.
 */
import type { Aggregation, Output, StepContext, Transform } from '@millrace/core'
import { splitReader } from '../splits.ts'
import { emitter } from './emit.ts'
import { blocksOf } from './blocks.ts'
import type { Group } from './group.ts'
import { type Groups, groupsBy } from './groups.ts'
import { latenessOf, lateRecords } from './late.ts'
import { adder, checkCap, timerOf } from './memory.ts'
import type { Options, WindowOptions } from './options.ts'
import { progressOf } from './progress.ts'
import { merger, SameGroups } from './same.ts'
import { changesInSets, restoreSets } from './saved-groups.ts'
import { waitingIn } from './waiting.ts'
import { floorTo, type Span } from './windows.ts'

interface SlidingWindow extends Span {
  hasFired: boolean
  /** Records that are late for others of their windows. */
  own: Groups | undefined
  /** Groups to emit again. */
  readonly updated: Map<string, Group>
  /** By group the result that was emitted last. */
  readonly shown: Map<string, string>
}

export function createSliding(
  o: Options & { window: WindowOptions },
  ctx: StepContext,
  compiled: Aggregation,
): Transform {
  const { window, emit = 'on_end' } = o
  const { allowed_lateness: allowed, late, offset } = window
  const size = window.sliding!
  const slide = window.slide!
  const paneMs = commonDivisor(size, slide)
  const outOfOrder = latenessOf(ctx)
  const panes = new Map<number, Groups>()
  const merge = merger(compiled)
  const blocks = blocksOf(panes, { paneMs, offset, count: size / paneMs }, merge)
  const windows = new Map<number, SlidingWindow>()
  const emitGroup = emitter(o, compiled, ctx.input)
  const newGroups = groupsBy(ctx.input, o.by, new SameGroups())
  const changes = changesInSets(compiled, () => '')
  const isEager = emit === 'on_change' || typeof emit === 'object'
  let count = 0
  let reached = Number.NEGATIVE_INFINITY
  let next = Number.POSITIVE_INFINITY
  const fired = progressOf('fired', ctx.partitionedBy !== undefined)
  const settled = progressOf('settled', ctx.partitionedBy !== undefined)
  const nextOf = ({ end, hasFired }: SlidingWindow) => end - 1 + (emit === 'on_close' || hasFired ? allowed : 0)
  const firstOf = (time: number) => floorTo(time - size, slide, offset) + slide
  const lastOf = (time: number) => floorTo(time, slide, offset)
  const opened = (start: number): SlidingWindow => {
    const known = windows.get(start)
    if (known) return known
    const end = start + size
    const made = { start, end, hasFired: end <= fired.all, own: undefined, updated: new Map(), shown: new Map() }
    windows.set(start, made)
    next = Math.min(next, nextOf(made))
    return made
  }
  const paneOf = (start: number): Groups => {
    const known = panes.get(start)
    if (known) return known
    const made = newGroups(start, 'p')
    panes.set(start, made)
    for (let s = firstOf(start); s <= lastOf(start); s += slide) if (s + size - 1 + allowed > reached) opened(s)
    return made
  }
  const ownOf = (of: SlidingWindow): Groups => (of.own ??= newGroups(of.start, 'w'))
  const panesIn = ({ start, end }: Span): Groups[] => {
    const found: Groups[] = []
    for (let p = start; p < end; p += paneMs) if (panes.has(p)) found.push(panes.get(p)!)
    return found
  }
  const groupsIn = (of: SlidingWindow): Group[] =>
    [...panesIn(of), ...(of.own ? [of.own] : [])].flatMap((groups) => [...groups.all()])
  /** Groups of splits for which a window has fired already, and that have not changed since. */
  const firedIn = (of: SlidingWindow): ReadonlySet<string> => {
    const has = ({ split, saved }: Group) => fired.of(split) >= of.end && !of.updated.has(saved)
    return new Set(fired.differs ? groupsIn(of).flatMap((group) => (has(group) ? group.saved : [])) : [])
  }
  /** Emits all groups of a window, or those that have changed. */
  const show = (of: SlidingWindow, only: ReadonlyMap<string, Group> | undefined, out: Output) => {
    const shownBefore = only ? undefined : firedIn(of)
    const inPanes = only
      ? panesIn(of).map((pane) => [...only.values()].flatMap((group) => pane.at(group) ?? []))
      : blocks.parts(of.start, of.end)
    const inOwn = only && of.own ? [...only.values()].flatMap((group) => of.own!.at(group) ?? []) : of.own?.all()
    for (const { same, state } of merge(inOwn ? [...inPanes, inOwn] : inPanes)) {
      const { values, saved } = same!
      if (shownBefore?.has(saved)) continue
      const group = { values, saved, state, shown: of.shown.get(saved) }
      emitGroup(group, out, of)
      if (group.shown !== undefined) of.shown.set(saved, group.shown)
    }
    of.updated.clear()
  }
  const recordsIn = ({ start, end, own }: SlidingWindow): number => {
    const inPanes = panesIn({ start, end }).reduce((sum, { records }) => sum + records, 0)
    return inPanes + (own?.records ?? 0)
  }
  const emitUpdates = (out: Output) => {
    for (const of of windows.values()) if (of.updated.size > 0) show(of, of.updated, out)
  }
  const timer = timerOf(emit, () => [...windows.values()].some((of) => of.updated.size > 0), emitUpdates)
  const drop = (groups: Groups) => {
    for (const group of groups.all()) {
      groups.forget(group)
      changes.touch(group)
      count--
    }
  }
  const settle = (watermark: number, out: Output) => {
    settled.raise(watermark)
    let firedTo = fired.all
    const due = [...windows.values()].filter((each) => nextOf(each) <= watermark).sort((a, b) => a.end - b.end)
    for (const each of due) {
      if (!each.hasFired) show(each, undefined, out)
      else if (each.updated.size > 0) show(each, each.updated, out)
      each.hasFired = true
      firedTo = Math.max(firedTo, each.end)
      if (each.end - 1 + allowed > watermark) continue
      if (each.own) drop(each.own)
      windows.delete(each.start)
    }
    fired.raise(firedTo)
    for (const [start, groups] of panes) {
      if (lastOf(start) + size - 1 + allowed > watermark) continue
      drop(groups)
      panes.delete(start)
      blocks.discard(start)
    }
    next = Number.POSITIVE_INFINITY
    for (const each of windows.values()) next = Math.min(next, nextOf(each))
  }
  return {
    apply(records, out) {
      const { rows } = records
      const { times, before } = records.laneTimes(outOfOrder)
      const splitOf = ctx.partitionedBy && splitReader(records)
      const add = adder(compiled, records, out, splitOf)
      const tooLate = lateRecords(late)
      let held = 0
      let lastSplit: string | undefined
      const addTo = (groups: Groups, i: number): Group | undefined => {
        const known = groups.size
        const group = add(groups, i)
        if (!group) return undefined
        count += groups.size - known
        changes.touch(group)
        return group
      }
      let [pane, first, last] = [Number.NaN, 0, 0]
      let inPane: Groups | undefined
      for (let i = 0; i < rows.length; i++) {
        const time = times[i]!
        if (!(time >= pane && time < pane + paneMs)) {
          pane = floorTo(time, paneMs, offset)
          ;[first, last, inPane] = [firstOf(time), lastOf(time), undefined]
        }
        const split = splitOf?.(i)
        if (split !== undefined && split !== lastSplit) {
          lastSplit = split
          fired.seen(split)
          settled.seen(split)
        }
        /** Windows that begin here or before have closed for the record. */
        const closed = Math.max(before[i]!, Math.max(reached, settled.of(split)) + 1) - size - allowed
        if (last <= closed) {
          tooLate.add(rows[i]!, i)
          continue
        }
        let group: Group | undefined
        let from = first
        if (first > closed) {
          group = addTo((inPane ??= paneOf(pane)), i)
          blocks.discard(pane)
        } else {
          while (from <= closed) from += slide
          for (let s = from; s <= last; s += slide) {
            group = addTo(ownOf(opened(s)), i)
            if (!group) break
          }
        }
        if (!group) continue
        held++
        // Of windows that wait for their end there is nothing to emit again.
        const firedTo = fired.of(split)
        for (let s = from; s <= last && (isEager || s + size <= firedTo); s += slide)
          windows.get(s)?.updated.set(group.saved, group)
      }
      checkCap(count, o.max_groups, ctx.id)
      return tooLate.applied(held)
    },
    advance({ watermark, clock, end }, out) {
      reached = Math.max(reached, watermark)
      if (!end) timer?.advance(clock, out)
      if (next <= watermark) settle(watermark, out)
      return true
    },
    waiting() {
      const open = [...windows.values()].filter((each) => !each.hasFired)
      let records = open.reduce((sum, { own }) => sum + (own?.records ?? 0), 0)
      // A pane waits until the last of its windows has fired.
      for (const [start, groups] of panes) if (lastOf(start) + size > fired.all) records += groups.records
      return waitingIn(open, records, nextOf, (of) => ({ start: of.start, end: of.end, records: recordsIn(of) }))
    },
    ...(timer ? { due: timer.due } : {}),
    ...(emit === 'on_close' || timer ? {} : { epochEnds: emitUpdates }),
    takeChanges: () => [...changes.take(), ...fired.takeChanges(), ...settled.takeChanges()],
    changeCount: () => changes.count() + fired.changeCount() + settled.changeCount(),
    restore(memory) {
      fired.restore(memory)
      settled.restore(memory)
      restoreSets(memory, compiled, (name) => {
        const start = Number(name.slice(1))
        return name.startsWith('p') ? paneOf(start) : ownOf(opened(start))
      })
      for (const groups of panes.values()) count += groups.size
      for (const { own } of windows.values()) count += own?.size ?? 0
      // Which of their results were emitted is not known: they are emitted again, under the same keys.
      if (isEager)
        for (const of of windows.values())
          for (const group of groupsIn(of))
            if (settled.of(group.split) < of.end - 1 + allowed) of.updated.set(group.saved, group)
    },
  }
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b)
}
