/**
 * Tumbling windows. A record is late if its lane had come beyond the window's end and its allowed lateness before it,
 * or if the window has closed. A window fires when the watermark reaches its end, and closes, which drops its groups,
 * when it reaches the end of the allowed lateness.
 *
 * Memory: a set of groups for each window, named by its start (saved-groups.ts), with a note if it has fired.
 */
import type { Aggregation, Output, StepContext, Transform } from '@millrace/core'
import { splitReader } from '../splits.ts'
import { emitter } from './emit.ts'
import type { Group } from './group.ts'
import { type Groups, groupsBy } from './groups.ts'
import { latenessOf, lateRecords } from './late.ts'
import { adder, checkCap, piece, timerOf } from './memory.ts'
import type { Options, WindowOptions } from './options.ts'
import { changesInSets, restoreSets } from './saved-groups.ts'
import { waitingIn } from './waiting.ts'
import { type Span, tumblingOf } from './windows.ts'

interface TumblingWindow extends Span {
  readonly groups: Groups
  hasFired: boolean
  /** Where its firing or closing stopped, since there were too many results. */
  rest?: Iterator<Group>
}

export function createTumbling(
  o: Options & { window: WindowOptions },
  ctx: StepContext,
  compiled: Aggregation,
): Transform {
  const { window, emit = 'on_end' } = o
  const { allowed_lateness: allowed, late } = window
  const spanOf = tumblingOf(window)
  const outOfOrder = latenessOf(ctx)
  const windows = new Map<number, TumblingWindow>()
  const emitGroup = emitter(o, compiled, ctx.input)
  const newGroups = groupsBy(ctx.input, o.by)
  const changes = changesInSets(compiled, ({ start }) => (windows.get(start)?.hasFired ? 'fired' : 'open'))
  let count = 0
  /** The watermark that the windows have reached. */
  let reached = Number.NEGATIVE_INFINITY
  /** The watermark at which a window fires or closes next. */
  let next = Number.POSITIVE_INFINITY
  /** Groups that have changed since their result was emitted, and whose new result does not wait for the window. */
  let updated: Group[] = []
  const isEager = emit === 'on_change' || typeof emit === 'object'
  const nextOf = ({ end, hasFired }: TumblingWindow) => end - 1 + (emit === 'on_close' || hasFired ? allowed : 0)
  const open = (span: Span): TumblingWindow => {
    const made = { ...span, groups: newGroups(span.start), hasFired: false }
    windows.set(span.start, made)
    next = Math.min(next, nextOf(made))
    return made
  }
  const show = (group: Group, of: TumblingWindow, out: Output) => {
    group.isNew = false
    changes.touch(group)
    emitGroup(group, out, of)
  }
  const emitUpdates = (out: Output) => {
    for (const group of updated) if (group.isNew && !group.gone) show(group, windows.get(group.count.of.start)!, out)
    updated = []
  }
  const timer = timerOf(emit, () => updated.length > 0, emitUpdates)
  const findNext = () => {
    next = Number.POSITIVE_INFINITY
    for (const each of windows.values()) next = Math.min(next, nextOf(each))
  }
  /** Fires and closes what is due. False: there is more. */
  const settle = (watermark: number, out: Output): boolean => {
    const due = [...windows.values()].filter((each) => nextOf(each) <= watermark).sort((a, b) => a.end - b.end)
    let n = 0
    for (const each of due) {
      const closes = each.end - 1 + allowed <= watermark
      each.rest ??= each.groups.all()[Symbol.iterator]()
      for (;;) {
        if (n >= piece) return false
        const { value: group, done } = each.rest.next()
        if (done) break
        n++
        if (group.isNew) show(group, each, out)
        if (!closes) continue
        each.groups.forget(group)
        changes.touch(group)
        count--
      }
      each.rest = undefined
      each.hasFired = true
      if (closes) windows.delete(each.start)
    }
    findNext()
    return true
  }
  return {
    apply(records, out) {
      const { rows } = records
      const { times, before } = records.laneTimes(outOfOrder)
      const splitOf = ctx.partitionedBy && splitReader(records)
      const add = adder(compiled, records, out, splitOf)
      const tooLate = lateRecords(late)
      let of: TumblingWindow | undefined
      let span: Span = { start: 0, end: 0 }
      let held = 0
      for (let i = 0; i < rows.length; i++) {
        const time = times[i]!
        if (!(time >= span.start && time < span.end)) {
          span = spanOf(time)
          of = windows.get(span.start)
        }
        const closes = span.end + allowed
        if (closes <= before[i]! || closes - 1 <= reached) {
          tooLate.add(rows[i]!, i)
          continue
        }
        of ??= open(span)
        const size = of.groups.size
        const group = add(of.groups, i)
        if (!group) continue
        count += of.groups.size - size
        held++
        if (!group.isNew && (isEager || of.hasFired)) updated.push(group)
        group.isNew = true
        changes.touch(group)
      }
      checkCap(count, o.max_groups, ctx.id)
      return tooLate.applied(held)
    },
    advance({ watermark, clock, end }, out) {
      reached = Math.max(reached, watermark)
      if (!end) timer?.advance(clock, out)
      return next > watermark || settle(watermark, out)
    },
    waiting() {
      const open = [...windows.values()].filter((each) => !each.hasFired)
      const records = open.reduce((sum, { groups }) => sum + groups.records, 0)
      return waitingIn(open, records, nextOf, ({ start, end, groups }) => ({ start, end, records: groups.records }))
    },
    ...(timer ? { due: timer.due } : {}),
    // A window that has fired emits its updates once an epoch.
    ...(emit === 'on_close' || timer ? {} : { epochEnds: emitUpdates }),
    takeChanges: changes.take,
    changeCount: changes.count,
    restore(memory) {
      restoreSets(memory, compiled, (name, note) => {
        const start = Number(name)
        const known = windows.get(start)
        const of = known ?? open(spanOf(start))
        // After a rescale, some of its groups may have been in a process where it had not fired yet.
        of.hasFired = note === 'fired' && (!known || known.hasFired)
        return of.groups
      })
      for (const { groups } of windows.values()) {
        count += groups.size
        if (isEager) for (const group of groups.all()) if (group.isNew) updated.push(group)
      }
      findNext()
    },
  }
}
