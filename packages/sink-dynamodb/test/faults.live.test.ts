/** What a table under load does: items left unprocessed, throttling, answers that are lost. The result is exact. */
import { PartialWriteError, type RecordType, type Records, type Row, type Sink, SystemError } from '@millrace/core'
import { liveUrl, mulberry32 } from '@millrace/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Options } from '../src/options.ts'
import { faultyProxy } from './faulty-proxy.ts'
import { records, standInAt, writing } from './stand-in.ts'

const url = liveUrl('DYNAMODB')
/** By hand: MILLRACE_THROTTLED_MS=60000. */
const throttledMs = Number(process.env['MILLRACE_THROTTLED_MS'] ?? 1500)
const schema: RecordType = {
  fields: {
    id: { type: { kind: 'string' }, optional: false },
    n: { type: { kind: 'integer' }, optional: false },
    text: { type: { kind: 'string' }, optional: true },
  },
}
const rowsOf = (count: number, text: string | null = null): Row[] =>
  Array.from({ length: count }, (_, n) => ({ id: `k${n}`, n, text }))
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

describe.skipIf(!url)('a table under load', () => {
  const at = standInAt(url ?? 'http://127.0.0.1:1')
  let proxy: Awaited<ReturnType<typeof faultyProxy>>
  beforeAll(async () => {
    proxy = await faultyProxy(url!)
  })
  beforeEach(() => proxy?.set(() => 'pass'))
  afterAll(() => proxy?.close())

  let made = 0
  const opened = async (more: Partial<Options> = {}) => {
    const options = at.options({ endpoint: proxy.url, collection: `load-${made++}`, key: 'id', ...more })
    return { options, sink: await at.open(options, schema) }
  }
  const stored = async (options: Options) =>
    (await at.items(options.table_prefix + options.collection))
      .map(({ id, n }) => [id!.S!, Number(n!.N)] as const)
      .toSorted((a, b) => a[1] - b[1])
  const pairs = (rows: readonly Row[]) => rows.map((row) => [row['id'], row['n']])

  /** Writes as the engine does: what failed by the system again, on its own. Returns how often. */
  async function untilWritten(sink: Sink, all: Records): Promise<number> {
    let left = all
    for (let again = 0; ; again++) {
      try {
        await sink.write(left, writing)
        return again
      } catch (error) {
        if (error instanceof PartialWriteError) {
          expect(error.failures.filter(({ kind }) => kind === 'data')).toEqual([])
          left = left.pick(error.failures.map(({ index }) => index))
        } else if (!(error instanceof SystemError && error.retry)) throw error
      }
    }
  }

  test('leaves any number of the 25 items of a call unprocessed: only those are sent again', async () => {
    const rows = rowsOf(25)
    const { options, sink } = await opened()
    for (let held = 1; held <= 25; held++) {
      for (const from of [0, 25 - held]) {
        const changed = rows.map((row) => ({ ...row, n: Number(row['n']) + held * 1000 + from }))
        proxy.set((call) => (call === 0 ? { held: upTo(held).map((i) => i + from) } : 'pass'))
        await sink.write(records(changed), writing)
        expect([held, proxy.sizes()]).toEqual([held, [25, held]])
        expect(await stored(options)).toEqual(pairs(changed))
      }
    }
  })

  test('leaves items unprocessed at random, again and again, in calls side by side', { timeout: 60_000 }, async () => {
    const random = mulberry32(11)
    const rows = rowsOf(600)
    for (const write of ['upsert', 'delete'] as const) {
      const { options } = await opened()
      if (write === 'delete')
        await (await at.open({ ...options, endpoint: url! }, schema)).write(records(rows), writing)
      const sink = await at.open({ ...options, write }, schema)
      proxy.set((_, requests) => ({ held: upTo(requests).filter(() => random() < 0.6) }))
      await untilWritten(sink, records(rows))
      expect(await stored(options)).toEqual(write === 'delete' ? [] : pairs(rows))
    }
  })

  test(
    'throttles for a while: the engine goes on with what is left, and the result is exact',
    async () => {
      const rows = rowsOf(120)
      for (const more of [{}, { write: 'set' }, { write: 'insert' }, { guard: { field: 'n' } }] as Partial<Options>[]) {
        const { options, sink } = await opened(more)
        const endsMs = performance.now() + throttledMs
        proxy.set((call) => (performance.now() < endsMs && call % 3 > 0 ? 'throttle' : 'pass'))
        await untilWritten(sink, records(rows))
        expect(await stored(options)).toEqual(pairs(rows))
        // Nothing passes at all, however late the calls come.
        const blockedMs = performance.now() + throttledMs
        let calls = 0
        proxy.set(() => (calls++ < 10 || performance.now() < blockedMs ? 'throttle' : 'pass'))
        const later = rows.map((row) => ({ ...row, id: `later ${String(row['id'])}`, n: Number(row['n']) + 1000 }))
        expect(await untilWritten(sink, records(later, 1000))).toBeGreaterThan(0)
        expect(await stored(options)).toEqual(pairs([...rows, ...later]))
      }
    },
    20_000 + 16 * throttledMs,
  )

  test('takes an item over 400 KB for a data error, and stores the others of its call', async () => {
    const { options, sink } = await opened()
    const rows = rowsOf(30)
    rows[7] = { ...rows[7], text: 'x'.repeat(410_000) }
    rows[29] = { ...rows[29], text: 'x'.repeat(500_000) }
    const failing = sink.write(records(rows), writing)
    await expect(failing).rejects.toMatchObject({
      failures: [
        { index: 7, kind: 'data', code: 'too_large' },
        { index: 29, kind: 'data', code: 'too_large' },
      ],
    })
    expect(await stored(options)).toEqual(pairs(rows.filter((_, i) => i !== 7 && i !== 29)))
  })

  test('gets each key of a batch once, also while items are left unprocessed: the last record stays', async () => {
    const random = mulberry32(5)
    const { options, sink } = await opened()
    const rows = Array.from({ length: 300 }, (_, n) => ({ id: `k${Math.floor(random() * 20)}`, n, text: null }))
    proxy.set((call, requests) => ({ held: upTo(requests).filter((i) => (i + call) % 3 > 0) }))
    await untilWritten(sink, records(rows))
    const last = new Map(rows.map(({ id, n }) => [id, n]))
    expect(await stored(options)).toEqual([...last].toSorted((a, b) => a[1] - b[1]))
  })

  test('loses answers: the same records again leave the same items', async () => {
    const rows = rowsOf(60)
    for (const more of [{}, { write: 'set' }, { write: 'insert' }, { guard: { field: 'n' } }] as Partial<Options>[]) {
      const { options, sink } = await opened(more)
      proxy.set((call) => (call === 1 || call === 4 ? 'lost' : 'pass'))
      expect(await untilWritten(sink, records(rows))).toBeGreaterThan(0)
      expect(await stored(options)).toEqual(pairs(rows))
    }
  })
})
