/** Queries of a collection, and the report for `pipe doctor`. */
import {
  compileKey,
  type Env,
  fieldOf,
  MillraceError,
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
    for await (const row of rowsOf(tables, table, facts, query)) {
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
    yield isById(facts.key) ? row : { [idAttribute.name]: idOf(row), ...row }
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
  const equals = Object.fromEntries(
    (query.where ?? []).flatMap(({ field, is, value }) => (is === '==' ? [[field, value] as const] : [])),
  )
  const equal = (key: readonly KeyAttribute[]) => equalities(key, equals, query.type)
  const best = ways.toSorted((a, b) => equal(b.key).length - equal(a.key).length)[0]!
  const conditions = equal(best.key)
  if (conditions.length === 0 && !query.scan)
    throw new MillraceError('query_reads_all', `${table} would be read as a whole, which DynamoDB bills`, {
      exitCode: 2,
      hint: `give the value of ${ways.map(({ key }) => key[0]!.name).join(' or ')}, or allow it with \`scan\``,
    })
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
