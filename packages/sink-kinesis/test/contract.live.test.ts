import type { RecordType, Row } from '@millrace/core'
import { type CuttingProxy, cuttingProxy, liveUrl, sinkContract } from '@millrace/testkit'
import { afterAll, beforeAll, describe } from 'vitest'
import { streamsAt } from './stand-in.ts'

const url = liveUrl('KINESIS')
const streams = streamsAt(url ?? 'http://127.0.0.1:1')
let proxy: CuttingProxy

const field = (kind: 'integer' | 'string' | 'timestamp', optional: boolean) => ({ type: { kind }, optional })
const schema: RecordType = {
  fields: { n: field('integer', false), name: field('string', true), at: field('timestamp', true) },
}
const rows = Array.from({ length: 40 }, (_, n) => ({ n, name: `n ${n}`, at: null }))

describe.skipIf(!url)('on the stand-in', () => {
  beforeAll(async () => {
    proxy = await cuttingProxy(Number(new URL(url!).port))
  })
  afterAll(() => proxy?.close())

  sinkContract({
    module: new URL('../src/index.ts', import.meta.url),
    type: 'kinesis',
    wire: { none: 'its keys are text, and it has neither headers nor records without a value' },
    async setup() {
      const stream = await streams.create(3)
      return {
        options: {
          stream,
          region: 'us-east-1',
          endpoint: `http://127.0.0.1:${proxy.port}`,
          credentials: { access_key_id: 'test', secret_access_key: 'test' },
          format: 'json',
          value_field: 'value',
          key: 'name',
          max_message: 15_000,
          order: 'strict',
        },
        schema,
        rows,
        nullKeys: ['name'],
        unencodable: [
          { row: { n: 100, name: 'late', at: 9e15 }, code: 'out_of_range' },
          { row: { n: 101, name: 'half \ud83d' }, code: 'bad_text' },
          { row: { n: 102, name: 'x'.repeat(257) }, code: 'too_large' },
          { row: { n: 103, name: '' }, code: 'null_key' },
        ],
        refused: { none: 'what Kinesis refuses of a record is known before it is sent' },
        async hang() {
          await proxy.set('black_hole')
          return () => proxy.set('reset').then(() => proxy.set('none'))
        },
        async visible() {
          const found = await streams.records(stream)
          return found.map(({ value }) => {
            const { _millrace_id: _id, ...row } = JSON.parse(value.toString()) as Row
            return row
          })
        },
      }
    },
  })
})
