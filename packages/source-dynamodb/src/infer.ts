/** Inspects a table: the type of its items, inferred from a sample, and how many there are. */
import { type Env, type Field, isDateText, MillraceError, type RecordType, type Type } from '@millrace/core'
import { type Item, layoutText, mostDigits, recordField, type Stored } from '@millrace/client-dynamodb'
import { unknownTable } from '@millrace/client-dynamodb/driver'
import type { Options } from './options.ts'
import { withTables } from './read.ts'
import { readable } from './values.ts'

/** Items to inspect. */
const sample = 1000

/** Throws `SystemError`, and `MillraceError` if there is nothing to infer a type from. */
export const inferType = (o: Options, env: Env, signal: AbortSignal): Promise<RecordType> =>
  withTables(o, env, signal, async (tables, table) => {
    if (!(await tables.facts(table))) throw await unknownTable(tables, o, o.collection, 3)
    const { items } = await tables.scan(table, { ConsistentRead: true, Limit: sample })
    if (items.length > 0) return typeOfAll(items)
    throw new MillraceError('nothing_to_infer', `the table ${table} is empty`, {
      hint: 'write the schema by hand',
      exitCode: 3,
    })
  })

/** For `pipe doctor`. */
export const describeTable = (o: Options, env: Env, signal: AbortSignal): Promise<string> =>
  withTables(o, env, signal, async (tables, table) => {
    const facts = await tables.facts(table)
    if (!facts) throw await unknownTable(tables, o, o.collection, 3)
    return `about ${facts.items} items in the table ${table} by ${layoutText(facts.key)}`
  })

function typeOfAll(items: readonly Item[]): RecordType {
  const seen = new Map<string, { type: Type; n: number }>()
  for (const item of items) {
    for (const [name, value] of Object.entries(item)) {
      if (value.NULL || name === recordField) continue
      const before = seen.get(name)
      seen.set(name, { type: before ? joined(before.type, typeOf(value)) : typeOf(value), n: (before?.n ?? 0) + 1 })
    }
  }
  return {
    fields: Object.fromEntries(
      [...seen].map(([name, { type, n }]): [string, Field] => [name, { type, optional: n < items.length }]),
    ),
  }
}

const timestampText = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

function typeOf(value: Stored): Type {
  if (value.BOOL !== undefined) return { kind: 'boolean' }
  if (value.B !== undefined) return { kind: 'bytes' }
  if (value.S !== undefined) {
    if (isDateText(value.S)) return { kind: 'date' }
    return { kind: timestampText.test(value.S) ? 'timestamp' : 'string' }
  }
  if (value.N === undefined) return { kind: 'json' }
  const number = readable(value, undefined)
  if (typeof number === 'bigint') return { kind: BigInt.asIntN(64, number) === number ? 'bigint' : 'json' }
  if (typeof number === 'number') return { kind: Number.isSafeInteger(number) ? 'integer' : 'number' }
  // More digits than a double has.
  const [, fraction] = /^-?\d+\.(\d+)$/.exec(value.N) ?? []
  return fraction === undefined || fraction.length > mostDigits
    ? { kind: 'json' }
    : { kind: 'decimal', precision: mostDigits, scale: fraction.length }
}

/** The narrowest type for the values of both. */
function joined(a: Type, b: Type): Type {
  if (a.kind === 'decimal' && b.kind === 'decimal') return a.scale >= b.scale ? a : b
  if (a.kind === b.kind) return a
  const kinds = new Set([a.kind, b.kind])
  const among = (...allowed: Type['kind'][]) => [...kinds].every((kind) => allowed.includes(kind))
  if (among('integer', 'number')) return { kind: 'number' }
  if (among('integer', 'bigint')) return { kind: 'bigint' }
  return { kind: among('string', 'date', 'timestamp') ? 'string' : 'json' }
}
