import { type Field, fromText, mapValues, type RecordType, type Row, type Type } from '@millrace/core'
import { type CuttingProxy, cuttingProxy, liveUrl, sinkContract } from '@millrace/testkit'
import { afterAll, beforeAll, describe } from 'vitest'
import { type Item, standInAt } from './stand-in.ts'

const url = liveUrl('DYNAMODB')
const module = new URL('../src/index.ts', import.meta.url)
const field = (type: Type, optional = false): Field => ({ type, optional })
const plain = (
  kind: Exclude<Type['kind'], 'decimal' | 'fine_timestamp' | 'list' | 'map' | 'object'>,
  optional = false,
): Field => field({ kind }, optional)

const everyType: RecordType = {
  fields: {
    n: plain('integer'),
    text: plain('string', true),
    yes: plain('boolean'),
    large: plain('bigint'),
    ratio: plain('number'),
    price: field({ kind: 'decimal', precision: 38, scale: 2 }),
    day: plain('date'),
    at: plain('timestamp'),
    clock: plain('time'),
    micros: field({ kind: 'fine_timestamp', precision: 6 }),
    raw: plain('bytes'),
    list: field({ kind: 'list', of: plain('bigint', true) }),
    times: field({ kind: 'map', of: plain('timestamp', true) }),
    inner: field({ kind: 'object', record: { fields: { at: plain('timestamp'), name: plain('string', true) } } }),
    any: plain('json', true),
  },
}
const everyRow = (count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({
    n: n % 2 ? n : n - 9007199254740991,
    text: n % 3 === 0 ? null : `caf\u00e9 "${n}" \u{1F600} \u0001`,
    yes: n % 2 === 0,
    large: 9007199254740993n + BigInt(n),
    ratio: n / 3,
    price: `-${n + 1}34567890123456789012345678901234.15`,
    day: n % 2 ? '2010-12-01' : '0001-01-01',
    at: Date.UTC(2010, 11, 1, 8, n % 60, 0, n),
    clock: n % 2 ? '08:26:00' : '08:26:00.5',
    micros: 1291191960000001n + BigInt(n),
    raw: new Uint8Array([0, 255, n % 256]),
    list: [1n, null, -(2n ** 63n)],
    times: { 'a.b': n, $x: null, '10': 1 - n },
    inner: { at: n, name: n % 2 ? 'x' : null },
    any: n % 4 === 0 ? null : { a: [1, 'two', { b: null }], n },
  }))
const row = everyRow(1)[0]!
const keyed: RecordType = {
  fields: { group: plain('string', true), at: plain('integer', true), total: plain('integer') },
}

const number = (value: Item[string] | undefined): number => Number(value!.N)
const ms = (value: Item[string] | undefined): number => Date.parse(value!.S!)
const orNull = <T>(value: Item[string] | undefined, read: (value: Item[string]) => T): T | null =>
  value!.NULL ? null : read(value!)
const json = (value: Item[string]): unknown =>
  value.NULL
    ? null
    : value.M
      ? mapValues(value.M, (part) => json(part as Item[string]))
      : value.L
        ? value.L.map(json)
        : value.N === undefined
          ? value.S
          : Number(value.N)

/** A stored item as the row it was. */
const asRow = (item: Item): Row => ({
  n: number(item['n']),
  text: orNull(item['text'], ({ S }) => S),
  yes: item['yes']!.BOOL,
  large: BigInt(item['large']!.N!),
  ratio: number(item['ratio']),
  price: item['price']!.N,
  day: item['day']!.S,
  at: ms(item['at']),
  clock: item['clock']!.S,
  micros: fromText({ kind: 'fine_timestamp', precision: 6 })(item['micros']!.S!),
  raw: new Uint8Array(item['raw']!.B!),
  list: item['list']!.L!.map((each) => orNull(each, ({ N }) => BigInt(N!))),
  times: mapValues(item['times']!.M!, (each) => orNull(each as Item[string], ms)),
  inner: { at: ms(item['inner']!.M!['at']), name: orNull(item['inner']!.M!['name'], ({ S }) => S) },
  any: json(item['any']!),
})

describe.skipIf(!url)('on the stand-in', () => {
  const standIn = standInAt(url ?? 'http://127.0.0.1:1')
  let proxy: CuttingProxy
  beforeAll(async () => {
    proxy = await cuttingProxy(Number(new URL(url!).port))
  })
  afterAll(() => proxy?.close())
  const hang = async () => {
    await proxy.set('black_hole')
    return () => proxy.set('reset').then(() => proxy.set('none'))
  }
  const endpoint = () => `http://127.0.0.1:${proxy.port}`

  /** Documents of every type, known by the record's id. */
  sinkContract({
    module,
    type: 'dynamodb',
    setup() {
      const options = standIn.options({ endpoint: endpoint(), collection: 'every-type' })
      return Promise.resolve({
        options,
        schema: everyType,
        rows: everyRow(60),
        visible: async () => (await standIn.items(`${options.table_prefix}every-type`)).map(asRow),
        nullKeys: { none: 'documents are known by the ids of their records' },
        unencodable: [
          { row: { ...row, text: 'x\ud83d' }, code: 'bad_text' },
          { row: { ...row, any: { deep: ['\udc00'] } }, code: 'bad_text' },
          { row: { ...row, at: 9e15 }, code: 'out_of_range' },
          { row: { ...row, ratio: 1e-200 }, code: 'out_of_range' },
          { row: { ...row, any: { wide: 10n ** 40n + 1n } }, code: 'out_of_range' },
        ],
        refused: [{ row: { ...row, text: 'x'.repeat(420_000) }, code: 'too_large' }],
        hang,
        updates: [everyRow(2)[0]!, everyRow(2)[1]!],
      })
    },
  })

  /** The same key in several versions: the highest stays. */
  sinkContract({
    module,
    type: 'dynamodb',
    setup() {
      const options = standIn.options({
        endpoint: endpoint(),
        collection: 'guarded',
        key: 'group',
        guard: { field: 'at' },
      })
      return Promise.resolve({
        options,
        schema: keyed,
        rows: Array.from({ length: 15 }, (_, i) => ({ group: `g${i}`, at: i, total: i * i })),
        visible: async () =>
          (await standIn.items(`${options.table_prefix}guarded`)).map(({ group, at, total }) => ({
            group: group!.S,
            at: number(at),
            total: number(total),
          })),
        nullKeys: ['group'],
        unencodable: [
          { row: { group: 'a', at: null, total: 1 }, code: 'missing_value' },
          { row: { group: '\ud83d', at: 1, total: 1 }, code: 'bad_text' },
        ],
        refused: { none: 'only text can be too large: dynamodb.live.test.ts' },
        hang,
        updates: [
          { group: 'a', at: 1, total: 1 },
          { group: 'a', at: 2, total: 2 },
        ],
      })
    },
  })

  /** Attributes gathered in the item of a key, told apart again. */
  sinkContract({
    module,
    type: 'dynamodb',
    setup() {
      const options = standIn.options({
        endpoint: endpoint(),
        collection: 'gathered',
        write: 'set',
        key: 'group',
        attribute: { name: 'at', value: ['total'] },
      })
      return Promise.resolve({
        options,
        schema: keyed,
        rows: Array.from({ length: 15 }, (_, i) => ({ group: 'abc'[i % 3], at: i, total: i * i })),
        visible: async () =>
          (await standIn.items(`${options.table_prefix}gathered`)).flatMap(({ group, ...attributes }) =>
            Object.entries(attributes).map(([at, { M }]) => ({
              group: group!.S,
              at: Number(at),
              total: number(M!['total']),
            })),
          ),
        nullKeys: ['group'],
        unencodable: [
          { row: { group: 'a', at: null, total: 1 }, code: 'null_name' },
          { row: { group: '\ud83d', at: 1, total: 1 }, code: 'bad_text' },
          { row: { group: '', at: 1, total: 1 }, code: 'null_key' },
          { row: { group: 'x'.repeat(2049), at: 1, total: 1 }, code: 'too_large' },
        ],
        refused: { none: 'an item grows too large by many records only: dynamodb.live.test.ts' },
        hang,
        updates: [
          { group: 'a', at: 1, total: 1 },
          { group: 'a', at: 1, total: 2 },
        ],
      })
    },
  })
})
