/**
 * Predicts a case whose spec is edited during its run: what was saved before the edit goes through the old graph,
 * everything else through the new one. Stateful steps keep their state, and sinks what they hold.
 */
import type { Case } from '../case.ts'
import { type Arrival, type Failure, type Place, predict, type Prediction, accepted } from '../model/index.ts'
import type { Edit } from './edit.ts'

export interface Edited {
  /** By ids of the new graph. */
  readonly prediction: Prediction
  /** Records that the old graph may have written without saving them. */
  readonly stale: Prediction
  /** Sinks that the new graph no longer has in this place, under ids of their own; what they hold is predicted too. */
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
  const missingInputs = old.sinks.filter((sink) => !next.sinks.some(({ id }) => oldId(id) === sink.id))
  const left = missingInputs.map((sink) => ({ ...sink, id: `${sink.id} as it was`, place: sink.place ?? sink.id }))
  return { prediction: joined(past, future, next, oldId, left), stale: moved(lost, next, oldId, left), left }
}

/** What the old graph may have written without saving it: unsaved records as they were then, and results. */
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

/** Whether a record is not saved, by its place in the new graph, where sources may have other ids. */
function nextPlaces(old: Case, next: Case, isSaved: (place: Place) => boolean): (place: Place) => boolean {
  const was = new Map(next.sources.map((source, i) => [source.id, old.sources[i]!.id]))
  return (place) => !isSaved({ ...place, source: was.get(place.source)! })
}

const original = (id: string): string => id.replace(/ as it was$/, '')

/** Records into each sink of the new graph, before and after the edit. */
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
    if (before !== undefined) into.set(id, [...accepted(past, before), ...future.into.get(id)!])
  }
  for (const { id } of left) into.set(id, accepted(past, original(id)))
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

/** Records into each sink of the old graph, by the ids of the new one. */
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
    into.set(id, before === undefined ? [] : accepted(lost, before))
  }
  for (const { id } of left) into.set(id, accepted(lost, original(id)))
  return { ...lost, into, failures }
}
