/** The type of the documents that a sink leaves in its collection. */
import type { PlanSink, RecordType } from '@millrace/core'

/** The options that say which parts of a record a document holds. */
interface Parts {
  readonly write?: string
  readonly key?: string | readonly string[]
  readonly fields?: readonly string[]
  readonly attribute?: object
}

/**
 * The records' type. With `write: set`, a document has the fields that are merged into it; others are there only if
 * another sink sets them.
 */
export function documentTypeOf({ config, input }: PlanSink): RecordType {
  const { write, key, fields, attribute } = config as Parts
  if (write !== 'set' || (fields === undefined && attribute === undefined)) return input
  const kept = new Set([key ?? [], fields ?? []].flat())
  const entries = Object.entries(input.fields).map(
    ([name, field]) => [name, kept.has(name) ? field : { ...field, optional: true }] as const,
  )
  return { ...input, fields: Object.fromEntries(entries) }
}
