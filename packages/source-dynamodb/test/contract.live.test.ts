import { readFileSync } from 'node:fs'
import { type Field, type Json, mapValues, type RecordType, type Row, type Type } from '@millrace/core'
import { liveUrl, sourceContract } from '@millrace/testkit'
import { describe } from 'vitest'
import type { Options } from '../src/options.ts'
import { type Item, type Key, tablesAt } from './stand-in.ts'

const url = liveUrl('DYNAMODB')
const tables = tablesAt(url ?? 'http://127.0.0.1:1')
const module = new URL('../src/index.ts', import.meta.url)
const field = (type: Type, optional = false): Field => ({ type, optional })
const plain = (
  kind: Exclude<Type['kind'], 'decimal' | 'fine_timestamp' | 'list' | 'map' | 'object'>,
  optional = false,
): Field => field({ kind }, optional)
interface Saved {
  readonly of: string
  readonly since: string
  readonly position: Json
}
/** The ids of tables are random, and so is where a key stands: those of the setup stand for what was released. */
const released = JSON.parse(readFileSync(new URL('positions.json', import.meta.url), 'utf8')) as readonly Saved[]
let id = ''
let next = 0
const positionsOf = (of: string) =>
  released
    .filter((entry) => entry.of === of)
    .map(({ since, position }) => ({ since, next, position: { ...(position as object), table: id } }))

const everyType: RecordType = {
  fields: {
    _id: plain('string'),
    n: plain('integer'),
    text: plain('string', true),
    yes: plain('boolean'),
    large: plain('bigint'),
    ratio: plain('number'),
    price: field({ kind: 'decimal', precision: 38, scale: 2 }),
    day: plain('date'),
    at: plain('timestamp'),
    raw: plain('bytes', true),
    list: field({ kind: 'list', of: plain('bigint', true) }),
    times: field({ kind: 'map', of: plain('timestamp', true) }),
    inner: field({ kind: 'object', record: { fields: { at: plain('timestamp'), raw: plain('bytes', true) } } }),
    any: plain('json', true),
  },
}
const time = (n: number) => Date.UTC(2010, 11, 1) + n
const everyRow = (n: number): Row => ({
  _id: `r/in/s@${n}`,
  n,
  text: n % 3 ? `caf\u00e9 "${n}"` : null,
  yes: n % 2 === 0,
  large: 9007199254740993n + BigInt(n),
  ratio: n / 3,
  price: `${n + 1}2345678901234567890123456789.10`,
  day: '2010-12-01',
  at: time(n),
  raw: n % 2 ? new Uint8Array([n % 256, 255]) : null,
  list: [BigInt(n), null, -(2n ** 63n)],
  times: { 'a.b': time(n), constructor: null },
  inner: { at: time(n), raw: n % 2 ? new Uint8Array([1]) : null },
  any: n % 2 ? { a: [n, 'x', null], b: 1.5 } : null,
})
const nothing = { NULL: true } as const
const json = (value: unknown): Item[string] => {
  if (value === null) return nothing
  if (typeof value === 'number') return { N: String(value) }
  if (typeof value === 'string') return { S: value }
  return Array.isArray(value) ? { L: value.map(json) } : { M: mapValues(value as Row, json) as Item }
}
const bytes = (value: unknown) => (value === null ? nothing : { B: value as Uint8Array })
const iso = (n: number) => ({ S: new Date(time(n)).toISOString() })
const stored = (row: Row): Item => {
  const n = row['n'] as number
  const inner = row['inner'] as Row
  return {
    _id: { S: row['_id'] as string },
    n: { N: String(n) },
    text: json(row['text']),
    yes: { BOOL: row['yes'] as boolean },
    large: { N: String(row['large']) },
    ratio: { N: String(row['ratio']) },
    price: { N: row['price'] as string },
    day: { S: '2010-12-01' },
    at: iso(n),
    raw: bytes(row['raw']),
    list: { L: [{ N: String(n) }, nothing, { N: '-9223372036854775808' }] },
    times: { M: { 'a.b': iso(n), constructor: nothing } },
    inner: { M: { at: iso(n), raw: bytes(inner['raw']) } },
    any: json(row['any']),
  }
}

/** A table serves all checks of a suite until one replaces it. */
function shared(key: Key, items: readonly Item[]) {
  let made: Promise<Options> | undefined
  return {
    filled: () => (made ??= tables.filled(key, items)),
    async replace() {
      const options = await made!
      made = undefined
      await tables.makeAnew(options, key, items)
    },
  }
}

describe.skipIf(!url)('on the stand-in', () => {
  const rows = Array.from({ length: 2400 }, (_, n) => everyRow(n))
  const first = stored(rows[0]!)
  const broken: Item[] = [
    { ...first, _id: { S: 'half' }, n: { N: '1.5' } },
    { ...first, _id: { S: 'long' }, n: { N: '9223372036854775807' } },
    { ...first, _id: { S: 'bytes' }, text: { B: new Uint8Array([1, 2, 3]) } },
    { _id: { S: 'bare' } },
  ]
  const documents = shared([['_id', 'S']], [...rows.map(stored), ...broken])

  /** Documents known by `_id`, of every type, some of them broken. */
  sourceContract({
    module,
    type: 'dynamodb',
    get positions() {
      return positionsOf('one attribute')
    },
    async setup() {
      const options = await documents.filled()
      const inOrder = (await tables.items(options)).map((item) => item['_id']!.S!)
      const good = inOrder.filter((each) => each.startsWith('r/'))
      id = await tables.idOf(options)
      next = good.indexOf('r/in/s@1499') + 1
      return {
        options,
        replace: documents.replace,
        schema: everyType,
        rows: good.map((each) => everyRow(Number(each.slice('r/in/s@'.length)))),
        bad: [
          { code: 'not_integer', field: 'n' },
          { code: 'out_of_range', field: 'n' },
          { code: 'not_string', field: 'text' },
          { code: 'missing_value', field: 'n' },
        ],
      }
    },
  })

  const all = Array.from({ length: 2100 }, (_, n) => ({
    customer: { N: String(n % 7 === 0 ? `${n}.5` : n % 40) },
    line: { B: new Uint8Array([n >> 8, n & 255]) },
    n: { N: String(n) },
  }))
  const lines = shared(
    [
      ['customer', 'N'],
      ['line', 'B'],
    ],
    all,
  )

  /** A partition key of numbers and a sort key of bytes. */
  sourceContract({
    module,
    type: 'dynamodb',
    get positions() {
      return positionsOf('two attributes')
    },
    async setup() {
      const options = await lines.filled()
      const inOrder = (await tables.items(options)).map((item) => Number(item['n']!.N))
      id = await tables.idOf(options)
      next = inOrder.indexOf(1000) + 1
      return {
        options,
        schema: { fields: { customer: plain('number'), n: plain('integer') } },
        rows: inOrder.map((n) => ({ customer: Number(all[n]!.customer.N), n })),
      }
    },
  })
})
