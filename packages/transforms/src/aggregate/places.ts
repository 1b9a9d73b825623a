/**
 * The time and place of a record, for `first` and `last`: they order by event time, then split, then position, so they
 * do not depend on the order in which records of several splits arrive.
 */
import type { Batch, Records } from '@millrace/core'

export interface Place {
  /** Event time, ms UTC; 0 if the spec asks for none. */
  time: number
  /** The source and its split: splits of two sources may have the same name. */
  split: string
  position: string | number
}

/** Reads the place of record i into one object, which is reused for each record. */
export function placeReader(records: Records): (i: number) => Place {
  const place: Place = { time: 0, split: '', position: 0 }
  let last: Batch | undefined
  return (i) => {
    const origin = records.origin(i)
    if (!origin) {
      // A result has no split; its id identifies it.
      last = undefined
      return { time: records.time(i) ?? 0, split: '', position: records.id(i) }
    }
    const { source, batch, index } = origin
    if (batch !== last) {
      last = batch
      place.split = `${source}/${batch.split}`
    }
    place.time = batch.times?.[index] ?? 0
    place.position = batch.positionAt(index)
    return place
  }
}
