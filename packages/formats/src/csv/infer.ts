/**
 * Infers types from real CSV data, for a person to review. A column gets the narrowest type that all its cells have:
 * integer, bigint, number, boolean, date, timestamp, else string. Text that only looks like a number stays text:
 * leading zeros, a plus sign, more digits than a double can represent.
 */
import { type Field, fromText, MillraceError, type RecordType, type Row, type Type } from '@millrace/core'
import type { ByteSource } from '../reader.ts'
import { byteOrderMark, unitBytes } from '../text.ts'
import { chunkOf } from './chunk.ts'
import { readHeader } from './header.ts'
import { csvDefaults, type CsvOptions, dialectOf } from './options.ts'
import { createCsvReader } from './reader.ts'

const sampleRows = 100_000

type Kind = 'integer' | 'bigint' | 'number' | 'boolean' | 'date' | 'timestamp'

// A number with a decimal point and up to 15 digits in total survives a round trip.
const looks: Readonly<Record<Kind, (text: string) => boolean>> = {
  integer: (text) => /^(0|-?[1-9]\d*)$/.test(text),
  bigint: (text) => /^(0|-?[1-9]\d*)$/.test(text),
  number: (text) =>
    /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) && text.replace('-', '').replace('.', '').replace(/^0+/, '').length <= 15,
  boolean: (text) => /^(true|false)$/i.test(text),
  date: (text) => /^\d/.test(text),
  timestamp: (text) => /^\d/.test(text),
}
const kinds = Object.keys(looks) as Kind[]

function isOf(kind: Kind, text: string): boolean {
  if (!looks[kind](text)) return false
  try {
    fromText({ kind })(text)
    return true
  } catch {
    return false
  }
}

/**
 * Fields and types of an input, from its header and first 100,000 records. Throws `MillraceError`: `cannot_infer` if
 * there is no header or no record, `bad_record` if the sample cannot be read with these options.
 */
export async function inferCsv(input: ByteSource, csv: Partial<CsvOptions>, signal: AbortSignal): Promise<RecordType> {
  const options: CsvOptions = { ...csvDefaults, ...csv, bare_quotes: csv.bare_quotes ?? 'error' }
  const names = await namesOf(input, options, signal)
  const text: Field = { type: { kind: 'string' }, optional: true }
  const all: RecordType = { fields: Object.fromEntries(names.map((name) => [name, text])) }
  const columns = names.map((name) => ({ name, kinds: new Set(kinds), empty: false, any: false }))
  let seen = 0
  const look = (row: Row) => {
    for (const column of columns) {
      const value = row[column.name] as string | null
      if (value === null) column.empty = true
      else {
        column.any = true
        for (const kind of column.kinds) if (!isOf(kind, value)) column.kinds.delete(kind)
      }
    }
  }
  const reader = createCsvReader(options, { schema: all, unknownFields: 'drop' })
  for await (const piece of reader.read(input, undefined, signal)) {
    piece.rows.forEach(look)
    const bad = piece.bad?.[0]
    if (bad)
      throw new MillraceError(
        'bad_record',
        `byte ${bad.position}${bad.field === undefined ? '' : `, column ${bad.field}`}: ${bad.message}`,
        {
          hint: 'set the options delimiter, quote, bare_quotes, encoding or ragged to match the file',
        },
      )
    seen += piece.rows.length
    if (seen >= sampleRows) break
  }
  return {
    fields: Object.fromEntries(
      columns.map(({ name, kinds, empty, any }) => [
        name,
        { type: typeOf(any ? kinds : new Set()), optional: empty || seen === 0 },
      ]),
    ),
  }
}

/** `kinds` is in order of preference. */
function typeOf(kinds: ReadonlySet<Kind>): Type {
  const [first = 'string'] = kinds
  return { kind: first }
}

async function namesOf(input: ByteSource, options: CsvOptions, signal: AbortSignal): Promise<readonly string[]> {
  if (!options.header)
    throw new MillraceError('cannot_infer', 'without a header the columns have no names', {
      hint: 'write the schema by hand, in the order of the columns',
    })
  const unit = unitBytes(options.encoding)
  let held: Buffer = Buffer.alloc(0)
  const header = (last: boolean) => {
    const chunk = chunkOf(held, options.encoding, last)
    return readHeader(chunk, byteOrderMark(held, options.encoding) / unit, dialectOf(options, unit), options, last)
  }
  for await (const bytes of input.stream(0, signal)) {
    held = Buffer.concat([held, bytes])
    const found = header(false)
    if (found) return found.names
  }
  const found = header(true)
  if (found) return found.names
  throw new MillraceError('cannot_infer', 'the input is empty')
}
