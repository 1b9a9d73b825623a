/**
 * Predicts letters that are replayed under an edited spec. Each takes its record's path through the new graph to the
 * node at which it stopped, by itself; from there on, and only there, it is a record like any other. What was read
 * before went through the old graph, and what is read later goes through the new one.
 */
import type { Plan } from '@millrace/core'
import type { Case, Sink } from '../case.ts'
import {
  type Arrival,
  accepted,
  type Failure,
  keyOf,
  type Place,
  policyAt,
  predict,
  type Prediction,
} from '../model/index.ts'
import { enter } from '../model/enter.ts'
import { type Named, pathOf } from '../model/path.ts'
import type { ReplayEdit } from './edit.ts'
import { nameOf } from './letters.ts'

export interface ReplayedCase {
  readonly old: Case
  readonly edit: ReplayEdit
  /** The ids of records in the old graph and in the new one. */
  readonly named: { readonly old: Named; readonly next: Named }
  /** Whether a record was read before the edit. */
  readonly isRead: (place: Place) => boolean
}

export interface Replayed {
  /** By ids of the new graph, and of `left`. */
  readonly prediction: Prediction
  /** Sinks that the new graph no longer has in this place; what they hold is predicted too. */
  readonly left: Case['sinks']
  /** The outcome of each letter. */
  readonly outcomes: ReadonlyMap<string, 'replayed' | 'failed'>
  /** The letter that a record in `prediction` was replayed from. */
  readonly letterOf: ReadonlyMap<Arrival, string>
}

/** The inputs that ids name, by node. */
export const namedIn = ({ steps, sinks }: Plan): Named =>
  new Map([...steps, ...sinks].map(({ id, namedFrom }) => [id, namedFrom]))

/** The letters of the old graph, by name. */
export function lettersIn({ old, named, isRead }: ReplayedCase): Map<string, Failure> {
  const { failures } = predict(old, new Set(), { reads: isRead })
  const buried = failures.filter(({ at }) => policyAt(old, at) === 'dead_letter')
  return new Map(
    buried.map((failure) => [nameOf(failure, pathOf(old, named.old, failure.arrival, failure.at)), failure]),
  )
}

/** `letters`: those that are replayed, in order. */
export function predictReplayed(which: ReplayedCase, letters: readonly string[]): Replayed {
  const { old, edit, isRead } = which
  const next = edit.graph
  const past = predict(old, new Set(), { reads: isRead })
  const oldId = (id: string) => {
    const before = edit.before(id)
    return before !== undefined && past.into.has(before) ? before : undefined
  }
  const again = new Map<string, Arrival[]>()
  const failures: Failure[] = [...past.failures].filter(({ at }) => policyAt(old, at) === 'dead_letter')
  const memory = (step: string) => {
    const before = oldId(step)
    return [...(before === undefined ? [] : past.into.get(before)!), ...(again.get(step) ?? [])]
  }
  const outcomes = new Map<string, 'replayed' | 'failed'>()
  const letterOf = new Map<Arrival, string>()
  const known = lettersIn(which)
  for (const name of letters) {
    const failure = known.get(name)
    if (!failure) continue
    const entered = entriesOf(which, failure)
    const made = enter(next, entered, memory)
    // At a sink of another name it becomes a letter of that name.
    const target = nodeOf(next, edit, failure.at)
    const isSame = target === failure.at || next.steps.some(({ id }) => id === target)
    const isStopped = entered.size === 0 || (isSame && made.failures.some(({ at }) => at === target))
    outcomes.set(name, isStopped ? 'failed' : 'replayed')
    if (isStopped) continue
    failures.push(...made.failures.filter(({ at }) => policyAt(next, at) !== 'drop'))
    for (const { arrival } of made.failures) letterOf.set(arrival, name)
    for (const [id, arrivals] of made.into) {
      const failed = new Set(made.failures.filter(({ at }) => at === id).map(({ arrival }) => arrival))
      const passed = arrivals.filter((arrival) => !failed.has(arrival))
      again.set(id, [...(again.get(id) ?? []), ...passed])
      for (const arrival of arrivals) letterOf.set(arrival, name)
    }
  }
  // A bounded run has ended, and its results are final.
  const isOver = old.runs === 'whole'
  const future = predict(next, new Set(), { reads: unreadIn(which), ...(isOver ? {} : { memory }) })
  failures.push(...future.failures.filter(({ at }) => policyAt(next, at) === 'dead_letter'))

  const into = new Map<string, readonly Arrival[]>(future.into)
  for (const sink of next.sinks) {
    const before = oldId(sink.id)
    const parts = [
      before === undefined ? [] : accepted(past, before),
      sink.kind === 'key' ? ofLastLetters(sink, again.get(sink.id) ?? [], letterOf) : (again.get(sink.id) ?? []),
      accepted(future, sink.id),
    ]
    into.set(sink.id, sink.kind === 'key' ? lastOf(sink, parts) : parts.flat())
  }
  const gone = old.sinks.filter((sink) => !next.sinks.some(({ id }) => oldId(id) === sink.id))
  const left = gone.map((sink) => ({ ...sink, id: `${sink.id} as it was`, place: sink.place ?? sink.id }))
  for (const [i, { id }] of left.entries()) into.set(id, accepted(past, gone[i]!.id))
  const names = [...new Set([...past.outOf.keys(), ...future.outOf.keys()])]
  const outOf = new Map(
    names.map((name) => [name, [...(past.outOf.get(name) ?? []), ...(future.outOf.get(name) ?? [])]] as const),
  )
  return { prediction: { into, outOf, failures, read: future.read }, left, outcomes, letterOf }
}

/** The node of the new graph that a node of the old one has become. */
export const nodeOf = (next: Case, { before }: Pick<ReplayEdit, 'before'>, at: string): string | undefined => {
  const ids = [...next.sources, ...next.steps, ...next.sinks].map(({ id }) => id)
  return ids.find((id) => id === at) ?? ids.find((id) => before(id) === at)
}

/** Where a letter goes: its node, or the readers of that node if it is gone. */
export function targetsOf(old: Case, edit: ReplayEdit, at: string): readonly string[] {
  const next = edit.graph
  const node = nodeOf(next, edit, at)
  if (node !== undefined) return [node]
  const readers = [...old.steps, ...old.sinks].filter(({ from }) => from.includes(at)).map(({ id }) => id)
  return readers.flatMap((id) => nodeOf(next, edit, id) ?? [])
}

/** The letter's record where it continues, by node; empty: it does not get there. */
function entriesOf({ old, edit, named }: ReplayedCase, { at, arrival }: Failure): Map<string, readonly Arrival[]> {
  const next = edit.graph
  const path = pathOf(old, named.old, arrival, at)
  const { place } = arrival
  const entries = new Map<string, readonly Arrival[]>()
  // Without its source nothing can decode it.
  if (place && !next.sources.some(({ id }) => id === place.source)) return entries
  // By itself: steps with memory have not seen it, and results of other records are not its own.
  const alone = place && predict(next, edit.bytes, { reads: (each) => isSame(each, place), goesOn: true })
  for (const target of targetsOf(old, edit, at)) {
    const isSource = next.sources.some(({ id }) => id === target)
    const own = !alone
      ? [arrival]
      : isSource
        ? alone.outOf.get(target)!
        : alone.into.get(target)!.filter((each) => {
            const isThere = (to?: string) => pathOf(next, named.next, each, to) === path
            const isGone = nodeOf(next, edit, at) === undefined
            if (isGone && hadBy(old, edit, at, target).includes(outputIn(each))) return false
            return isThere(target) || (isGone && isThere())
          })
    if (own.length > 0) entries.set(target, own)
  }
  return entries
}

/** The other inputs of a reader of a node that is gone: by those it has already received the record. */
const hadBy = (old: Case, edit: ReplayEdit, at: string, reader: string): readonly string[] =>
  [...old.steps, ...old.sinks]
    .filter(({ id }) => nodeOf(edit.graph, edit, id) === reader)
    .flatMap(({ from }) => from.filter((name) => name !== at))

/** The output that a record has come out of last. */
const outputIn = ({ way }: Arrival): string => way.split('>').at(-1)!.split('.').at(-1)!

const isSame = (a: Place, b: Place): boolean => a.source === b.source && a.split === b.split && a.index === b.index

/** Whether a record of the new graph, where sources may have other ids, is still to be read. */
function unreadIn({ old, edit, isRead }: ReplayedCase): (place: Place) => boolean {
  const was = new Map(edit.graph.sources.map((source, i) => [source.id, old.sources[i]!.id]))
  return (place) => !isRead({ ...place, source: was.get(place.source)! })
}

type KeySink = Sink & { readonly kind: 'key' }

/** What a record writes by itself: a document, or an attribute of one. */
const partOf = (sink: KeySink, arrival: Arrival): string =>
  keyOf(arrival, sink.key) + (sink.write === 'set' ? ` ${String(arrival.row['u'])}` : '')

/** Letters are written one after the other, so those of the last one with a key count. */
function ofLastLetters(
  sink: KeySink,
  arrivals: readonly Arrival[],
  letterOf: ReadonlyMap<Arrival, string>,
): readonly Arrival[] {
  const last = new Map(arrivals.map((arrival) => [partOf(sink, arrival), letterOf.get(arrival)]))
  return arrivals.filter((arrival) => letterOf.get(arrival) === last.get(partOf(sink, arrival)))
}

/** For documents by key: the records of the last part that has the key. */
function lastOf(sink: KeySink, parts: readonly (readonly Arrival[])[]): readonly Arrival[] {
  const keys = parts.map((part) => new Set(part.map((arrival) => partOf(sink, arrival))))
  return parts.flatMap((part, i) =>
    part.filter((arrival) => !keys.slice(i + 1).some((later) => later.has(partOf(sink, arrival)))),
  )
}
