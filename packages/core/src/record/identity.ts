/**
 * Record ids: text that no two different records share, in any graph, over any number of pipelines.
 *
 * | record | id |
 * |---|---|
 * | read from a split | `pipeline/source/split@position` |
 * | received under a client's key | `pipeline/source/key`, or `pipeline/source/key/item` for one of several |
 * | a result of a step | `pipeline/step/["group", window start]`: canonical JSON |
 * | arrived with an id (over a stream) | that id |
 *
 * The path of a record is appended: `#step.n` for the n-th of several records that a step made from one, and `#input`
 * where it enters a node by one of several inputs that can deliver the same record. If the id was made by another
 * pipeline, the first such part names this one, `#pipeline/step.n`, so that it shows which pipeline appended it.
 *
 * No id depends on batch boundaries, on the epoch or on the number of instances. Reading an id from its end shows that
 * it is unambiguous: pipelines, sources and steps are named by `[A-Za-z0-9_-]+`; `@`, `#` and `%` of a position are
 * escaped, so the last `@` ends the split; in a client's key `/` is escaped too; JSON text ends where its first bracket
 * closes.
 *
 * Decision: docs/decisions/20261130-ids-say-what-a-record-is.md
 */
import type { Json } from './json.ts'

const percent = (c: string): string => `%${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`

/** Text as a part of an id: `%`, `@`, `#` and `/` are escaped as in a URL. */
export const idPart = (text: string): string => text.replaceAll(/[%@#/]/g, percent)

/** The part of an id that all records of a split share. */
export const idPrefix = (pipeline: string, source: string, split: string): string => `${pipeline}/${source}/${split}@`

/** A position in an id. */
export const idPosition = (position: string | number): string | number =>
  typeof position === 'number' ? position : idPart(position)

/**
 * The id of a record that has a key in its source: a client's idempotency key, the id that a server gives its records.
 */
export const recordId = (pipeline: string, source: string, key: string): string =>
  `${pipeline}/${source}/${idPart(key)}`

/** The id of a step's result. */
export const resultId = (pipeline: string, step: string, key: readonly Json[]): string =>
  `${pipeline}/${step}/${JSON.stringify(key)}`
