/** The record type of a typed file, and what its columns must be for that. */
import { MillraceError, type RecordType } from '@millrace/core'
import type { FileColumn } from '../file-column.ts'
import { holdsLocalTimes } from '../times.ts'
import { zoneHint } from './values.ts'

/**
 * The record type of a file; `note` receives what infer cannot decide, and what it leaves out. Throws `MillraceError`
 * `duplicate_column`.
 */
export function recordTypeOf(columns: readonly FileColumn[], note?: (message: string) => void): RecordType {
  for (const column of columns)
    if (holdsLocalTimes(column)) note?.(`the column ${column.name} holds times without a zone: ${zoneHint}`)
  refuseDuplicates(columns)
  const named = columns.flatMap(({ name, natural, told }) => {
    if (natural) return [[name, { type: natural, optional: true }] as const]
    note?.(`the column ${name} is left out: it has the type ${told}, which cannot be read`)
    return []
  })
  return { fields: Object.fromEntries(named) }
}

/** Throws `MillraceError` `duplicate_column`. */
export function refuseDuplicates(columns: readonly FileColumn[]): void {
  const seen = new Set<string>()
  for (const { name } of columns) {
    if (seen.has(name))
      throw new MillraceError(
        'duplicate_column',
        `the file has two columns named ${name}, so their values cannot be told apart`,
        { hint: 'write the file with a different name for each column' },
      )
    seen.add(name)
  }
}
