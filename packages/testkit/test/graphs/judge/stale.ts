/** What a corrected input no longer produces. */
import { type Arrival, type Failure, identity, type Prediction, textOf } from '../model/index.ts'

/** The part of `original` that is not in `corrected`, of records for which `isUnsaved` holds. */
export function staleOf(
  original: Prediction,
  corrected: Prediction,
  isUnsaved: (arrival: Arrival) => boolean,
): Prediction {
  const contentOf = (arrival: Arrival) => `${identity(arrival)} ${textOf(arrival.row)}`
  const into = new Map<string, readonly Arrival[]>()
  for (const [id, arrivals] of original.into) {
    const still = new Set(corrected.into.get(id)!.map(contentOf))
    into.set(
      id,
      arrivals.filter((arrival) => isUnsaved(arrival) && !still.has(contentOf(arrival))),
    )
  }
  const failureOf = ({ at, arrival }: Failure) => `${at} ${identity(arrival)}`
  const still = new Set(corrected.failures.map(failureOf))
  const failures = original.failures.filter((failure) => isUnsaved(failure.arrival) && !still.has(failureOf(failure)))
  return { ...original, into, failures }
}
