/** What the runtimes of `aggregate` have in common: how groups are written, the cap, timers, and adding a record. */
import {
  type Aggregation,
  type AggregateState,
  DataError,
  MillraceError,
  type Output,
  type Records,
} from '@millrace/core'
import type { Group } from './group.ts'
import type { Groups } from './groups.ts'
import type { Emit } from './options.ts'
import { placeReader } from './places.ts'
import { floorTo } from './windows.ts'

export function checkCap(count: number, max: number, id: string): void {
  if (count <= max) return
  throw new MillraceError('memory_cap', `${id} has ${count} groups, more than max_groups (${max})`, {
    place: id,
    hint: 'raise `max_groups` and run again: it resumes from the last save',
  })
}

/**
 * Adds records to groups. The function returns the group of row i, or undefined if the row failed; nothing has changed
 * then. `splitOf`: the split of row i, if memory is kept separately for each.
 */
export function adder(
  compiled: Aggregation,
  records: Records,
  out: Output,
  splitOf: ((i: number) => string) | undefined,
): (groups: Groups, i: number) => Group | undefined {
  const { rows } = records
  const placeOf = compiled.ordered ? placeReader(records) : undefined
  return (groups, i) => {
    const row = rows[i]!
    const known = groups.of(row)
    const state = known ? known.state : compiled.start()
    try {
      if (placeOf) {
        const { time, split, position } = placeOf(i)
        compiled.add(state, row, time, split, position)
      } else compiled.add(state, row)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      out.fail(i, error.code, { message: error.message, field: error.field })
      return undefined
    }
    const group = known ?? groups.add(row, state, splitOf?.(i))
    if (splitOf && group.split !== splitOf(i)) groups.move(group, splitOf(i))
    groups.added(group)
    return group
  }
}

/** Results are emitted in pieces of this many. */
export const piece = 1000

/** A group's state as text, with a mark if it has changed since its result was emitted. */
export const writeFlagged = ({ isNew, state }: Group, compiled: Aggregation): string =>
  (isNew ? '+' : '=') + compiled.encode(state)

export const readFlagged = (
  text: string,
  compiled: Aggregation,
): { readonly isNew: boolean; readonly state: AggregateState } => ({
  isNew: text.startsWith('+'),
  state: compiled.decode(text.slice(1)),
})

/** Emits what has changed at each multiple of `every` on the clock; undefined: `emit` does not go by the clock. */
export function timerOf(emit: Emit | undefined, isWaiting: () => boolean, emitAll: (out: Output) => void) {
  if (typeof emit !== 'object') return undefined
  const { every } = emit
  let next: number | undefined
  return {
    due: () => (isWaiting() ? (next ?? Number.NEGATIVE_INFINITY) : undefined),
    advance(clockMs: number, out: Output) {
      if (clockMs === Number.NEGATIVE_INFINITY) return
      if (next !== undefined && clockMs >= next) emitAll(out)
      next = floorTo(clockMs, every, 0) + every
    },
  }
}
