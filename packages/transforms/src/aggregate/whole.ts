/** Without windows: one result per group, at the end of the input or, with `emit`, whenever it has changed. */
import type { Aggregation, Output, StepContext, Transform } from '@millrace/core'
import { splitReader } from '../splits.ts'
import { emitter } from './emit.ts'
import { createGroups, type Group } from './groups.ts'
import { adder, changesOf, checkCap, piece, readFlagged, timerOf, writeFlagged } from './memory.ts'
import type { Options } from './options.ts'
import { outputOf } from './output.ts'

const none = new Int32Array(0)

export function createWhole(o: Options, ctx: StepContext, compiled: Aggregation): Transform {
  const groups = createGroups(ctx.input, o.by)
  const emitGroup = emitter(o, compiled, outputOf(o, ctx.input, compiled))
  const changes = changesOf(
    ({ saved }) => saved,
    (group) => writeFlagged(group, compiled),
  )
  /** Groups that have changed since their result was emitted, if it is emitted before the end. */
  let updated: Group[] = []
  const emitUpdates = (out: Output) => {
    for (const group of updated) {
      group.isNew = false
      changes.touch(group)
      emitGroup(group, out)
    }
    updated = []
  }
  const timer = timerOf(o.emit, () => updated.length > 0, emitUpdates)
  return {
    apply(records, out) {
      const splitOf = ctx.partitionedBy && splitReader(records)
      const add = adder(compiled, records, out)
      let held = 0
      for (let i = 0; i < records.length; i++) {
        const group = add(groups, i)
        if (!group) continue
        held++
        if (splitOf) group.split = splitOf(i)
        if (!group.isNew && o.emit) updated.push(group)
        group.isNew = true
        changes.touch(group)
      }
      checkCap(groups.size, o.max_groups, ctx.id)
      return { rows: [], origins: none, held }
    },
    advance({ end, clock }, out) {
      if (!end) {
        timer?.advance(clock, out)
        return true
      }
      let n = 0
      for (const group of groups.all()) {
        if (n++ === piece) return false
        if (group.isNew) emitGroup(group, out)
        group.gone = true
        changes.touch(group)
        groups.forget(group)
      }
      updated = []
      return true
    },
    ...(timer ? { due: timer.due } : {}),
    ...(o.emit === 'on_change' ? { epochEnds: emitUpdates } : {}),
    takeChanges: changes.take,
    changeCount: changes.count,
    restore(memory) {
      for (const [saved, text, split] of memory.entries()) {
        const { isNew, state } = readFlagged(text, compiled)
        const group = groups.restore(saved, state, split)
        group.isNew = isNew
        if (isNew && o.emit) updated.push(group)
      }
    },
  }
}
