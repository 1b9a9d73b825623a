import { arrivalOf, freshRead, isBatch, type Json, type SourceDefinition } from '@millrace/core'
import { liveUrl, readingPeak } from '@millrace/testkit'
import { Admin, Consumer, Producer } from '@platformatic/kafka'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { sourceKafka } from '../src/source.ts'
import { defaults, env, fresh, never, numbers, onBroker, onePartition, records, rowsOf, schema } from './broker.ts'

const url = liveUrl('KAFKA')
const brokers = (url ?? '').split(',')
const { write, read, sinkOf, sourceOf } = onBroker(brokers)
let admin: Admin
beforeAll(() => {
  if (url) admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers })
})
afterAll(() => admin?.close())

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

  it('makes a topic that is not there where it may, so that it can be started before the writer', async () => {
    const stream = fresh()
    expect(numbers(await read(stream, { create: { partitions: 2, replicas: 1, config: {} } }))).toEqual([])
    await write(stream, rowsOf(0, 50))
    expect(numbers(await read(stream))).toHaveLength(50)
    expect((await admin.metadata({ topics: [stream] })).topics.get(stream)!.partitions).toHaveLength(2)
  })

  it('says before the first run that the topic will be made, or is missing', async () => {
    const probe = (more: object) =>
      (sourceKafka as SourceDefinition).probe!({ ...defaults, brokers, stream: fresh(), ...more }, env, never)
    const create = { partitions: 3, replicas: 1, config: {} }
    expect(await probe({ create })).toMatch(/^topic \S+ does not exist; it will be made with 3 partitions$/)
    await expect(probe({})).rejects.toMatchObject({ code: 'unknown_topic', retry: false })
  })

  it('resumes after every batch', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 600), onePartition)
    const batches = await read(stream)
    for (const [k, b] of batches.entries())
      expect(numbers(await read(stream, {}, { positions: new Map([[b.split, b.position!]]) }))).toEqual(
        numbers(batches.slice(k + 1)),
      )
  })

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('reads and writes %s', async (compression) => {
    const stream = fresh()
    await write(stream, rowsOf(0, 300), { compression })
    expect(numbers(await read(stream))).toHaveLength(300)
  })

  it('lists a value that is no record with its offset and bytes, and reads on', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 3), onePartition)
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
    expect(
      batches.flatMap((b) => b.bad ?? []).map((b) => [b.position, b.code, Buffer.from(b.bytes).toString()]),
    ).toEqual([
      [3, 'bad_json', 'no json'],
      [4, 'not_integer', '{"n":"x"}'],
    ])
  })

  it('never gives what a transaction aborted, also where many are interleaved', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 1), onePartition)
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
          await tx.send({
            messages: values.map((v) => ({
              topic: stream,
              value: Buffer.from(JSON.stringify({ n: v, group: 'x'.repeat(500) })),
            })),
          })
        }
      }
      await (commitA ? a.commit() : a.abort())
      await (commitB ? b.commit() : b.abort())
    }
    await Promise.all([p.close(), q.close()])
    good.sort((a, b) => a - b)
    // The broker writes the markers of a transaction after it has answered, and nothing behind them can be read before.
    let found: unknown[] = []
    for (let tries = 0; tries < 100 && found.at(-1) !== good.at(-1); tries++) {
      if (tries > 0) await sleep(100)
      found = numbers(await read(stream, { max_bytes: 64 << 10 }))
    }
    expect(found).toEqual(good)
  })

  it('stops where the topic no longer has what comes next, unless told how to go on', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 100), onePartition)
    const positions = new Map<string, Json>()
    let saved: Json | undefined
    await read(
      stream,
      {},
      {
        positions,
        until: (batches) => {
          saved = batches[0]!.position
          return true
        },
      },
    )
    const early = new Map([['0', { ...(saved as { topic: string }), next: 10 } as Json]])
    await admin.deleteRecords({ topics: [{ name: stream, partitions: [{ partition: 0, offset: 50n }] }] })
    await expect(read(stream, {}, { positions: new Map(early) })).rejects.toMatchObject({
      code: 'offset_out_of_range',
      place: `topic ${stream}, partition 0, offset 10`,
    })
    expect(numbers(await read(stream, { on_gap: 'earliest' }, { positions: new Map(early) }))[0]).toBe(50)
    await expect(
      read(
        stream,
        { stop: 'never' },
        { positions: new Map([['0', { ...(saved as { topic: string }), next: 5000 } as Json]]) },
      ),
    ).rejects.toMatchObject({
      code: 'offset_out_of_range',
    })
  })

  it('stops when the topic was recreated', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 10), onePartition)
    const positions = new Map<string, Json>()
    await read(stream, {}, { positions })
    await admin.deleteTopics({ topics: [stream] })
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await write(stream, rowsOf(0, 10), onePartition)
    await expect(read(stream, {}, { positions })).rejects.toMatchObject({ code: 'source_replaced' })
  })

  it('stops when the topic is recreated while it is read', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 10), onePartition)
    const anew = async () => {
      await admin.deleteTopics({ topics: [stream] })
      await new Promise((resolve) => setTimeout(resolve, 1000))
      await write(stream, rowsOf(0, 10), onePartition)
    }
    let made: Promise<void> | undefined
    // The reader may ask while there is no topic at all: the run is stopped by that as well.
    await expect(
      read(stream, { stop: 'never' }, { onBatch: (b) => void (b.rows.length && (made ??= anew())) }),
    ).rejects.toMatchObject({
      code: expect.stringMatching(/^(source_replaced|unknown_topic)$/) as string,
    })
    await made
    await expect(
      read(stream, {}, { positions: new Map([['0', { topic: 'another', next: 5 }]]) }),
    ).rejects.toMatchObject({ code: 'source_replaced' })
  })

  it('finds a partition that is added while reading, and reads it from its beginning', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 100), onePartition)
    let added: Promise<unknown> | undefined
    const add = async () => {
      await admin.createPartitions({ topics: [{ name: stream, count: 3, assignments: null }] } as never)
      await write(stream, rowsOf(100, 400))
    }
    const found = new Set<string>()
    const batches = await read(
      stream,
      { start: 'latest', stop: 'never' },
      {
        refreshMs: 300,
        positions: new Map(),
        onBatch: () => {
          added ??= add()
        },
        until: (all) => {
          for (const b of all) found.add(b.split)
          return numbers(all).length === 300
        },
      },
    )
    await added
    expect(numbers(batches)).toEqual(rowsOf(100, 400).map((r) => r['n']))
    expect([...found].sort()).toEqual(['0', '1', '2'])
  })

  it('saves where it began before it gives a record, and asks `start` only where nothing was read before', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 10), onePartition)
    const positions = new Map<string, Json>()
    await read(stream, { start: 'latest', stop: 'never' }, { positions, until: () => true })
    expect(positions.get('0')).toMatchObject({ next: 10 })
    await write(stream, rowsOf(10, 20))
    await admin.createPartitions({ topics: [{ name: stream, count: 2, assignments: null }] } as never)
    await write(stream, rowsOf(20, 60))
    expect(numbers(await read(stream, { start: 'latest' }, { positions }))).toEqual(rowsOf(10, 60).map((r) => r['n']))
  })

  it('shares the partitions among instances', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 500), { create: { partitions: 4, replicas: 1, config: {} } })
    const shares = await Promise.all([0, 1].map((i) => read(stream, {}, { instance: { i, n: 2 } })))
    expect(shares.map((batches) => [...new Set(batches.map((b) => Number(b.split) % 2))])).toEqual([[0], [1]])
    expect(numbers(shares.flat())).toEqual(rowsOf(0, 500).map((r) => r['n']))
  })

  it('goes on at the end with `on_gap: latest`', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 100), onePartition)
    const positions = new Map<string, Json>()
    await read(stream, {}, { positions, until: () => true })
    positions.set('0', { ...(positions.get('0') as { topic: string }), next: 10 })
    await admin.deleteRecords({ topics: [{ name: stream, partitions: [{ partition: 0, offset: 50n }] }] })
    expect(numbers(await read(stream, { on_gap: 'latest' }, { positions }))).toEqual([])
    expect(positions.get('0')).toMatchObject({ next: 100 })
  })

  it('takes the arrival time of the producer, or of the broker where the topic says so', async () => {
    const [given, appended] = [fresh(), fresh()]
    await admin.createTopics({ topics: [given], partitions: 1, replicas: 1 })
    await admin.createTopics({
      topics: [appended],
      partitions: 1,
      replicas: 1,
      configs: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }],
    })
    const producer = new Producer({ clientId: 'raw', bootstrapBrokers: brokers })
    const times = [1_700_000_000_123, 1_700_000_005_000]
    for (const topic of [given, appended])
      await producer.send({
        acks: -1,
        messages: times.map((time, n) => ({ topic, value: Buffer.from(`{"n":${n}}`), timestamp: BigInt(time) })),
      })
    await producer.close()
    const arrivals = (batches: Awaited<ReturnType<typeof read>>) => batches.flatMap((b) => [...(b.arrivals ?? [])])
    expect(arrivals(await read(given))).toEqual(times)
    for (const time of arrivals(await read(appended))) expect(Math.abs(Date.now() - time)).toBeLessThan(60_000)
  })

  it('has no arrival where a record has no time, or one in other units', async () => {
    const stream = fresh()
    const anyTime = { name: 'message.timestamp.after.max.ms', value: '9223372036854775807' }
    await admin.createTopics({ topics: [stream], partitions: 1, replicas: 1, configs: [anyTime] })
    const producer = new Producer({ clientId: 'raw', bootstrapBrokers: brokers })
    const times = [-1n, 1_700_000_000_123_456n, 1_700_000_000_123n]
    for (const timestamp of times)
      await producer.send({ acks: -1, messages: [{ topic: stream, value: Buffer.from('{"n":1}'), timestamp }] })
    await producer.close()
    const batches = await read(stream)
    const seen = batches.flatMap((b) => b.rows.map((_, i) => [arrivalOf(b, i), b.contextAt!(i)]))
    expect(seen).toEqual([
      [undefined, { timestamp: null }],
      [undefined, { timestamp: 1_700_000_000_123_456 }],
      [1_700_000_000_123, { timestamp: 1_700_000_000_123 }],
    ])
  })

  it('of 500 records of a MB is read in little memory, in batches of about a MiB', { timeout: 300_000 }, async () => {
    const stream = fresh()
    await admin.createTopics({
      topics: [stream],
      partitions: 1,
      replicas: 1,
      configs: [{ name: 'max.message.bytes', value: '2000000' }],
    })
    // Compressed, five at once take less than a KB.
    for (let at = 0; at < 500; at += 5)
      await write(
        stream,
        rowsOf(at, at + 5).map((row) => ({ ...row, group: String(Number(row['n']) % 10).repeat(1e6) })),
        { max_message: 2e6, key: undefined, create: undefined },
      )
    const module = new URL('../src/index.ts', import.meta.url)
    const options = { ...defaults, brokers, stream, stop: 'end' }
    const root = mkdtempSync(join(tmpdir(), 'millrace-'))
    onTestFinished(() => rmSync(root, { recursive: true }))
    const { records, batchBytes, grownBytes } = await readingPeak(
      { module, type: 'kafka' },
      { options, schema },
      { root, env },
    )
    expect(records).toBe(500)
    expect(batchBytes).toBeLessThan(2.1e6)
    // Of 500 MB; how much garbage waits to be collected depends on the load of the machine.
    expect(grownBytes).toBeLessThan(250e6)
  })

  it('gives each partition its turn, though a record is larger than an answer', { timeout: 60_000 }, async () => {
    const stream = fresh()
    await admin.createTopics({ topics: [stream], partitions: 3, replicas: 1 })
    const producer = new Producer({ clientId: 'raw', bootstrapBrokers: brokers })
    for (let n = 0; n < 60; n++)
      await producer.send({
        acks: -1,
        messages: [
          { topic: stream, partition: n % 3, value: Buffer.from(`{"n":${n},"group":"${'x'.repeat(200_000)}"}`) },
        ],
      })
    await producer.close()
    const seen: number[] = []
    await read(stream, { max_bytes: 100_000 }, { onBatch: (b) => void (b.rows.length && seen.push(Number(b.split))) })
    expect(seen).toHaveLength(60)
    expect(new Set(seen.slice(0, 9)).size).toBe(3)
  })

  it('refuses to report to a group that is in use', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 10), onePartition)
    const member = new Consumer({
      clientId: 'member',
      groupId: `live-${stream}`,
      bootstrapBrokers: brokers,
      retries: 10,
    })
    const messages = await member.consume({ topics: [stream], mode: 'earliest', autocommit: false })
    try {
      await expect(read(stream, { report_group: `live-${stream}` })).rejects.toMatchObject({ code: 'group_in_use' })
    } finally {
      await messages.close()
      await member.close(true)
    }
  })

  it('sets the offsets of a group for lag tools', async () => {
    const stream = fresh()
    await write(stream, rowsOf(0, 10), onePartition)
    const source = sourceOf(stream, { report_group: `g-${stream}` })
    // One epoch soon after another: the last one is told too, since nothing may come after it.
    for await (const b of source.read(freshRead(never)))
      if (isBatch(b) && b.position) await source.commit!([{ split: '0', position: b.position }], { signal: never })
    await source.close!()
    const groups = await admin.listConsumerGroupOffsets({
      groups: [{ groupId: `g-${stream}`, topics: [{ name: stream, partitionIndexes: [0] }] }],
    })
    expect(Number(groups[0]!.topics[0]!.partitions[0]!.committedOffset)).toBe(10)
  })

  it('says what is wrong when nobody answers, or the topic is not there', async () => {
    await expect(read('nowhere', { brokers: ['127.0.0.1:1'] })).rejects.toMatchObject({
      name: 'SystemError',
      code: 'kafka_unavailable',
      retry: true,
    })
    await expect(read(fresh())).rejects.toMatchObject({ name: 'SystemError', code: 'unknown_topic', retry: false })
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
