/**
 * Event time and lanes. A partition is a lane, and all files of a source are one, in the order of their names. A record
 * whose time can be read moves its lane, whatever becomes of it.
 */
import { type Case, correctedRecord, type InputRecord, type Source, type Step } from '../case.ts'
import { outputsOf } from '../shape.ts'

/** When a record happened, and up to which time its lane was complete before it; ms. */
export interface Moment {
  readonly time: number
  readonly passed: number
}

/** The time of a record; undefined: it cannot be read. */
export const timeOf = ({ w, undecodable }: InputRecord): number | undefined => {
  if (undecodable === 'line' || w === null || !/^\d/.test(w)) return undefined
  return Date.parse(`${w.replace(' ', 'T')}Z`)
}

interface Lanes {
  /** The next record of a split; undefined: it moves nothing. */
  read(split: string, record: InputRecord): Moment | undefined
  /** The watermark of the slowest lane. */
  low(): number
}

/** The lanes of a source, whose records are read in order. */
export function lanesOf(source: Source): Lanes {
  const behind = source.eventTime?.outOfOrder ?? Number.POSITIVE_INFINITY
  const laneOf = (split: string) => (source.kind === 'log' ? split : '')
  const highs = new Map(source.splits.map(({ name }) => [laneOf(name), Number.NEGATIVE_INFINITY]))
  return {
    read(split, record) {
      const time = timeOf(record)
      if (time === undefined) return undefined
      const high = highs.get(laneOf(split))!
      highs.set(laneOf(split), Math.max(high, time))
      return { time, passed: high - behind }
    },
    low: () => Math.min(...highs.values()) - behind - 1,
  }
}

/**
 * How far the time of a step has come when all input was read, if the run goes on: that of its slowest lane. Files have
 * been read to their end and hold nothing back; if there is nothing else, the furthest of them decides.
 */
export function watermarkAt(graph: Case, sources: readonly string[], corrected: ReadonlySet<string>): number {
  if (graph.runs === 'whole') return Number.POSITIVE_INFINITY
  const own = graph.sources.filter(({ id }) => sources.includes(id))
  const low = (source: Source): number => {
    const lanes = lanesOf(source)
    for (const { name, records } of source.splits)
      for (const record of records) lanes.read(name, corrected.has(record.u) ? correctedRecord(record) : record)
    return lanes.low()
  }
  const streams = own.filter(({ kind }) => kind === 'log')
  return streams.length > 0 ? Math.min(...streams.map(low)) : Math.max(...own.map(low))
}

type Wiring = Pick<Case, 'sources' | 'steps'>

/** The sources whose records can reach a step. */
export const sourcesOf = (graph: Wiring, { from }: Pick<Step, 'from'>): readonly string[] => [
  ...new Set(from.flatMap((name) => sourcesOfOutput(graph, name))),
]

const sourcesOfOutput = (graph: Wiring, name: string): readonly string[] =>
  graph.sources.some(({ id }) => id === name)
    ? [name]
    : sourcesOf(graph, graph.steps.find((step) => outputsOf(step).includes(name))!)
