/**
 * Converts rows to JSON so that a row without a JSON form does not affect the others.
 *
 * Decision: docs/decisions/20261121-json-written-as-bytes.md
 */
import type { RecordType, Row } from '@millrace/core'
import type { OutputBytes } from '../bytes.ts'
import type { RefusedRow, Written } from '../writer.ts'
import { compileEncoder, type JsonWriteOptions, jsonValue } from './encode.ts'

/**
 * Appends the rows that have a JSON form, in order, and stops after the one with which `out` reaches `most` bytes;
 * handles at least one row.
 */
export type EncodeEach = (rows: readonly Row[], out: OutputBytes, most?: number) => Written

/**
 * Like `compileEncoder`, for rows of which some may have no JSON form: a time in the year 10000, a bigint inside json.
 */
export function compileEachEncoder(
  record: RecordType,
  options: JsonWriteOptions & { readonly before?: string; readonly after?: string } = {},
): EncodeEach {
  const encode = compileEncoder(record, options)
  const fieldAtFault = compileFieldAtFault(record)
  return (rows, out, most) => {
    const start = out.at
    try {
      return { taken: encode(rows, out, most) }
    } catch {
      out.at = start
    }
    const refused: RefusedRow[] = []
    let taken = 0
    do {
      const row = rows[taken]!
      const before = out.at
      try {
        encode([row], out)
      } catch (error) {
        out.at = before
        refused.push({ index: taken, ...encodingFault(error, fieldAtFault(row)) })
      }
    } while (++taken < rows.length && (most === undefined || out.at < most))
    return { taken, refused }
  }
}

/** Makes the function that finds the first field of a row whose value has no JSON form. */
export function compileFieldAtFault(record: RecordType): (row: Row) => string | undefined {
  const fields = Object.entries(record.fields).map(([name, { type }]) => ({ name, json: jsonValue(type) }))
  return (row) => fields.find(({ name, json }) => fails(json, row[name]))?.name
}

function fails(encode: (value: unknown) => unknown, value: unknown): boolean {
  try {
    if (value !== null && value !== undefined) encode(value)
    return false
  } catch {
    return true
  }
}

/** Why a value could not be encoded, from the error of its encoder. */
export function encodingFault(error: unknown, field: string | undefined): Omit<RefusedRow, 'index'> {
  const why = error instanceof Error ? error.message : String(error)
  return {
    code: error instanceof RangeError ? 'out_of_range' : 'not_encodable',
    message: field === undefined ? why : `${field}: ${why}`,
    field,
  }
}
