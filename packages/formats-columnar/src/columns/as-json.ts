/** Rows of a typed file as JSON: what stands for the bytes that a row of it does not have. */
import { type Json, mapValues, printJson, readJson, type Row, toJson, type Type } from '@millrace/core'
import { holdsLocalTimes } from '../times.ts'
import type { RowReader } from './rows.ts'

/** 64-bit whole numbers are text in JSON; as numbers they can also be read as integers. */
function numbersWhereExact(value: Json, type: Type): Json {
  if (value === null) return null
  switch (type.kind) {
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value
    case 'list':
      return (value as Json[]).map((item) => numbersWhereExact(item, type.of.type))
    case 'map':
      return mapValues(value as Row, (part) => numbersWhereExact(part as Json, type.of.type)) as Json
    case 'object': {
      const { fields } = type.record
      return Object.fromEntries(
        Object.entries(value).map(([name, part]) => [name, numbersWhereExact(part as Json, fields[name]!.type)]),
      )
    }
    default:
      return value
  }
}

/** A row as JSON, used instead of the bytes that it does not have. */
export function rowAsJson(reader: RowReader, values: readonly ArrayLike<unknown>[], index: number): Uint8Array {
  const row: Row = {}
  reader.columns.forEach((column, k) => {
    const raw = values[k]![index]
    const type = column.natural ?? column.shown
    let value: Json
    try {
      value =
        raw === null || raw === undefined || !type
          ? null
          : !column.ticks && holdsLocalTimes(column)
            ? String(raw)
            : column.text
              ? (readJson(column.text(raw)) as Json)
              : numbersWhereExact(toJson(type)(column.read(raw)), type)
    } catch {
      value = String(raw)
    }
    Object.defineProperty(row, column.name, { value, enumerable: true, writable: true, configurable: true })
  })
  return Buffer.from(printJson(row))
}
