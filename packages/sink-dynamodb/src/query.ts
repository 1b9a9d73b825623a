/** Queries of a collection, and the report for `pipe doctor`. */
import {
  compileKey,
  type Env,
  fieldOf,
  orderOf,
  type Query,
  type RecordType,
  type Row,
  SystemError,
  type Type,
} from '@millrace/core'
import { compileShown } from '@millrace/kinds'
import {
  fromItem,
  idAttribute,
  isById,
  type Item,
  type KeyAttribute,
  layoutText,
  recordField,
  type Stored,
  tableOf,
  toStored,
} from '@millrace/client-dynamodb'
import {
  openTables,
  type Page,
  RefusedRequest,
  type TableFacts,
  type Tables,
  unknownTable,
} from '@millrace/client-dynamodb/driver'
import type { Options } from './options.ts'

/** Documents as rows, with their key as `_id`. */
export async function* queryTable(o: Options, env: Env, query: Query, signal: AbortSignal): AsyncGenerator<Row> {
  const tables = openTables(o, env, signal)
  try {
    const table = tableOf(o, query.collection)
    const facts = await tables.facts(table)
    if (!facts) throw await unknownTable(tables, o, query.collection, 2)
    let left = query.limit ?? Number.POSITIVE_INFINITY
    if (left <= 0) return
    const rows = rowsOf(tables, table, facts, query)
    for await (const row of query.sort?.length ? sorted(rows, query.sort, query.type) : rows) {
      yield row
      if (--left === 0) return
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof RefusedRequest
      ? new SystemError('refused', `DynamoDB refuses the query: ${error.message}`, { cause: error })
      : error
  } finally {
    tables.close()
  }
}

async function* rowsOf(tables: Tables, table: string, facts: TableFacts, query: Query): AsyncGenerator<Row> {
  const shown = compileShown(query.type)
  const idOf = compileId(facts.key, query.type)
  for await (const item of itemsOf(tables, table, facts, query)) {
    const { [recordField]: _inserted, ...rest } = fromItem(item)
    const row = shown(rest)
    const shownRow = isById(facts.key) ? row : { [idAttribute.name]: idOf(row), ...row }
    if (!query.where || query.where.test(shownRow)) yield shownRow
  }
}

/** The key as text, from the table's own key: the same text as in other stores. */
function compileId(key: readonly KeyAttribute[], type: RecordType | undefined): (row: Row) => string | undefined {
  const names = key.map(({ name }) => name)
  if (type && names.every((name) => fieldOf(type, name))) return compileKey(type, names)
  return (row) => {
    const values = names.map((name) => row[name])
    return values.length === 1
      ? String(values[0])
      : JSON.stringify(values.map((value) => (typeof value === 'bigint' ? String(value) : value)))
  }
}

/** By the table's key or an index, where the condition names its partition key; the whole table otherwise. */
async function* itemsOf(tables: Tables, table: string, facts: TableFacts, query: Query): AsyncGenerator<Item> {
  const ways = [{ name: undefined, key: facts.key }, ...facts.indexes]
  const equal = (key: readonly KeyAttribute[]) => equalities(key, query.where?.equals ?? {}, query.type)
  const best = ways.toSorted((a, b) => equal(b.key).length - equal(a.key).length)[0]!
  const conditions = equal(best.key)
  const read = (from: Item | undefined): Promise<Page> =>
    conditions.length === 0
      ? tables.scan(table, { ConsistentRead: true, ExclusiveStartKey: from })
      : tables.query(table, {
          IndexName: best.name,
          ConsistentRead: best.name === undefined,
          KeyConditionExpression: conditions.map((_, k) => `#${k} = :${k}`).join(' AND '),
          ExpressionAttributeNames: Object.fromEntries(conditions.map(([name], k) => [`#${k}`, name])),
          ExpressionAttributeValues: Object.fromEntries(conditions.map(([, value], k) => [`:${k}`, value])),
          ExclusiveStartKey: from,
        })
  let page = await read(undefined)
  for (;;) {
    yield* page.items
    if (page.next === undefined) return
    page = await read(page.next)
  }
}

/** The leading attributes of a key that must have certain values; none: it is of no use. */
function equalities(
  key: readonly KeyAttribute[],
  equals: Readonly<Record<string, unknown>>,
  type: RecordType | undefined,
): (readonly [name: string, value: Stored])[] {
  const found: (readonly [string, Stored])[] = []
  for (const { name, type: stored } of key) {
    if (!Object.hasOwn(equals, name)) break
    const value = storedKey(equals[name], stored, type && fieldOf(type, name)?.type)
    if (!value) break
    found.push([name, value])
  }
  return found
}

/** A value as it is in a key; undefined: it is not known how. */
function storedKey(value: unknown, stored: KeyAttribute['type'], type: Type | undefined): Stored | undefined {
  if (value === null || value === '') return undefined
  const made = type
    ? toStored(type)(value)
    : typeof value === 'string'
      ? { S: value }
      : typeof value === 'number' || typeof value === 'bigint'
        ? { N: String(value) }
        : {}
  return stored in made ? (made as Stored) : undefined
}

/** Rows in order. All of them are kept in memory: the service sorts only by the second attribute of a key. */
async function* sorted(
  rows: AsyncIterable<Row>,
  sort: NonNullable<Query['sort']>,
  type: RecordType | undefined,
): AsyncGenerator<Row> {
  const by = sort.map(({ field, descending }) => {
    const known = type && fieldOf(type, field)
    return { field, sign: descending ? -1 : 1, order: (known && orderOf(known.type)) ?? byKind }
  })
  const all: Row[] = []
  for await (const row of rows) all.push(row)
  yield* all.toSorted((a, b) => {
    for (const { field, sign, order } of by) {
      const found = sign * order(a[field] ?? null, b[field] ?? null)
      if (found !== 0) return found
    }
    return 0
  })
}

/** Values whose type is not known: null, numbers, then all others by their text. */
function byKind(a: unknown, b: unknown): number {
  const rank = (value: unknown) => (value === null ? 0 : typeof value === 'number' || typeof value === 'bigint' ? 1 : 2)
  if (rank(a) !== rank(b) || a === null) return rank(a) - rank(b)
  const [left, right] = rank(a) === 1 ? [a as number, b as number] : [textOf(a), textOf(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Connects and reports what it finds. */
export async function probe(o: Options, env: Env, signal: AbortSignal): Promise<string> {
  const tables = openTables(o, env, signal)
  try {
    const table = tableOf(o, o.collection)
    const facts = await tables.facts(table)
    return facts ? `table ${table} by ${layoutText(facts.key)}, about ${facts.items} items` : `no table ${table} yet`
  } catch (error) {
    throw error instanceof RefusedRequest
      ? new SystemError('refused', `DynamoDB refuses the request: ${error.message}`, { cause: error })
      : error
  } finally {
    tables.close()
  }
}
