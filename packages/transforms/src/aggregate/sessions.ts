/**
 * Session windows: records of a group with at most the gap between them. A session ends a gap after its last record;
 * it is held until no record can come that would change it, and then fires and closes at once.
 *
 * Memory: an entry per session, `NUMBER GROUP`, with its first and last time and the number of its records.
 */
import { type Aggregation, type AggregateState, DataError, type StepContext, type Transform } from '@millrace/core'
import { splitReader } from '../splits.ts'
import { emitter } from './emit.ts'
import { changesOf, restoreEntries, type Tracked } from './changes.ts'
import type { Group } from './group.ts'
import { groupsBy } from './groups.ts'
import { createHeap } from './heap.ts'
import { latenessOf, lateRecords } from './late.ts'
import { checkCap, piece } from './memory.ts'
import type { Options, WindowOptions } from './options.ts'
import { nextCount } from './waiting.ts'
import { placeReader } from './places.ts'

interface Session extends Tracked {
  readonly group: Group
  /** Tells it from others of its group, since its first and last time may change. */
  readonly number: number
  start: number
  last: number
  readonly state: AggregateState
  records: number
}

const sessionsOf = (group: Group) => group.state as unknown as { list: Session[] }
const emptyList = () => ({ list: [] }) as unknown as AggregateState

export function createSessions(
  o: Options & { window: WindowOptions },
  ctx: StepContext,
  compiled: Aggregation,
): Transform {
  const { allowed_lateness: allowed, late } = o.window
  const gap = o.window.session!
  const outOfOrder = latenessOf(ctx)
  const groups = groupsBy(ctx.input, o.by)()
  const emitGroup = emitter(o, compiled, ctx.input)
  const changes = changesOf<Session>(
    compiled.pieces,
    ({ group, number }) => `${number} ${group.saved}`,
    ({ start, last, records, state }) => `${start} ${last} ${records} ${compiled.encode(state)}`,
  )
  const closesAt = ({ last }: Session) => last + gap - 1 + gap + allowed
  const heap = createHeap<Session>()
  let count = 0
  /** The records in all sessions. */
  let recordCount = 0
  let reached = Number.NEGATIVE_INFINITY
  let nextNumber = 0
  const begin = (
    group: Group,
    state: AggregateState,
    start: number,
    last: number,
    saved?: Pick<Session, 'records' | 'number' | 'split' | 'savedIn'>,
  ): Session => {
    const made = saved ?? { records: 0, number: nextNumber, split: undefined, savedIn: undefined }
    nextNumber = Math.max(nextNumber, made.number + 1)
    const session: Session = { group, state, start, last, ...made, changed: false, gone: false, pieces: 0 }
    sessionsOf(group).list.push(session)
    heap.push(closesAt(session), session)
    count++
    return session
  }
  const end = (session: Session) => {
    const { list } = sessionsOf(session.group)
    list.splice(list.indexOf(session), 1)
    session.gone = true
    changes.touch(session)
    count--
  }
  return {
    apply(records, out) {
      const { rows } = records
      const { times, before } = records.laneTimes(outOfOrder)
      const splitOf = ctx.partitionedBy && splitReader(records)
      const placeOf = compiled.ordered ? placeReader(records) : undefined
      const tooLate = lateRecords(late)
      let held = 0
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!
        const time = times[i]!
        if (time + gap - 1 + allowed <= Math.max(before[i]! - 1, reached)) {
          tooLate.add(row, i)
          continue
        }
        const known = groups.of(row)
        const near = known ? sessionsOf(known).list.filter((s) => time >= s.start - gap && time <= s.last + gap) : []
        // The largest one takes in the others, which costs the least.
        if (near.length > 1) near.sort((a, b) => b.records - a.records)
        const state = near[0]?.state ?? compiled.start()
        try {
          if (placeOf) {
            const { time: at, split, position } = placeOf(i)
            compiled.add(state, row, at, split, position)
          } else compiled.add(state, row)
        } catch (error) {
          if (!(error instanceof DataError)) throw error
          out.fail(i, error.code, { message: error.message, field: error.field })
          continue
        }
        const group = known ?? groups.add(row, emptyList(), undefined)
        const session = near[0] ?? begin(group, state, time, time)
        session.records++
        recordCount++
        session.start = Math.min(session.start, time)
        session.last = Math.max(session.last, time)
        for (const other of near.slice(1)) {
          compiled.merge(session.state, other.state)
          session.records += other.records
          session.start = Math.min(session.start, other.start)
          session.last = Math.max(session.last, other.last)
          end(other)
        }
        if (splitOf) session.split = splitOf(i)
        changes.touch(session)
        held++
      }
      checkCap(count, o.max_groups, ctx.id)
      return tooLate.applied(held)
    },
    advance({ watermark }, out) {
      reached = Math.max(reached, watermark)
      for (let n = 0; heap.size > 0 && heap.least() <= watermark; ) {
        if (n === piece) return false
        const session = heap.pop()
        if (session.gone) continue
        // It has grown since it was put there.
        if (closesAt(session) > watermark) {
          heap.push(closesAt(session), session)
          continue
        }
        const { group, start, last, state } = session
        const { values, saved } = group
        emitGroup({ values, saved, state, shown: undefined }, out, { start, end: last + gap })
        n++
        recordCount -= session.records
        end(session)
        if (sessionsOf(group).list.length === 0) groups.remove(group)
      }
      return true
    },
    waiting() {
      const first: Session[] = []
      while (first.length < nextCount && heap.size > 0) {
        const key = heap.least()
        const session = heap.pop()
        if (session.gone) continue
        // It has grown since it was put there.
        if (closesAt(session) > key) heap.push(closesAt(session), session)
        else first.push(session)
      }
      for (const session of first) heap.push(closesAt(session), session)
      const next = first.map((session) => {
        const { start, last, records } = session
        return { start, end: last + gap, firesAt: closesAt(session), records }
      })
      return { windows: count, records: recordCount, next }
    },
    takeChanges: changes.take,
    changeCount: changes.count,
    restore(memory) {
      const known = new Map<string, Group>()
      restoreEntries(memory.entries(), compiled.pieces, (key, text, split) => {
        const space = key.indexOf(' ')
        const saved = key.slice(space + 1)
        const group =
          known.get(saved) ?? groups.restore({ saved, state: emptyList(), split: undefined, records: 0, isNew: false })
        known.set(saved, group)
        const [start, last, records] = text.split(' ', 3).map(Number) as [number, number, number]
        const state = compiled.decode(text.slice(`${start} ${last} ${records} `.length))
        begin(group, state, start, last, { records, number: Number(key.slice(0, space)), split, savedIn: split ?? '' })
        recordCount += records
        return state
      })
    },
  }
}
