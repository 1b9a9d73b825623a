import { readFileSync } from 'node:fs'
import { liveUrl, sourceContract, type SourceSubject } from '@millrace/testkit'
import { Admin, Producer } from '@platformatic/kafka'
import { describe } from 'vitest'

const url = liveUrl('KAFKA')
const brokers = (url ?? '').split(',')
const schema = {
  fields: { n: { type: { kind: 'integer' }, optional: false }, when: { type: { kind: 'string' }, optional: true } },
} as const
const rows = Array.from({ length: 40 }, (_, n) => ({ n, when: n % 4 ? `1/${1 + (n % 28)}/2011` : null }))
const push = {
  columns: [
    { name: 'day', from: 'when', date: { step: 'dates', formats: ['M/d/yyyy'], zone: 'UTC', to: 'yyyy-MM-dd' } },
    { name: 'number', from: 'n' },
  ],
}
/** Topic ids are random: that of the setup stands for the one that was released. */
let topicId = ''
let count = 0
const fresh = () => `contract-${process.pid}-${Date.now()}-${count++}`

async function topic(partitions: number): Promise<string> {
  const stream = fresh()
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers, retries: 10 })
  await admin.createTopics({ topics: [stream], partitions, replicas: 1 })
  await admin.close()
  return stream
}

describe.skipIf(!url)('on a real broker', () => {
  sourceContract({
    module: new URL('../src/index.ts', import.meta.url),
    type: 'kafka',
    get positions(): SourceSubject['positions'] {
      const released = readFileSync(new URL('positions.json', import.meta.url), 'utf8')
      return JSON.parse(
        released.replaceAll('00000000-0000-0000-0000-000000000000', topicId),
      ) as SourceSubject['positions']
    },
    async setup() {
      const stream = await topic(1)
      const producer = new Producer({ clientId: 'test', bootstrapBrokers: brokers, retries: 10 })
      for (let at = 0; at < 40; at += 10) {
        const values = [
          ...rows.slice(at, at + 10).map((row) => JSON.stringify(row)),
          ...(at === 30 ? ['no json', '{"n":1.5}'] : []),
        ]
        await producer.send({
          acks: -1,
          messages: values.map((value) => ({ topic: stream, value: Buffer.from(value) })),
        })
      }
      topicId = (await producer.metadata({ topics: [stream] })).topics.get(stream)!.id
      await producer.close()
      // A broker answers with one batch at least, so each send comes by itself.
      return {
        options: {
          stream,
          brokers,
          format: 'json',
          value_field: 'value',
          start: 'earliest',
          stop: 'end',
          on_gap: 'fail',
          max_bytes: 1,
          max_wait: 50,
        },
        schema,
        push,
        rows,
        bad: [{ code: 'bad_json' }, { code: 'not_integer', field: 'n' }],
      }
    },
  })
})
