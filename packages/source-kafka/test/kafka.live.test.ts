import {
  type Batch,
  batch,
  type Env,
  type Json,
  Records,
  type RecordType,
  type Row,
  type Sink,
  type SinkDefinition,
  type SourceDefinition,
} from '@millrace/core'
import { liveUrl } from '@millrace/testkit'
import { Admin, Producer } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sinkKafka } from '../../sink-kafka/src/sink.ts'
import { sourceKafka } from '../src/source.ts'

const url = liveUrl('KAFKA')
const brokers = (url ?? '').split(',')
const schema: RecordType = { fields: { n: { type: { kind: 'integer' }, optional: false }, group: { type: { kind: 'string' }, optional: true } } }
const env: Env = { root: '/', home: '/', profile: 'live', pipeline: 'test', id: 'x', resolve: (p) => p }
const never = new AbortController().signal
let count = 0
const fresh = () => `millrace-${process.pid}-${Date.now()}-${count++}`
const rowsOf = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, k) => ({ n: from + k, group: `g${(from + k) % 5}` }))
const records = (rows: readonly Row[]) =>
  new Records({ rows, pipeline: 'p', from: [{ source: 's', batch: batch({ split: 'a', rows, positionAt: (i) => rows[i]!['n'] as number }) }] })

let admin: Admin
beforeAll(() => {
  if (url) admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers })
})
afterAll(() => admin?.close())

const sinkOf = async (stream: string, more: Record<string, unknown> = {}): Promise<Sink> => {
  const options = {
    stream,
    brokers,
    format: 'json',
    value_field: 'value',
    key: 'group',
    order: 'strict',
    compression: 'zstd',
    in_flight: 4,
    max_message: 1 << 20,
    create: { partitions: 3, replicas: 1, config: {} },
    ...more,
  }
  const sink = (sinkKafka as SinkDefinition).create(options, { ...env, schema })
  await sink.open!({ signal: never, incarnation: 1, instance: { i: 0, n: 1 }, warn: () => {} } as never)
  return sink
}
async function write(stream: string, rows: readonly Row[], more: Record<string, unknown> = {}): Promise<void> {
  const sink = await sinkOf(stream, more)
  for (let at = 0; at < rows.length; at += 500) await sink.write(records(rows.slice(at, at + 500)), { signal: never, epoch: 1 })
  await sink.flush!({ signal: never, epoch: 1, roll: false, end: false })
  await sink.close!()
}
async function read(
  stream: string,
  positions = new Map<string, Json>(),
  more: Record<string, unknown> = {},
  until?: (batches: readonly Batch[]) => boolean,
): Promise<Batch[]> {
  const options = {
    stream,
    brokers,
    format: 'json',
    value_field: 'value',
    start: 'earliest',
    stop: 'end',
    on_gap: 'fail',
    max_bytes: 1 << 20,
    max_wait: 50,
    ...more,
  }
  const source = (sourceKafka as SourceDefinition).create(options, { ...env, schema, unknownFields: 'drop' })
  const batches: Batch[] = []
  const abort = new AbortController()
  try {
    for await (const b of source.read({
      signal: abort.signal,
      resume: (s) => positions.get(s),
      recall: () => undefined,
      wants: () => true,
      instance: { i: 0, n: 1 },
      warn: () => {},
    })) {
      if ('splits' in b) continue
      batches.push(b)
      if (b.position !== undefined) positions.set(b.split, b.position)
      if (until?.(batches)) abort.abort()
    }
  } finally {
    await source.close!()
  }
  return batches
}
const numbers = (batches: readonly Batch[]) => batches.flatMap((b) => b.rows.map((r) => r['n'] as number)).sort((a, b) => a - b)

describe.skipIf(!url)('Kafka, on a real broker', () => {
  it('gives what was written once each, in the order of its key, under the ids it came with', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 5000))
    const batches = await read(stream)
    expect(numbers(batches)).toEqual(rowsOf(0, 5000).map((r) => r['n']))
    const first = batches.find((b) => b.rows.length)!
    expect(first.idAt!(0)).toBe(`p/s/a@${first.rows[0]!['n']}`)
    expect(first.keys![0]).toBe(first.rows[0]!['group'])
    expect(Math.abs(Date.now() - first.arrivals![0]!)).toBeLessThan(60_000)
    for (const group of ['g0', 'g3']) {
      const order = batches
        .flatMap((b) => b.rows)
        .filter((r) => r['group'] === group)
        .map((r) => r['n'] as number)
      expect(order).toEqual([...order].sort((a, b) => a - b))
    }
  })

  it('resumes after every batch', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 600), { create: { partitions: 1, replicas: 1, config: {} } })
    const batches = await read(stream)
    for (const [k, b] of batches.entries()) expect(numbers(await read(stream, new Map([[b.split, b.position!]])))).toEqual(numbers(batches.slice(k + 1)))
  })

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('reads and writes %s', async (compression) => {
    const stream = fresh()
    await write(stream, rowsOf(0, 300), { compression })
    expect(numbers(await read(stream))).toHaveLength(300)
  })

  it('lists a value that is no record with its offset and bytes, and reads on', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 3), { create: { partitions: 1, replicas: 1, config: {} } })
    const producer = new Producer({ clientId: 'raw', bootstrapBrokers: brokers })
    await producer.send({
      acks: -1,
      messages: [
        { topic: stream, value: Buffer.from('no json') },
        { topic: stream, value: Buffer.from('{"n":"x"}') },
      ],
    })
    await producer.close()
    await write(stream, rowsOf(3, 4))
    const batches = await read(stream)
    expect(numbers(batches)).toEqual([0, 1, 2, 3])
    expect(batches.flatMap((b) => b.bad ?? []).map((b) => [b.position, b.code, Buffer.from(b.bytes).toString()])).toEqual([
      [3, 'bad_json', 'no json'],
      [4, 'not_integer', '{"n":"x"}'],
    ])
  })

  it('never gives what a transaction aborted, also where many are interleaved', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 1), { create: { partitions: 1, replicas: 1, config: {} } })
    const producerOf = (id: string) =>
      new Producer({
        clientId: id,
        bootstrapBrokers: brokers,
        idempotent: true,
        transactionalId: `${id}-${stream}`,
        producerId: -1n,
        producerEpoch: -1,
        timeout: 60_000,
      } as never)
    const [p, q] = [producerOf('a'), producerOf('b')]
    const good = [0]
    let n = 1
    for (let round = 0; round < 6; round++) {
      const [a, b] = [await p.beginTransaction(), await q.beginTransaction()]
      const [commitA, commitB] = [round % 2 === 1, round % 3 === 0]
      for (let k = 0; k < 20; k++) {
        for (const [tx, commit] of [
          [a, commitA],
          [b, commitB],
        ] as const) {
          const values = Array.from({ length: 20 }, () => n++)
          if (commit) good.push(...values)
          await tx.send({ messages: values.map((v) => ({ topic: stream, value: Buffer.from(JSON.stringify({ n: v, group: 'x'.repeat(500) })) })) })
        }
      }
      await (commitA ? a.commit() : a.abort())
      await (commitB ? b.commit() : b.abort())
    }
    await Promise.all([p.close(), q.close()])
    expect(numbers(await read(stream, new Map(), { max_bytes: 64 << 10 }))).toEqual(good.sort((a, b) => a - b))
  })

  it('stops where the topic no longer has what comes next, unless told how to go on', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 100), { create: { partitions: 1, replicas: 1, config: {} } })
    const positions = new Map<string, Json>()
    let saved: Json | undefined
    await read(stream, positions, {}, (batches) => {
      saved = batches[0]!.position
      return true
    })
    const early = new Map([['0', { ...(saved as { topic: string }), next: 10 } as Json]])
    await admin.deleteRecords({ topics: [{ name: stream, partitions: [{ partition: 0, offset: 50n }] }] })
    await expect(read(stream, new Map(early))).rejects.toMatchObject({ code: 'offset_out_of_range', place: `topic ${stream}, partition 0, offset 10` })
    expect(numbers(await read(stream, new Map(early), { on_gap: 'earliest' }))[0]).toBe(50)
    await expect(read(stream, new Map([['0', { ...(saved as { topic: string }), next: 5000 } as Json]]), { stop: 'never' })).rejects.toMatchObject({
      code: 'offset_out_of_range',
    })
  })

  it('stops when the topic was made anew', async () => {
    const stream = fresh()
    const one = { create: { partitions: 1, replicas: 1, config: {} } }
    await write(stream, rowsOf(0, 10), one)
    const positions = new Map<string, Json>()
    await read(stream, positions)
    await admin.deleteTopics({ topics: [stream] })
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await write(stream, rowsOf(0, 10), one)
    await expect(read(stream, positions)).rejects.toMatchObject({ code: 'source_replaced' })
  })

  it('sets the offsets of a group for lag tools, and leaves a group that is in use alone', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 10), { create: { partitions: 1, replicas: 1, config: {} } })
    const options = {
      stream,
      brokers,
      format: 'json',
      value_field: 'value',
      start: 'earliest',
      stop: 'end',
      on_gap: 'fail',
      max_bytes: 1 << 20,
      max_wait: 50,
      report_group: `g-${stream}`,
    }
    const source = (sourceKafka as SourceDefinition).create(options, { ...env, schema, unknownFields: 'drop' })
    let last: Json | undefined
    for await (const b of source.read({
      signal: never,
      resume: () => undefined,
      recall: () => undefined,
      wants: () => true,
      instance: { i: 0, n: 1 },
      warn: () => {},
    }))
      if (!('splits' in b)) last = b.position ?? last
    await source.commit!([{ split: '0', position: last! }], { signal: never })
    await source.close!()
    const groups = await admin.listConsumerGroupOffsets({ groups: [{ groupId: `g-${stream}`, topics: [{ name: stream, partitionIndexes: [0] }] }] })
    expect(Number(groups[0]!.topics[0]!.partitions[0]!.committedOffset)).toBe(10)
  })

  it('says what is wrong when nobody answers, or the topic is not there', async () => {
    await expect(read('nowhere', new Map(), { brokers: ['127.0.0.1:1'] })).rejects.toMatchObject({
      name: 'SystemError',
      code: 'kafka_unavailable',
      retry: true,
    })
    await expect(read(fresh())).rejects.toMatchObject({ name: 'SystemError', code: 'kafka_refused', retry: false })
  })

  it('names a value that is too large as a bad record and writes the others', async () => {
    const stream = fresh()
    const sink = await sinkOf(stream, { max_message: 200 })
    const rows = rowsOf(0, 5).map((r) => (r['n'] === 2 ? { ...r, group: 'x'.repeat(300) } : r))
    await expect(sink.write(records(rows), { signal: never, epoch: 1 })).rejects.toMatchObject({
      name: 'PartialWriteError',
      failures: [{ index: 2, kind: 'data', code: 'too_large' }],
    })
    await sink.flush!({ signal: never, epoch: 1, roll: false, end: false })
    await sink.close!()
    expect(numbers(await read(stream))).toEqual([0, 1, 3, 4])
  })
})
