/** The new records of a page, as a batch. */
import { hash } from 'node:crypto'
import {
  type BadRecord,
  type Batch,
  MillraceError,
  recordId,
  type Row,
  type SourceContext,
  toText,
} from '@millrace/core'
import type { Boundary, Value } from './boundary.ts'
import { trim } from './json.ts'
import type { PollOptions } from './options.ts'
import type { Page } from './page.ts'

/** The identity of a record. */
export interface Known {
  /** The value of its field as text; undefined: it has none. */
  textOf(row: Row): string | undefined
  idOf(row: Row): string | undefined
}

/** Throws `MillraceError` if the schema has no such field. */
export function identify(o: PollOptions, ctx: SourceContext): Known | undefined {
  const { id } = o
  if (id === undefined) return undefined
  const type = ctx.schema.fields[id]?.type
  if (!type)
    throw new MillraceError('bad_value', `\`id\` does not name a field of the schema: ${id}`, {
      hint: 'add it to the schema',
      exitCode: 2,
    })
  const print = toText(type)
  const textOf = (row: Row) => (row[id] === null || row[id] === undefined ? undefined : print(row[id]))
  return {
    textOf,
    idOf(row) {
      const text = textOf(row)
      return text === undefined ? undefined : recordId(ctx.pipeline, ctx.id, text)
    },
  }
}

interface Taking {
  readonly split: string
  /** Records taken before this page. */
  readonly count: number
  readonly known: Known | undefined
  readonly valueOf: ((row: Row) => Value | undefined) | undefined
  readonly boundary: Boundary | undefined
}

/** The new records of a page. */
export function batchOf(page: Page, { split, count, known, valueOf, boundary }: Taking): Batch {
  const rows: Row[] = []
  const raws: Uint8Array[] = []
  const places: number[] = []
  const bad: BadRecord[] = []
  let at = count
  let size = 0
  for (const record of page.records) {
    const bytes = 'bad' in record ? record.bad.bytes : record.bytes
    size += bytes.length
    const id = 'row' in record ? known?.textOf(record.row) : undefined
    if (boundary && !boundary.take('row' in record ? valueOf!(record.row) : undefined, id ?? markOf(bytes))) continue
    if ('bad' in record) bad.push({ ...record.bad, position: at++ })
    else {
      rows.push(record.row)
      raws.push(record.bytes)
      places.push(at++)
    }
  }
  return {
    split,
    rows,
    bytes: size,
    positionAt: (i) => places[i]!,
    rawAt: (i) => raws[i]!,
    unknown: page.unknown > 0 ? page.unknown : undefined,
    idAt: known ? (i: number) => known.idOf(rows[i]!) : undefined,
    bad: bad.length ? bad : undefined,
    context: page.context,
  }
}

/** Compares records by their bytes, without surrounding blanks. */
const markOf = (bytes: Uint8Array): string => hash('sha256', trim(bytes), 'base64').slice(0, 16)
