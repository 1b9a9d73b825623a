/**
 * When and where a record was, for `first` and `last`: they go by event time, then split, then position, and so do not
 * depend on the order in which records of several splits come.
 */
import type { Batch, Records } from '@millrace/core'

export interface Place {
  /** Event time, ms UTC; 0 where the spec asks for none. */
  time: number
  /** The source and its split: splits of two sources may have one name. */
  split: string
  position: string | number
}

/** Reads the place of record i, into one object that it fills again for each. */
export function placeReader(records: Records): (i: number) => Place {
  const place: Place = { time: 0, split: '', position: 0 }
  let last: Batch | undefined
  return (i) => {
    const origin = records.origin(i)
    if (!origin) {
      // A result has no split; its id says which it is.
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
