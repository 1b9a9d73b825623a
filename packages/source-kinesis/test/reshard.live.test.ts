/** Splits and merges, while the stream is read and while it is not. */
import {
  type Batch,
  freshRead,
  isBatch,
  type Json,
  type ReadContext,
  type Row,
  type SourceContext,
} from '@millrace/core'
import { liveUrl } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { createReader } from '../src/source.ts'
import { freshName, standIn, streamsAt } from './stand-in.ts'

const url = liveUrl('KINESIS')
const streams = streamsAt(url ?? 'http://127.0.0.1:1')
const schema = {
  fields: { n: { type: { kind: 'integer' }, optional: false }, key: { type: { kind: 'string' }, optional: false } },
} as const
const env = { root: '/', home: '/', profile: 'p', pipeline: 'p', id: 'in', resolve: (path: string) => path }

type Options = Parameters<typeof createReader>[0]
const optionsOf = (stream: string, more: Partial<Options> = {}): Options =>
  ({
    ...standIn(url!),
    stream,
    format: 'json',
    value_field: 'value',
    start: 'earliest',
    stop: 'never',
    on_gap: 'fail',
    max_records: 3,
    ...more,
  }) as Options

/** What a state saves. */
interface Saved {
  readonly positions: Map<string, Json>
  readonly memory: Map<string, Json>
}

/** Reads until `until`, saving after every batch as the engine would; calls `between` before each. */
async function readOn(
  o: Options,
  saved: Saved,
  into: Row[],
  until: () => boolean,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const stopping = new AbortController()
  const more: Partial<ReadContext> = {
    resume: (split) => saved.positions.get(split),
    recall: (key) => saved.memory.get(key),
    recallAll: (prefix) => [...saved.memory].filter(([key]) => key.startsWith(prefix)),
    continues: true,
  }
  const context = { ...env, schema, unknownFields: 'drop' } as unknown as SourceContext
  const source = createReader(o, context, 100)
  try {
    for await (const given of source.read(freshRead(stopping.signal, more))) {
      if (isBatch(given)) {
        const batch: Batch = given
        into.push(...batch.rows)
        saved.positions.set(batch.split, batch.position!)
        for (const [key, value] of batch.remember ?? [])
          value === null ? saved.memory.delete(key) : saved.memory.set(key, value)
        // The engine forgets the positions of splits that have ended.
        if (batch.end) saved.positions.delete(batch.split)
      }
      if (until()) break
      await between()
    }
  } finally {
    stopping.abort()
    await source.close!()
  }
}

/** A generator of numbers from 0 to 1, always the same. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe.skipIf(!url)('a stream that is resharded', () => {
  it.each([1, 2, 3])(
    'loses none, doubles none, and keeps the order of each key (seed %i)',
    async (seed) => {
      const random = seeded(seed)
      const stream = freshName('reshard')
      await streams.create(stream, 1)
      const keys = Array.from({ length: 12 }, (_, k) => `key ${k}`)
      let n = 0
      const putSome = async () => {
        for (let i = 0; i < 8; i++) {
          const key = keys[Math.floor(random() * keys.length)]!
          await streams.put(stream, JSON.stringify({ n: n++, key }), key)
        }
      }
      const reshard = async () => {
        const open = (await streams.shards(stream)).filter((s) => !s.SequenceNumberRange!.EndingSequenceNumber)
        const low = (i: number) => BigInt(open[i]!.HashKeyRange!.StartingHashKey!)
        open.sort((a, b) =>
          BigInt(a.HashKeyRange!.StartingHashKey!) < BigInt(b.HashKeyRange!.StartingHashKey!) ? -1 : 1,
        )
        expect(low(0)).toBe(0n)
        const at = Math.floor(random() * (open.length - 1))
        if (open.length > 1 && random() < 0.5) await streams.merge(stream, open[at]!, open[at + 1]!)
        else await streams.split(stream, open[Math.floor(random() * open.length)]!)
      }
      const saved: Saved = { positions: new Map(), memory: new Map() }
      const rows: Row[] = []
      for (let round = 0; round < 5; round++) {
        // While it is not read...
        await putSome()
        await reshard()
        await putSome()
        // ... and while it is.
        let left = 2
        const stopAt = rows.length + 5 + Math.floor(random() * 12)
        await readOn(
          optionsOf(stream),
          saved,
          rows,
          () => rows.length >= Math.min(stopAt, n),
          async () => {
            if (left-- <= 0) return
            await reshard()
            await putSome()
          },
        )
      }
      await readOn(optionsOf(stream), saved, rows, () => rows.length >= n)
      // Whatever would come twice comes now.
      await readOn(optionsOf(stream, { stop: 'end' }), saved, rows, () => false)
      expect(rows.map((row) => Number(row['n'])).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: n }, (_, i) => i),
      )
      for (const [key, of] of Map.groupBy(rows, (row) => String(row['key']))) {
        const found = of.map((row) => Number(row['n']))
        expect([key, found]).toEqual([key, found.toSorted((a, b) => a - b)])
      }
      expect((await streams.shards(stream)).length).toBeGreaterThan(10)
    },
    120_000,
  )

  it('stops at a position older than what the stream keeps, or goes on if it may', async () => {
    const stream = freshName('old')
    await streams.create(stream, 1)
    await streams.put(stream, '{"n":1,"key":"a"}', 'a')
    const identity = await streams.identity(stream)
    const old = { stream: identity, from: 'oldest', ms: Date.now() - 25 * 3_600_000 }
    const saved = (): Saved => ({ positions: new Map([['shardId-000000000000', old]]), memory: new Map() })
    const rows: Row[] = []
    const failing = readOn(optionsOf(stream), saved(), rows, () => rows.length > 0)
    await expect(failing).rejects.toMatchObject({ code: 'offset_out_of_range' })
    await readOn(optionsOf(stream, { on_gap: 'earliest' }), saved(), rows, () => rows.length > 0)
    expect(rows).toEqual([{ n: 1, key: 'a' }])
  })

  it('begins with what arrives from now on, or from a time', async () => {
    const stream = freshName('latest')
    await streams.create(stream, 2)
    await streams.put(stream, '{"n":1,"key":"a"}', 'a')
    const rows: Row[] = []
    let isPut = false
    await readOn(
      optionsOf(stream, { start: 'latest' }),
      { positions: new Map(), memory: new Map() },
      rows,
      () => rows.length > 0,
      async () => {
        if (!isPut) await streams.put(stream, '{"n":2,"key":"b"}', 'b')
        isPut = true
      },
    )
    expect(rows).toEqual([{ n: 2, key: 'b' }])
    const all: Row[] = []
    const o = optionsOf(stream, { start_at: '2020-01-01T00:00:00.000Z', stop: 'end' })
    await readOn(o, { positions: new Map(), memory: new Map() }, all, () => false)
    expect(all.length).toBe(2)
  })

  it('is created with its shards if it does not exist', async () => {
    const stream = freshName('made')
    const o = optionsOf(stream, { create: { shards: 3 }, stop: 'end' })
    for (const _ of [1, 2]) await readOn(o, { positions: new Map(), memory: new Map() }, [], () => false)
    expect((await streams.shards(stream)).length).toBe(3)
  })
})
