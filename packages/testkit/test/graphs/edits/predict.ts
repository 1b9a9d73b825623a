/**
 * What must come of a case that was edited under way: what was saved by then went through the old graph, all else goes
 * through the new one. A step with memory, and a place that is written to, go on with what they have.
 */
import type { Case } from '../case.ts'
import { type Arrival, type Failure, type Place, predict, type Prediction, taken } from '../model/index.ts'
import type { Edit } from './edit.ts'

export interface Edited {
  /** By the nodes of the new graph. */
  readonly prediction: Prediction
  /** What the old graph may have written of what was not saved. */
  readonly stale: Prediction
  /** Sinks that the new graph does not have any more, or not in this place, as sinks of it: what they must hold. */
  readonly left: Case['sinks']
}

export function predictEdited(
  old: Case,
  edit: Edit,
  corrected: ReadonlySet<string>,
  isSaved: (place: Place) => boolean,
): Edited {
  const past = predict(old, corrected, { reads: isSaved, goesOn: true })
  const lost = unsavedOf(old, corrected, isSaved)
  const next = edit.graph
  const oldId = (id: string) => {
    const before = edit.before(id)
    return before !== undefined && past.into.has(before) ? before : undefined
  }
  const isUnsaved = nextPlaces(old, next, isSaved)
  const future = predict(next, corrected, {
    reads: isUnsaved,
    memory: (step) => {
      const before = oldId(step)
      return before === undefined ? [] : past.into.get(before)!
    },
  })
  const gone = old.sinks.filter((sink) => !next.sinks.some(({ id }) => oldId(id) === sink.id))
  const left = gone.map((sink) => ({ ...sink, id: `${sink.id} as it was`, place: sink.place ?? sink.id }))
  return { prediction: joined(past, future, next, oldId, left), stale: moved(lost, next, oldId, left), left }
}

/** What the old graph may have written of what was not saved: before anything was mended, or at the very end. */
function unsavedOf(old: Case, corrected: ReadonlySet<string>, isSaved: (place: Place) => boolean): Prediction {
  const unsaved = predict(old, new Set(), { reads: (place) => !isSaved(place), goesOn: true })
  const atEnd = predict(old, corrected)
  const into = new Map(
    [...unsaved.into].map(([id, arrivals]) => [
      id,
      [...arrivals, ...atEnd.into.get(id)!.filter(({ place }) => !place)],
    ]),
  )
  return {
    ...unsaved,
    into,
    failures: [...unsaved.failures, ...atEnd.failures.filter(({ arrival }) => !arrival.place)],
  }
}

/** The same for places of the new graph, where a source may have another id. */
function nextPlaces(old: Case, next: Case, isSaved: (place: Place) => boolean): (place: Place) => boolean {
  const was = new Map(next.sources.map((source, i) => [source.id, old.sources[i]!.id]))
  return (place) => !isSaved({ ...place, source: was.get(place.source)! })
}

const original = (id: string): string => id.replace(/ as it was$/, '')

/** What came to each sink of the new graph, before and after. */
function joined(
  past: Prediction,
  future: Prediction,
  next: Case,
  oldId: (id: string) => string | undefined,
  left: Case['sinks'],
): Prediction {
  const into = new Map<string, readonly Arrival[]>(future.into)
  for (const { id } of next.sinks) {
    const before = oldId(id)
    if (before !== undefined) into.set(id, [...taken(past, before), ...future.into.get(id)!])
  }
  for (const { id } of left) into.set(id, taken(past, original(id)))
  return {
    into,
    outOf: new Map([...past.outOf, ...future.outOf].map(([name]) => [name, both(past, future, name)])),
    failures: [...past.failures, ...future.failures],
    read: future.read,
  }
}

const both = (past: Prediction, future: Prediction, name: string): Arrival[] => [
  ...(past.outOf.get(name) ?? []),
  ...(future.outOf.get(name) ?? []),
]

/** What came to each sink of the old graph, under the id that the sink has now. */
function moved(
  lost: Prediction,
  next: Case,
  oldId: (id: string) => string | undefined,
  left: Case['sinks'],
): Prediction {
  const into = new Map<string, readonly Arrival[]>()
  const failures: Failure[] = [...lost.failures]
  for (const { id } of next.sinks) {
    const before = oldId(id)
    into.set(id, before === undefined ? [] : taken(lost, before))
  }
  for (const { id } of left) into.set(id, taken(lost, original(id)))
  return { ...lost, into, failures }
}
