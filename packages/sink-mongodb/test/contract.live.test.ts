import { randomUUID } from 'node:crypto'
import { MongoClient } from 'mongodb'
import { type Field, fromText, mapValues, type RecordType, type Row, type Type } from '@millrace/core'
import { cuttingProxy, liveUrl, sinkContract } from '@millrace/testkit'
import { describe } from 'vitest'
import { resolved } from './server.ts'

const url = liveUrl('MONGODB')
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
    price: field({ kind: 'decimal', precision: 20, scale: 2 }),
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
    price: `-${n + 1}345678901234567.10`,
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
/** Deeper than the server takes. */
let deep: unknown = 1
for (let n = 0; n < 250; n++) deep = { deep }
const keyed: RecordType = {
  fields: { group: plain('string', true), at: plain('integer', true), total: plain('integer') },
}

/** Every document of a collection, by the driver alone. */
async function find(database: string, collection: string): Promise<Row[]> {
  const client = new MongoClient(url!, { useBigInt64: true, promoteBuffers: true })
  try {
    return (await client.db(database).collection(collection).find().toArray()) as Row[]
  } finally {
    await client.close()
  }
}

/** What the driver gives for a row of `everyType`, as that row. */
const asRow = ({ _id, day, at, price, inner, micros, times, ...rest }: Row): Row => ({
  ...rest,
  times: mapValues(times as Row, (time) => (time === null ? null : (time as Date).getTime())),
  micros: fromText({ kind: 'fine_timestamp', precision: 6 })(micros as string),
  day: (day as Date).toISOString().slice(0, 10),
  at: (at as Date).getTime(),
  price: String(price),
  inner: { ...(inner as Row), at: ((inner as Row)['at'] as Date).getTime() },
})

describe.skipIf(!url)('on a real server', () => {
  /** A database of its own, behind a proxy that can be made to swallow everything. */
  async function place(defer: (cleanup: () => unknown) => void) {
    const database = `contract-${randomUUID().slice(0, 13)}`
    const { hostname, port } = new URL(url!)
    const proxy = await cuttingProxy(Number(port), hostname)
    defer(() => proxy.close())
    defer(async () => {
      const client = new MongoClient(url!)
      await client.db(database).dropDatabase()
      await client.close()
    })
    return {
      database,
      // Directly, or the driver would go on to the address that the replica set tells.
      url: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true` as never,
      async hang() {
        await proxy.set('black_hole')
        return () => proxy.set('none')
      },
    }
  }

  /** Documents of every type, known by the record's id. */
  sinkContract({
    module,
    type: 'mongodb',
    async setup({ defer }) {
      const { url: through, database, hang } = await place(defer)
      return {
        options: resolved({
          url: through,
          database,
          collection: 'every-type',
          collection_options: { validator: { n: { $ne: 404 } } },
        }),
        schema: everyType,
        rows: everyRow(60),
        visible: async () => (await find(database, 'every-type')).map(asRow),
        nullKeys: { none: 'documents are known by the ids of their records' },
        unencodable: [
          { row: { ...row, text: 'x\ud83d' }, code: 'bad_text' },
          { row: { ...row, any: { deep: ['\udc00'] } }, code: 'bad_text' },
          { row: { ...row, at: 9e15 }, code: 'out_of_range' },
          { row: { ...row, inner: { at: 9e15, name: null } }, code: 'out_of_range' },
          { row: { ...row, day: 'never' }, code: 'out_of_range' },
          { row: { ...row, price: '9'.repeat(40) }, code: 'not_encodable' },
        ],
        refused: [
          { row: { ...row, n: 404 }, code: 'validation' },
          { row: { ...row, any: deep }, code: 'refused' },
        ],
        hang,
        updates: [everyRow(2)[0]!, everyRow(2)[1]!],
      }
    },
  })

  /** Attributes gathered in the document of a key, told apart again. */
  sinkContract({
    module,
    type: 'mongodb',
    async setup({ defer }) {
      const { url: through, database, hang } = await place(defer)
      return {
        options: resolved({
          url: through,
          database,
          collection: 'gathered',
          collection_options: { validator: { '99': { $exists: false } } },
          write: 'set',
          key: 'group',
          attribute: { name: 'at', value: ['total'] },
        }),
        schema: keyed,
        rows: Array.from({ length: 15 }, (_, i) => ({ group: 'abc'[i % 3], at: i, total: i * i })),
        visible: async () =>
          (await find(database, 'gathered')).flatMap(({ _id, group, ...attributes }) =>
            Object.entries(attributes).map(([at, value]) => ({ group, at: Number(at), ...(value as Row) })),
          ),
        nullKeys: ['group'],
        unencodable: [
          { row: { group: 'a', at: null, total: 1 }, code: 'null_name' },
          { row: { group: '\ud83d', at: 1, total: 1 }, code: 'bad_text' },
        ],
        // Each is merged with sound records of its key, and only it is refused.
        refused: [{ row: { group: 'a', at: 99, total: 1 }, code: 'validation' }],
        hang,
        updates: [
          { group: 'a', at: 1, total: 1 },
          { group: 'a', at: 1, total: 2 },
        ],
      }
    },
  })
})
