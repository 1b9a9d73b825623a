/** The event time of the records that a case gives, by the rule of their source. */
import { floorMs } from '../convert/index.ts'
import { compileDateParser } from '../date/index.ts'
import type { PlanEventTime, PlanSource } from '../plan/index.ts'
import type { Row } from '../record/index.ts'

/** The event time of a row that arrives at `atMs`, ms UTC; NaN: it has none. */
export type EventTimeOf = (row: Row, atMs: number) => number

/** For sources with event time; undefined: it has none. */
export function eventTimeOf({ eventTime, schema }: Pick<PlanSource, 'eventTime' | 'schema'>): EventTimeOf | undefined {
  if (!eventTime) return undefined
  const { field } = eventTime
  if (field === undefined) return (_row, atMs) => atMs
  const type = Object.hasOwn(schema.fields, field) ? schema.fields[field]!.type : undefined
  const precision = type?.kind === 'fine_timestamp' ? type.precision : 6
  const parse = textReader(eventTime)
  return (row) => {
    const value = row[field]
    if (typeof value === 'number') return value
    if (typeof value === 'bigint') return floorMs(value, precision)
    return typeof value === 'string' ? (parse(value) ?? Number.NaN) : Number.NaN
  }
}

const textReader = ({ formats = ['iso'], zone }: PlanEventTime) => compileDateParser(formats, zone)
