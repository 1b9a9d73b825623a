import type { RecordType, Row } from '@millrace/core'
import { type CuttingProxy, cuttingProxy, liveUrl, sinkContract } from '@millrace/testkit'
import { afterAll, beforeAll, describe } from 'vitest'
import { bucketsAt, connection } from './stand-in.ts'

const url = liveUrl('S3')
const buckets = bucketsAt(url ?? 'http://127.0.0.1:1')
let proxy: CuttingProxy
let bucket: string
let places = 0

const field = (kind: 'integer' | 'string', optional = false) => ({ type: { kind }, optional })
const schema: RecordType = { fields: { n: field('integer'), city: field('string', true), text: field('string') } }
const cities = ['Köln', null, 'a/b', '..', '']
/** Together several parts. */
const rows: Row[] = Array.from({ length: 40 }, (_, n) => ({
  n,
  city: cities[n % cities.length],
  text: `${n} `.repeat(100_000),
}))

const cases: [what: string, options: Record<string, unknown>][] = [
  ['CSV, in parts', { path: '', format: 'csv' }],
  [
    'Parquet by city',
    { path: '{city}/', format: { type: 'parquet', row_group: 7, compression: 'none' }, max_open_files: 2 },
  ],
]

describe.skipIf(!url)('on the stand-in', () => {
  beforeAll(async () => {
    proxy = await cuttingProxy(Number(new URL(url!).port))
    bucket = await buckets.create()
  })
  afterAll(async () => {
    await buckets.drop(bucket)
    await proxy.close()
  })

  for (const [, options] of cases) {
    sinkContract({
      module: new URL('../src/index.ts', import.meta.url),
      type: 's3',
      setup() {
        const root = `place-${places++}/`
        return {
          options: {
            ...connection(`http://127.0.0.1:${proxy.port}`),
            bucket,
            partition_fields: 'drop',
            zone: 'UTC',
            existing: 'stop',
            max_open_files: 128,
            part_size: 5 * 1024 * 1024,
            max_uploads: 2,
            ...options,
            path: `${root}${options['path']}`,
          },
          schema,
          rows,
          visible: () => buckets.rows(bucket, root, schema),
          nullKeys: { none: 'records are appended, without a key' },
          unencodable: [{ row: { n: 100, city: null, text: 'half \ud83d' }, code: 'bad_text' }],
          refused: { none: 'an object takes any bytes' },
          async hang() {
            // A part of which only some bytes arrived would be answered with an error.
            await proxy.set('frozen')
            return () => proxy.set('reset').then(() => proxy.set('none'))
          },
          guardsExisting: true,
        }
      },
    })
  }
})
