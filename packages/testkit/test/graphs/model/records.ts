/**
 * The model: what a graph must give, worked out record by record over the whole input. It shares no code with the
 * engine and knows nothing of batches, epochs or crashes.
 *
 * A record is known by where it stands in the input, or by the group that it is the result of; by the way it has come,
 * which names every step it passed; and by its places in the lists that it was made of. Two arrivals that differ in any
 * of these are two records, whatever they hold.
 */
import type { InputRecord } from '../case.ts'

export type Row = Readonly<Record<string, unknown>>

/** Where a record stands in the input. */
export interface Place {
  readonly source: string
  readonly split: string
  readonly index: number
  readonly record: InputRecord
}

/** Of the records of a group exactly one passes, and it may be any of several: which depends on the order between splits. */
export interface Choice {
  readonly group: string
  readonly option: string
}

/** A record at some point of the graph. */
export interface Arrival {
  readonly row: Row
  /** Absent: the result of a step. */
  readonly place?: Place
  /** The step and the group that it is the result of. */
  readonly result?: string
  readonly way: string
  readonly items: readonly number[]
  readonly choice?: Choice
}

/** A record that could not pass. `at`: the source, step or sink; `row`: of a result, what is known of it. */
export interface Failure {
  readonly at: string
  readonly arrival: Arrival
  /** Its line could not be decoded. */
  readonly torn?: boolean
}

/** What a record is known by: a record that stands twice in a log under one id is one. */
export function identity({ place, result, way, items }: Arrival): string {
  const origin = place ? (place.record.id ?? `${place.source}/${place.split}/${place.index}`) : result
  return `${origin} ${way} ${items.join('.')}`
}

const texts = new WeakMap<object, string>()

/** A value as text that is equal exactly for equal values; null and absent are one. Objects are not to be changed. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value !== 'object') return JSON.stringify(value)
  let text = texts.get(value)
  if (text === undefined) {
    text = Array.isArray(value) ? `[${value.map(textOf).join()}]` : `{${fieldsOf(value).join()}}`
    texts.set(value, text)
  }
  return text
}

const fieldsOf = (value: object): string[] =>
  Object.entries(value)
    .filter(([, part]) => part !== null && part !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, part]) => `${name}:${textOf(part)}`)
