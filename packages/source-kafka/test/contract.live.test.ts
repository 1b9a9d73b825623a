import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { liveUrl, sourceContract, type SourceSubject, type WireRecord } from '@millrace/testkit'
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

/** Rows have a key, a time and headers from beside the value. */
const besideType = {
  fields: {
    ...schema.fields,
    key: { type: { kind: 'string' }, optional: false },
    published: { type: { kind: 'timestamp' }, optional: false },
    headers: { type: { kind: 'json' }, optional: true },
  },
} as const
const timeOf = (n: number) => 1_700_000_000_000 + n
const besideRows = rows.map((row) => ({
  ...row,
  key: `k${row.n}`,
  published: timeOf(row.n),
  headers: { a: `é${row.n}` },
}))
const besideOptions = { key_field: 'key', timestamp_field: 'published', headers_field: 'headers' }

interface Sent {
  readonly value: string
  readonly key: Buffer | undefined
  readonly header: Buffer
}

/** Forty records in four sends, the last with some that are no records of the schema, or only of the plain one. */
async function fill(stream: string, partitions: number): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers, retries: 10 })
  await admin.createTopics({ topics: [stream], partitions, replicas: 1 })
  await admin.close()
  const producer = new Producer({ clientId: 'test', bootstrapBrokers: brokers, retries: 10 })
  const sent = (value: string, key: string | Buffer | undefined, header: string | Buffer): Sent => ({
    value,
    key: key === undefined ? undefined : Buffer.from(key as string),
    header: Buffer.from(header as string),
  })
  const notText = Buffer.from([0xc3, 0x28])
  for (let at = 0; at < 40; at += 10) {
    const records = rows.slice(at, at + 10).map((row) => sent(JSON.stringify(row), `k${row.n}`, `é${row.n}`))
    if (at === 30)
      records.push(
        sent('no json', 'a', ''),
        sent('{"n":1.5}', 'b', ''),
        sent('{"n":7}', undefined, ''),
        sent('{"n":7}', notText, ''),
        sent('{"n":7}', 'c', notText),
      )
    await producer.send({
      acks: -1,
      messages: records.map(({ value, key, header }, i) => ({
        topic: stream,
        partition: (at / 10) % partitions,
        value: Buffer.from(value),
        ...(key ? { key } : {}),
        timestamp: BigInt(timeOf(at + i)),
        headers: new Map([[Buffer.from('a'), header]]),
      })),
    })
  }
  topicId = (await producer.metadata({ topics: [stream], forceUpdate: true })).topics.get(stream)!.id
  await producer.close()
}

const bytesOf = (base64: string | null): Buffer | null => (base64 === null ? null : Buffer.from(base64, 'base64'))

/** Records with nothing but what they are given. */
const wire = {
  async put(_: unknown, records: readonly WireRecord[]) {
    const stream = fresh()
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers, retries: 10 })
    await admin.createTopics({ topics: [stream], partitions: 1, replicas: 1 })
    await admin.close()
    const producer = new Producer({ clientId: 'test', bootstrapBrokers: brokers, retries: 10 })
    const messages = records.map(({ key, value, headers }) => ({
      topic: stream,
      partition: 0,
      key: bytesOf(key),
      value: bytesOf(value),
      headers: new Map(headers.map(([name, each]) => [bytesOf(name), bytesOf(each)])),
    }))
    await producer.send({ acks: -1, messages: messages as never })
    await producer.close()
    return optionsOf(stream, 'end')
  },
}

/** The topic is removed, and one of the same name is there in its place. */
async function makeAnew(stream: string, partitions: number): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers, retries: 10 })
  await admin.deleteTopics({ topics: [stream] })
  await admin.close()
  await sleep(1000)
  await fill(stream, partitions)
}

// A broker answers with one batch at least, so each send comes by itself.
const optionsOf = (stream: string, stop: string) => ({
  stream,
  brokers,
  format: 'json',
  value_field: 'value',
  start: 'earliest',
  stop,
  on_gap: 'fail',
  max_bytes: 1,
  max_wait: 50,
})
const bad = [{ code: 'bad_json' }, { code: 'not_integer', field: 'n' }]
const released = readFileSync(new URL('positions.json', import.meta.url), 'utf8')
const positions = (): SourceSubject['positions'] =>
  JSON.parse(released.replaceAll('00000000-0000-0000-0000-000000000000', topicId)) as SourceSubject['positions']
const module = new URL('../src/index.ts', import.meta.url)

describe.skipIf(!url)('on a real broker', () => {
  for (const [stop, partitions] of [
    ['end', 1],
    ['never', 3],
  ] as const) {
    sourceContract({
      module,
      type: 'kafka',
      wire,
      get positions() {
        return partitions === 1
          ? positions()
          : [{ since: '0.1.0', split: '0', position: { topic: topicId, next: 10 }, next: 10 }]
      },
      async setup() {
        const stream = fresh()
        await fill(stream, partitions)
        return {
          options: optionsOf(stream, stop),
          schema,
          push,
          rows: [...rows, ...Array.from({ length: 3 }, () => ({ n: 7, when: null }))],
          bad,
          replace: () => makeAnew(stream, partitions),
        }
      },
    })
  }

  describe('with fields from beside the value', () => {
    sourceContract({
      module,
      type: 'kafka',
      wire,
      get positions() {
        return positions()
      },
      async setup() {
        const stream = fresh()
        await fill(stream, 1)
        return {
          options: { ...optionsOf(stream, 'end'), ...besideOptions },
          schema: besideType,
          rows: besideRows,
          bad: [
            ...bad,
            { code: 'missing_value', field: 'key' },
            { code: 'bad_encoding', field: 'key' },
            { code: 'bad_encoding', field: 'headers' },
          ],
        }
      },
    })
  })
})
