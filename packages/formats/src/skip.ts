/**
 * What a pushed-down condition says of the fields in a source's schema: readers of formats that keep the least and the
 * greatest value of many records leave out those that it excludes.
 */
import { compileExpression } from '@millrace/core'
import type { ReadOptions, Skip } from './reader.ts'

/** What the condition that is pushed down excludes; undefined: nothing. */
export function skipOf({ schema, push, skip }: ReadOptions): Skip | undefined {
  if (skip || !push?.where) return skip
  const { step, condition } = push.where
  const from = new Map(push.columns.map((column) => [column.name, column.from]))
  const fields = Object.fromEntries(push.columns.map(({ name, from: field }) => [name, schema.fields[field]!]))
  const compiled = compileExpression(condition, { fields })
  if (!compiled.ok) throw new Error(compiled.problems[0]!.message)
  return { step, bounds: compiled.bounds().map((bound) => ({ ...bound, field: from.get(bound.field)! })) }
}
