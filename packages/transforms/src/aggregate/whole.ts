/**
 * Without windows: one result per group, at the end of the input or, with `emit`, whenever it has changed.
 *
 * With `forget_after`, a group is forgotten so long after its last record, by the clock. A record has the clock time of
 * the `advance` that follows it. That clock is logged (`ordered`), so a restart forgets the same groups between the
 * same records.
 *
 * Memory: an entry per group, `GROUP`, with the time of its last record.
 */
import type { Aggregation, Output, StepContext, Transform } from '@millrace/core'
import { splitReader } from '../splits.ts'
import { emitter } from './emit.ts'
import { changesOf, restoreEntries } from './changes.ts'
import type { Group } from './group.ts'
import { groupsBy } from './groups.ts'
import { adder, checkCap, piece, readFlagged, timerOf, writeFlagged } from './memory.ts'
import type { Options } from './options.ts'
import { forgetter } from './forget.ts'

const none = new Int32Array(0)

export function createWhole(o: Options, ctx: StepContext, compiled: Aggregation): Transform {
  const groups = groupsBy(ctx.input, o.by)()
  const emitGroup = emitter(o, compiled, ctx.input)
  const changes = changesOf<Group>(
    compiled.pieces,
    ({ saved }) => saved,
    (group) => `${group.lastMs} ${writeFlagged(group, compiled)}`,
    o.forget_after !== undefined,
  )
  const forgetting = o.forget_after === undefined ? undefined : forgetter(o.forget_after)
  const show = (group: Group, out: Output) => {
    group.isNew = false
    changes.touch(group)
    emitGroup(group, out)
  }
  /** Where the end of the input stopped, since there were too many results. */
  let rest: Iterator<Group> | undefined
  /** Groups that have changed since their result was emitted, if it is emitted before the end. */
  let updated: Group[] = []
  const emitUpdates = (out: Output) => {
    for (const group of updated) if (group.isNew) show(group, out)
    updated = []
  }
  const forget = (clock: number, out: Output) => {
    for (const group of forgetting?.due(clock) ?? []) {
      if (group.isNew) show(group, out)
      groups.remove(group)
      changes.touch(group)
    }
  }
  const timer = timerOf(o.emit, () => updated.length > 0, emitUpdates)
  return {
    apply(records, out) {
      const splitOf = ctx.partitionedBy && splitReader(records)
      const add = adder(compiled, records, out, splitOf)
      let held = 0
      for (let i = 0; i < records.length; i++) {
        const group = add(groups, i)
        if (!group) continue
        held++
        if (!group.isNew && o.emit) updated.push(group)
        group.isNew = true
        changes.touch(group)
        forgetting?.touch(group)
      }
      checkCap(groups.size, o.max_groups, ctx.id)
      return { rows: [], origins: none, held }
    },
    advance({ end, clock }, out) {
      if (!end) {
        timer?.advance(clock, out)
        forget(clock, out)
        return true
      }
      rest ??= groups.all()[Symbol.iterator]()
      for (let n = 0; ; n++) {
        if (n === piece) return false
        const { value: group, done } = rest.next()
        if (done) break
        if (group.isNew) emitGroup(group, out)
        groups.forget(group)
        changes.touch(group)
      }
      updated = []
      return true
    },
    ...(timer || forgetting ? { due: () => earlier(timer?.due(), forgetting?.next()) } : {}),
    ...(o.emit === 'on_change' ? { epochEnds: emitUpdates } : {}),
    takeChanges: changes.take,
    changeCount: changes.count,
    restore(memory) {
      const restored: Group[] = []
      restoreEntries(memory.entries(), compiled.pieces, (saved, text, split) => {
        const space = text.indexOf(' ')
        const { isNew, state } = readFlagged(text.slice(space + 1), compiled)
        const group = groups.restore({ saved, state, split, records: 0, isNew })
        group.lastMs = Number(text.slice(0, space))
        if (isNew && o.emit) updated.push(group)
        if (forgetting) restored.push(group)
        return state
      })
      forgetting?.restore(restored)
    },
  }
}

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
