/** Partial failures, lost answers, order and ids, against the stand-in behind a proxy that refuses entries. */
import { type Batch, PartialWriteError, Records, type Row } from '@millrace/core'
import { liveUrl } from '@millrace/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sinkKinesis } from '../src/index.ts'
import { refusingProxy, streamsAt } from './stand-in.ts'

const url = liveUrl('KINESIS')
const streams = streamsAt(url ?? 'http://127.0.0.1:1')
const schema = {
  fields: {
    n: { type: { kind: 'integer' }, optional: false },
    key: { type: { kind: 'string' }, optional: true },
  },
} as const
let proxy: Awaited<ReturnType<typeof refusingProxy>>
const { signal } = new AbortController()

const records = (rows: readonly Row[]): Records => {
  const batch: Batch = { split: 's', rows, bytes: 0, positionAt: (i) => Number(rows[i]!['n']) }
  return new Records({ rows, from: [{ source: 'in', batch }], pipeline: 'p' })
}

/** Writes rows to a stream, a new one unless it is named; returns its name. */
async function written(rows: readonly Row[], more: Record<string, unknown> = {}, to?: string): Promise<string> {
  const stream = to ?? (await streams.create(2))
  const options = {
    stream,
    region: 'us-east-1',
    endpoint: proxy.url,
    credentials: { access_key_id: 'test', secret_access_key: 'test' },
    format: 'json',
    value_field: 'value',
    max_message: 1 << 20,
    order: 'strict',
    ...more,
  } as unknown as Parameters<typeof sinkKinesis.create>[0]
  const env = { root: '/', home: '/', profile: 'p', pipeline: 'p', id: 'out', resolve: (path: string) => path }
  const sink = sinkKinesis.create(options, { ...env, schema } as unknown as Parameters<typeof sinkKinesis.create>[1])
  await sink.open!({ signal, incarnation: 1, start: 's', instance: { i: 0, n: 1 }, warn: () => {} })
  try {
    await sink.write(records(rows), { signal, epoch: 1 })
    return stream
  } finally {
    await sink.close!()
  }
}

const valuesOf = async (stream: string): Promise<Row[]> =>
  (await streams.records(stream)).map(({ value }) => JSON.parse(value.toString()) as Row)
const numbers = (rows: readonly Row[]) => rows.map((row) => Number(row['n'])).toSorted((a, b) => a - b)

describe.skipIf(!url)('a write to Kinesis', () => {
  beforeAll(async () => {
    proxy = await refusingProxy(url!)
  })
  beforeEach(() => proxy.set(() => []))
  afterAll(() => proxy?.close())

  it('sends again what was refused, and only that, whichever entry it is', async () => {
    const rows = Array.from({ length: 7 }, (_, n) => ({ n, key: `k${n}` }))
    for (let at = 0; at < rows.length; at++) {
      proxy.set((call) => (call === 0 ? [at] : []))
      const found = await valuesOf(await written(rows, { key: 'key' }))
      expect([at, numbers(found)]).toEqual([at, [0, 1, 2, 3, 4, 5, 6]])
    }
  })

  it('keeps the order of a key, whatever is refused', async () => {
    const rows = Array.from({ length: 60 }, (_, n) => ({ n, key: `k${n % 7}` }))
    proxy.set((call, entries) =>
      Array.from({ length: entries }, (_, i) => i).filter((i) => (i * 31 + call * 17) % 3 === 0),
    )
    const found = await valuesOf(await written(rows, { key: 'key' }))
    expect(numbers(found)).toEqual(rows.map(({ n }) => n))
    for (const [key, of] of Map.groupBy(found, (row) => String(row['key'])))
      expect([key, of.map((row) => row['n'])]).toEqual([key, rows.filter((row) => row.key === key).map(({ n }) => n)])
  })

  it('has several records of a key in a call only if their order does not matter', async () => {
    const rows = Array.from({ length: 20 }, (_, n) => ({ n, key: 'k' }))
    for (const [order, calls] of [
      ['strict', 20],
      ['none', 1],
    ] as const) {
      proxy.set(() => [])
      const found = await valuesOf(await written(rows, { key: 'key', order }))
      expect([order, found.map(({ n }) => n), proxy.calls()]).toEqual([order, rows.map(({ n }) => n), calls])
    }
    proxy.set((call) => (call === 0 ? [0] : []))
    const overtaken = await valuesOf(await written(rows, { key: 'key', order: 'none' }))
    expect([overtaken.map(({ n }) => n), proxy.calls()]).toEqual([[...rows.slice(1), rows[0]!].map(({ n }) => n), 2])
  })

  it('leaves to the engine what is refused again and again, by name', async () => {
    const rows = Array.from({ length: 4 }, (_, n) => ({ n, key: `k${n}` }))
    proxy.set((call, entries) => (call === 0 ? [1, 3] : Array.from({ length: entries }, (_, i) => i)))
    const error = await written(rows, { key: 'key' }).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(PartialWriteError)
    const { failures } = error as PartialWriteError
    expect(failures.map(({ index, kind, code }) => [index, kind, code])).toEqual([
      [1, 'system', 'throttled'],
      [3, 'system', 'throttled'],
    ])
  })

  it('fails as a whole when the answer is lost, so the same ids are there twice', async () => {
    const rows = [{ n: 1, key: 'a' }]
    const stream = await streams.create(2)
    proxy.set((call) => (call === 0 ? 'lost' : []))
    const failing = written(rows, { key: 'key' }, stream)
    await expect(failing).rejects.toMatchObject({ code: 'unavailable', retry: true })
    await written(rows, { key: 'key' }, stream)
    const again = { _millrace_id: 'p/in/s@1', n: 1, key: 'a' }
    expect(await valuesOf(stream)).toEqual([again, again])
  })

  it('has the id of a record in front of its value, and spreads records without a key', async () => {
    const found = await streams.records(await written(Array.from({ length: 20 }, (_, n) => ({ n, key: null }))))
    expect(found.length).toBe(20)
    for (const { value } of found) expect(value.toString()).toMatch(/^\{"_millrace_id":"p\/in\/s@\d+","n":\d+/)
    expect(new Set(found.map(({ key }) => key)).size).toBe(20)
  })

  it('never sends more than 500 records or 5 MiB at a time, since the stand-in would take them', async () => {
    const many = Array.from({ length: 1200 }, (_, n) => ({ n, key: `k${n}` }))
    const sizes: number[] = []
    proxy.set((_, entries) => {
      sizes.push(entries)
      return []
    })
    expect(numbers(await valuesOf(await written(many, { key: 'key' })))).toEqual(many.map(({ n }) => n))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500)
  })
})
