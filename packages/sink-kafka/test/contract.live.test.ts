import type { RecordType, Row } from '@millrace/core'
import { type CuttingProxy, cuttingProxy, liveUrl, sinkContract } from '@millrace/testkit'
import { Admin } from '@platformatic/kafka'
import { afterAll, beforeAll, describe } from 'vitest'
import { contentsOf, messagesOf } from '../../../services/kafka/contents.ts'
import { type OwnBroker, ownBroker } from '../../../services/kafka/own.ts'

const url = liveUrl('KAFKA')
let broker: OwnBroker
let proxy: CuttingProxy
let count = 0

const field = (kind: 'integer' | 'string' | 'timestamp', optional: boolean) => ({ type: { kind }, optional })
const schema: RecordType = {
  fields: { n: field('integer', false), name: field('string', true), at: field('timestamp', true) },
}
const rows = Array.from({ length: 40 }, (_, n) => ({ n, name: `n ${n}`, at: null }))

/** A topic that takes messages of at most 10,000 bytes. */
async function topic(partitions: number): Promise<string> {
  const stream = `contract-sink-${process.pid}-${Date.now()}-${count++}`
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [broker.address], retries: 10 })
  const configs = [{ name: 'max.message.bytes', value: '10000' }]
  await admin.createTopics({ topics: [stream], partitions, replicas: 1, configs })
  await admin.close()
  return stream
}

/** Every value of a topic, read apart from our own source. */
const valuesOf = async (stream: string): Promise<Row[]> => (await contentsOf(broker.address, stream)).flat() as Row[]

const options = {
  format: 'json',
  value_field: 'value',
  order: 'strict',
  compression: 'none',
  in_flight: 4,
  max_message: 15_000,
}

async function wirePlace() {
  const stream = await topic(1)
  const contents = async () =>
    (await messagesOf(broker.address, stream)).flat().map(({ key, value, headers }) => ({
      key: key && key.toString('base64'),
      value: value && value.toString('base64'),
      headers: headers
        .filter(([name]) => String(name) !== 'millrace-id')
        .map(([name, each]) => [name.toString('base64'), each && each.toString('base64')] as const),
    }))
  return { options: { ...options, stream, brokers: [broker.address] }, contents }
}

describe.skipIf(!url)('on a real broker', () => {
  beforeAll(async () => {
    broker = await ownBroker({ before: async (port) => (proxy = await cuttingProxy(port)).port })
  }, 150_000)
  afterAll(async () => {
    await proxy?.close()
    await broker?.close()
  })

  sinkContract({
    module: new URL('../src/index.ts', import.meta.url),
    type: 'kafka',
    wire: { place: wirePlace },
    async setup() {
      const stream = await topic(3)
      return {
        options: {
          ...options,
          stream,
          brokers: [broker.viaAddress],
          key: 'name',
        },
        schema,
        rows,
        nullKeys: ['name'],
        unencodable: [
          { row: { n: 100, name: 'late', at: 9e15 }, code: 'out_of_range' },
          { row: { n: 101, name: 'half \ud83d' }, code: 'bad_text' },
          { row: { n: 102, name: 'x'.repeat(20_000) }, code: 'too_large' },
        ],
        refused: [{ row: { n: 103, name: 'x'.repeat(12_000) }, code: 'too_large' }],
        async hang() {
          await proxy.set('black_hole')
          return () => proxy.set('reset').then(() => proxy.set('none'))
        },
        visible: () => valuesOf(stream),
      }
    },
  })
})
