/** Late records: how far one may be behind its lane, and where it goes. */
import type { Applied, Row, StepContext } from '@millrace/core'

/** How far records of a source may be behind their lane, in ms. */
export function latenessOf({ times = {} }: StepContext): (source: string) => number {
  const bySource = new Map(
    Object.entries(times).map(([id, { maxOutOfOrderMs, arrival }]) => [
      id,
      arrival ? Number.POSITIVE_INFINITY : (maxOutOfOrderMs ?? Number.POSITIVE_INFINITY),
    ]),
  )
  return (source) => bySource.get(source) ?? Number.POSITIVE_INFINITY
}

/** Late records of one call. `name`: their output; `drop` or undefined: they are only counted, as filtered. */
export function lateRecords(name: string | undefined) {
  const rows: Row[] = []
  const origins: number[] = []
  return {
    add(row: Row, i: number) {
      rows.push(row)
      origins.push(i)
    },
    /** What the call returns: no rows but these. `held`: how many records went into memory. */
    applied(held: number): Applied {
      const result = { rows: [], origins: none, held, late: rows.length }
      if (name === undefined || name === 'drop' || rows.length === 0) return result
      return { ...result, sideOutputs: { [name]: { rows, origins: Int32Array.from(origins) } } }
    },
  }
}

const none = new Int32Array(0)
