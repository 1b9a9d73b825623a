import { readFileSync } from 'node:fs'
import { Binary, Decimal128, Long } from 'mongodb'
import type { Field, Json, RecordType, Row, Type } from '@millrace/core'
import { liveUrl, sourceContract } from '@millrace/testkit'
import { describe } from 'vitest'
import { makeAnew, putDocuments, uuidOf } from './server.ts'

const url = liveUrl('MONGODB')
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
  readonly next: number
}
/** UUIDs are random: that of the setup stands for the one that was released. */
let uuid = ''
const released = readFileSync(new URL('positions.json', import.meta.url), 'utf8')
const positionsOf = (of: string) =>
  (JSON.parse(released.replaceAll('00000000000000000000000000000000', uuid)) as readonly Saved[])
    .filter((entry) => entry.of === of)
    .map(({ since, position, next }) => ({ since, position, next }))

const everyType: RecordType = {
  fields: {
    _id: plain('string'),
    n: plain('integer'),
    text: plain('string', true),
    large: plain('bigint'),
    price: field({ kind: 'decimal', precision: 34, scale: 2 }),
    day: plain('date'),
    at: plain('timestamp'),
    raw: plain('bytes', true),
    list: field({ kind: 'list', of: plain('timestamp', true) }),
    any: plain('json', true),
  },
}
const everyRow = (count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({
    _id: `r/in/s@${n}`,
    n,
    text: n % 3 ? `caf\u00e9 "${n}"` : null,
    large: 9007199254740993n + BigInt(n),
    price: `${n + 1}2345678901234567890123456.10`,
    day: '2010-12-01',
    at: Date.UTC(2010, 11, 1) + n,
    raw: n % 2 ? new Uint8Array([n % 256, 255]) : null,
    list: [n, null],
    any: n % 2 ? { a: [n, 'x'] } : null,
  }))
const stored = (row: Row) => ({
  ...row,
  large: Long.fromBigInt(row['large'] as bigint),
  price: Decimal128.fromString(row['price'] as string),
  day: new Date(`${row['day'] as string}T00:00:00Z`),
  at: new Date(row['at'] as number),
  raw: row['raw'] && new Binary(row['raw'] as Uint8Array),
  list: (row['list'] as (number | null)[]).map((time) => (time === null ? null : new Date(time))),
})

describe.skipIf(!url)('on a real server', () => {
  /** Documents whose keys are text, of every type, some of them broken. */
  sourceContract({
    module,
    type: 'mongodb',
    get positions() {
      return positionsOf('text keys')
    },
    async setup({ defer }) {
      const rows = everyRow(2500)
      const broken = [
        { ...stored(rows[0]!), _id: 'r/in/s@1000a', n: 1.5 },
        { ...stored(rows[0]!), _id: 'r/in/s@2400a', n: Long.MAX_VALUE },
        { _id: 'r/in/s@9999' },
      ]
      const documents = [...rows.map(stored), ...broken]
      const options = await putDocuments(url!, documents, defer)
      uuid = await uuidOf(options)
      return {
        options,
        replace: () => makeAnew(options, documents),
        schema: everyType,
        rows: rows.toSorted((a, b) => (String(a['_id']) < String(b['_id']) ? -1 : 1)),
        bad: [
          { code: 'not_integer', field: 'n' },
          { code: 'out_of_range', field: 'n' },
          { code: 'missing_value', field: 'n' },
        ],
      }
    },
  })

  /** Documents whose keys are numbers. */
  sourceContract({
    module,
    type: 'mongodb',
    get positions() {
      return positionsOf('other keys')
    },
    async setup({ defer }) {
      const rows = Array.from({ length: 2100 }, (_, n) => ({ _id: n, text: `t${n}` }))
      const options = await putDocuments(url!, rows as never, defer)
      uuid = await uuidOf(options)
      return {
        options,
        replace: () => makeAnew(options, rows as never),
        schema: { fields: { _id: plain('integer'), text: plain('string') } },
        rows,
      }
    },
  })
})
