/** Columns of an existing table, and whether they store records unchanged. */
import { DataError, isWellFormed, MillraceError, type RecordType, type Type, typeText } from '@millrace/core'

/** A column of an existing table. */
export interface Column {
  readonly name: string
  /** As its system writes it: `numeric(10,2)`. */
  readonly type: string
  readonly required: boolean
  readonly hasDefault: boolean
}

/** What is wrong with an existing table for these records. `nameOf`: the column of a field. */
export function columnFaults(
  columns: readonly Column[],
  schema: RecordType,
  canStore: (declared: string, type: Type) => boolean,
  nameOf: (field: string) => string = (field) => field,
): string[] {
  const wrong: string[] = []
  const named = new Set<string>()
  for (const [field, { type }] of Object.entries(schema.fields)) {
    const name = nameOf(field)
    named.add(name)
    const column = columns.find((other) => other.name === name)
    if (!column) wrong.push(`there is no column ${name}`)
    else if (!canStore(column.type, type))
      wrong.push(`the column ${name} is ${column.type} and would alter values of type ${typeText(type)}`)
  }
  for (const { name, required, hasDefault } of columns)
    if (required && !hasDefault && !named.has(name))
      wrong.push(`the column ${name} may not be null, and the records have no such field`)
  return wrong
}

/** The error of a table with these faults. */
export const tableDiffers = (table: string, wrong: readonly string[]): MillraceError =>
  new MillraceError('table_differs', `the table ${table} cannot store these records: ${wrong.join('; ')}`, {
    hint: 'alter the table, convert the records to its columns with `select` and `cast`, or choose another table',
    exitCode: 3,
  })

const halfPair = 'an unpaired surrogate, which is not a character'

/** A text that a database can store, unchanged. Throws `DataError`. */
export function storableText(text: string, system: string): string {
  if (!text.isWellFormed()) throw new DataError('bad_text', `the text has ${halfPair}`)
  if (text.includes('\0')) throw new DataError('bad_text', `${system} cannot store the character U+0000`)
  return text
}

/** Throws `DataError` if a list, map, object or JSON has a text that is none. */
export function checkTexts(value: unknown): void {
  if (!isWellFormed(value)) throw new DataError('bad_text', `the value has ${halfPair}`)
}

/** A `bigint` of 64 bits. Throws `RangeError`. */
export function int64(value: bigint): string {
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit in 64 bits`)
  return String(value)
}

/** Bytes in hexadecimal digits. */
export const hexOf = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('hex')
