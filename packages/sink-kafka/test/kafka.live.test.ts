import {
  batch,
  type PartialWriteError,
  Records,
  type RecordType,
  type Row,
  type Sink,
  type SinkDefinition,
} from '@millrace/core'
import { liveUrl, memoryOf } from '@millrace/testkit'
import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes as Operation } from '@platformatic/kafka'
import { contentsOf } from '../../../services/kafka/contents.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { sinkKafka } from '../src/sink.ts'

const url = liveUrl('KAFKA')
const brokers = [url ?? '']
const field = (kind: 'integer' | 'string', optional = false) => ({ type: { kind }, optional })
const schema: RecordType = { fields: { n: field('integer'), text: field('string', true) } }
const env = { root: '/', home: '/', profile: 'live', pipeline: 'p', id: 'k', resolve: (path: string) => path }
const never = new AbortController().signal
const defaults = {
  brokers,
  format: 'json',
  value_field: 'value',
  order: 'strict',
  compression: 'none',
  in_flight: 4,
  max_message: 4 << 20,
}

describe.skipIf(!url)('the Kafka sink', () => {
  let admin: Admin
  let count = 0
  const open: Sink[] = []
  beforeAll(() => {
    admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers, retries: 10 })
  })
  afterEach(async () => {
    for (const sink of open.splice(0)) await sink.close!()
  })
  afterAll(() => admin?.close())

  async function topic(config: Record<string, string> = {}): Promise<string> {
    const stream = `sink-${process.pid}-${Date.now()}-${count++}`
    const configs = Object.entries(config).map(([name, value]) => ({ name, value }))
    await admin.createTopics({ topics: [stream], partitions: 1, replicas: 1, configs })
    return stream
  }
  async function records(stream: string): Promise<number> {
    const ends = (
      await admin.listOffsets({ topics: [{ name: stream, partitions: [{ partitionIndex: 0, timestamp: -1n }] }] })
    )[0]!
    return Number(ends.partitions[0]!.offset)
  }
  async function sinkOf(stream: string, more: object = {}): Promise<Sink> {
    const sink = (sinkKafka as SinkDefinition).create({ ...defaults, stream, ...more }, { ...env, schema })
    open.push(sink)
    await sink.open!({ signal: never, incarnation: 1, start: 'test', instance: { i: 0, n: 1 }, warn: () => {} })
    return sink
  }
  const recordsOf = (rows: readonly Row[]) => {
    const from = [{ source: 's', batch: batch({ split: 'a', rows, positionAt: (i) => i }) }]
    return new Records({ rows, from, pipeline: 'p' })
  }
  async function failuresOf(sink: Sink, rows: readonly Row[]): Promise<[number, string][]> {
    try {
      await sink.write(recordsOf(rows), { signal: never, epoch: 1 })
      return []
    } catch (error) {
      expect((error as Error).name).toBe('PartialWriteError')
      return (error as PartialWriteError).failures.map(({ index, code }) => [index, code])
    }
  }
  const flush = (sink: Sink) => sink.flush!({ signal: never, epoch: 1, roll: false, end: false })

  it('cuts what a topic would take for one message too large', async () => {
    const stream = await topic()
    const sink = await sinkOf(stream)
    expect(
      await failuresOf(
        sink,
        Array.from({ length: 1000 }, (_, n) => ({ n, text: 'x'.repeat(5000) })),
      ),
    ).toEqual([])
    await flush(sink)
    expect(await records(stream)).toBe(1000)
  })

  it('lets the broker decide on a message that may fit when it is compressed', async () => {
    const stream = await topic({ 'max.message.bytes': '10000' })
    const large = { n: 1, text: 'x'.repeat(50_000) }
    expect(await failuresOf(await sinkOf(stream), [{ n: 0, text: null }, large, { n: 2, text: null }])).toEqual([
      [1, 'too_large'],
    ])
    const sink = await sinkOf(stream, { compression: 'zstd' })
    expect(await failuresOf(sink, [{ n: 0, text: null }, large, { n: 2, text: null }])).toEqual([])
    await flush(sink)
    expect(await records(stream)).toBe(5)
  })

  /** Lowers the limit of a topic to 10,000 bytes, and waits until it takes effect. */
  async function lower(stream: string): Promise<void> {
    const limit = { name: 'max.message.bytes', value: '10000', configOperation: Operation.SET }
    const topic = { resourceType: ConfigResourceTypes.TOPIC, resourceName: stream, configs: [limit] }
    await admin.incrementalAlterConfigs({ resources: [topic] })
    while ((await failuresOf(await sinkOf(stream), [{ n: -1, text: 'x'.repeat(12_000) }])).length === 0);
  }

  it('halves a send that is too large until it is accepted, and names the single record that is not', async () => {
    const stream = await topic()
    const sink = await sinkOf(stream)
    await lower(stream)
    const rows = Array.from({ length: 600 }, (_, n) => ({ n, text: 'x'.repeat(n === 123 ? 12_000 : 4000) }))
    expect(await failuresOf(sink, rows)).toEqual([[123, 'too_large']])
    await flush(sink)
    const written = (await contentsOf(url!, stream)).flat().map((row) => (row as Row)['n'] as number)
    expect([...new Set(written)].filter((n) => n >= 0)).toEqual(rows.map(({ n }) => n).filter((n) => n !== 123))
    expect(await failuresOf(sink, rows.slice(120, 125))).toEqual([[3, 'too_large']])
  })

  it('stops when a record turns out to be too large after it counted as written, and the next run names it', async () => {
    const stream = await topic()
    const sink = await sinkOf(stream)
    await lower(stream)
    const large = [{ n: 0, text: 'x'.repeat(12_000) }]
    expect(await failuresOf(sink, large)).toEqual([])
    for (const _ of [1, 2])
      await expect(flush(sink)).rejects.toMatchObject({
        code: 'kafka_refused',
        hint: expect.stringContaining('run again'),
      })
    expect(await failuresOf(await sinkOf(stream), large)).toEqual([[0, 'too_large']])
  })

  describe('whose topic is deleted while it writes', () => {
    const rows = (from: number) => Array.from({ length: 100 }, (_, k) => ({ n: from + k, text: null }))
    const deleted = async (more: object = {}) => {
      const stream = await topic()
      const sink = await sinkOf(stream, more)
      expect(await failuresOf(sink, rows(0))).toEqual([])
      await flush(sink)
      await admin.deleteTopics({ topics: [stream] })
      await vi.waitUntil(async () => !(await admin.listTopics()).includes(stream), 10_000)
      return { stream, sink }
    }

    it('says so within seconds', { timeout: 10_000 }, async () => {
      const { sink } = await deleted()
      const writing = async () => {
        await failuresOf(sink, rows(100))
        await flush(sink)
      }
      await expect(writing()).rejects.toMatchObject({ code: 'unknown_topic', retry: false })
    })

    it('makes it again where it may, and sends each record once', { timeout: 20_000 }, async () => {
      const { stream, sink } = await deleted({ create: { partitions: 1, replicas: 1, config: {} } })
      for (const from of [100, 200, 300]) await sink.write(recordsOf(rows(from)), { signal: never, epoch: 1 })
      // As the engine does: what can pass is tried again.
      await vi.waitFor(() => flush(sink), 15_000)
      const written = (await contentsOf(url!, stream)).flat().map((row) => (row as Row)['n'])
      expect(written).toEqual([100, 200, 300].flatMap(rows).map(({ n }) => n))
    })
  })

  it('says before the first run that the topic will be made, or is missing', async () => {
    const create = { partitions: 3, replicas: 1, config: {} }
    const probe = (more: object) =>
      (sinkKafka as SinkDefinition).probe!({ ...defaults, stream: 'not-yet', ...more }, env, never)
    expect(await probe({ create })).toBe('topic not-yet does not exist; it will be made with 3 partitions')
    await expect(probe({})).rejects.toMatchObject({ code: 'unknown_topic', retry: false })
  })

  it('compares max_message with the limit of the topic', async () => {
    const probe = async (limit: string) => {
      const options = { ...defaults, stream: await topic({ 'max.message.bytes': limit }) }
      return (sinkKafka as SinkDefinition).probe!(options, { ...env, id: 'k' }, never)
    }
    expect(await probe('10000')).toMatch(/1 partitions; it accepts up to 10000 bytes .* `max_message` \(4194304\)/)
    expect(await probe('4194304')).toMatch(/has 1 partitions$/)
  })

  it('names the records without a key where the topic is compacted', async () => {
    const stream = await topic({ 'cleanup.policy': 'compact,delete' })
    const sink = await sinkOf(stream)
    expect(await failuresOf(sink, [{ n: 1 }])).toEqual([[0, 'null_key']])
    const keyed = await sinkOf(stream, { key: 'text' })
    expect(
      await failuresOf(keyed, [
        { n: 1, text: 'a' },
        { n: 2, text: null },
        { n: 3, text: 'b' },
      ]),
    ).toEqual([[1, 'null_key']])
    await flush(keyed)
    expect(await records(stream)).toBe(2)
  })

  const memory = (stream: string, large: { row: Row; writes: number; perWrite: number; pauseMs?: number }) =>
    memoryOf({
      module: new URL('../src/index.ts', import.meta.url),
      type: 'kafka',
      root: '/',
      making: { options: { ...defaults, stream }, schema },
      ...large,
    })

  it('lets go what is acknowledged: memory does not grow with the records between two flushes', async () => {
    const row = { n: 1, text: 'x'.repeat(500) }
    const { held } = await memory(await topic(), { row, writes: 200, perWrite: 1000, pauseMs: 30 })
    // All of them would be some 300 MB; how much is on its way depends on the broker.
    expect(held).toBeLessThan(60e6)
  }, 120_000)

  it('takes 200 records of 1 MB in the memory of a few', async () => {
    const row = { n: 1, text: 'x'.repeat(1_000_000) }
    for (const [writes, perWrite] of [
      [1, 200],
      [20, 10],
    ] as const) {
      const { peak } = await memory(await topic({ 'max.message.bytes': '2000000' }), { row, writes, perWrite })
      expect(peak).toBeLessThan(150e6)
    }
  }, 60_000)
})
