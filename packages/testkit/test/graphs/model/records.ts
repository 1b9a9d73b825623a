/**
 * The model evaluates a graph record by record over the whole input. It shares no code with the engine and knows
 * nothing about batches, epochs or crashes.
 *
 * A record is identified by its place in the input (or by its group, if it is a result), by its path through the graph,
 * and by its index in each list that was exploded on the way. Records that differ in any of these are different
 * records.
 */
import type { InputRecord } from '../case.ts'
import type { Moment } from './lanes.ts'

export type Row = Readonly<Record<string, unknown>>

/** A record's place in the input. */
export interface Place {
  readonly source: string
  readonly split: string
  readonly index: number
  readonly record: InputRecord
  /** Absent if its source has no event time, or it tells none. */
  readonly moment?: Moment
}

/** Exactly one of the options of a group passes. Which one depends on the order across splits. */
export interface Choice {
  readonly step: string
  readonly group: string
  readonly option: string
}

/** A record at some point of the graph. */
export interface Arrival {
  readonly row: Row
  /** Absent for results. */
  readonly place?: Place
  /** The step and group of a result. */
  readonly result?: string
  /** The steps it has passed. */
  readonly way: string
  /** Its index at each step that multiplied it. */
  readonly items: readonly number[]
  readonly choice?: Choice
}

/** A record that fails at a source, step or sink. */
export interface Failure {
  readonly at: string
  readonly arrival: Arrival
  /** It cannot be decoded. */
  readonly undecodable?: boolean
}

/** The record's identity. Records that a log holds twice under one id share it. */
export function identity({ place, result, way, items }: Arrival): string {
  const origin = place ? (place.record.id ?? `${place.source}/${place.split}/${place.index}`) : result
  return `${origin} ${way} ${items.join('.')}`
}

const texts = new WeakMap<object, string>()

/** A canonical text of a value; null and absent fields are equal. Texts of objects are cached. */
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
