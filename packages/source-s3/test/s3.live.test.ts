/** Objects that come in any order, are replaced, removed, or put away after reading, and connections that break. */
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import * as arrow from 'apache-arrow'
import { type Batch, type Done, freshRead, isBatch, type Json, type RecordType, type Row } from '@millrace/core'
import { type HttpProxy, httpProxy, liveUrl } from '@millrace/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sourceS3 } from '../src/index.ts'
import type { Options } from '../src/options.ts'
import { bucketsAt, connection } from './stand-in.ts'

const url = liveUrl('S3')
const buckets = bucketsAt(url ?? 'http://127.0.0.1:1')
const schema = { fields: { n: { type: { kind: 'integer' }, optional: false } } } as const
const env = { root: '/p', home: '/p/.millrace/local', profile: 'local', pipeline: 'p', id: 'in' }
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `{"n":${from + i}}\n`).join('')
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

type Some = { readonly [K in keyof Options]?: unknown }

describe.skipIf(!url)('objects of S3', () => {
  let bucket: string
  let proxy: HttpProxy
  let root: string
  let places = 0
  /** What is saved between runs. */
  let positions: Map<string, Json>
  let memory: Map<string, Json>
  let warnings: string[]
  let type: RecordType
  const put = (key: string, body: string | Uint8Array) => buckets.put(bucket, root + key, body)
  const keys = async () => (await buckets.keys(bucket, root)).map((key) => key.slice(root.length))
  const optionsOf = (more: Some): Options =>
    ({ ...connection(proxy.url), bucket, path: root, after_read: 'keep', ...more }) as Options

  /** Reads, saving all that came and telling the source of it; `stop`: after so many batches. */
  async function run(
    more: Some = {},
    stop = Number.POSITIVE_INFINITY,
    onBatch = async (_: Batch) => {},
  ): Promise<Row[]> {
    const source = sourceS3.create(optionsOf(more), {
      ...env,
      resolve: (path) => path,
      schema: type,
      unknownFields: 'drop',
    })
    const abort = new AbortController()
    const rows: Row[] = []
    let seen = 0
    const ctx = freshRead(abort.signal, {
      resume: (split) => positions.get(split),
      recall: (key) => memory.get(key),
      recallAll: (prefix) => [...memory].filter(([key]) => key.startsWith(prefix)),
      warn: (message) => void warnings.push(message),
      continues: true,
    })
    for await (const given of source.read(ctx)) {
      if (!isBatch(given)) {
        if (!('splits' in given) && seen >= stop) abort.abort()
        continue
      }
      const { split, position, end } = given
      rows.push(...given.rows)
      if (end) positions.delete(split)
      else if (position !== undefined) positions.set(split, position)
      for (const [key, value] of given.remember ?? []) value === null ? memory.delete(key) : memory.set(key, value)
      const done: Done = { split, ...(position === undefined ? {} : { position }), ...(end ? { ended: true } : {}) }
      await source.commit?.([done], { signal: abort.signal })
      await onBatch(given)
      seen++
      if (seen >= stop && more.watch === undefined) break
    }
    await source.close?.()
    return rows
  }
  const numbers = async (...args: Parameters<typeof run>) => (await run(...args)).map((row) => Number(row['n']))
  const sorted = async (...args: Parameters<typeof run>) => (await numbers(...args)).toSorted((a, b) => a - b)

  beforeAll(async () => {
    bucket = await buckets.create()
    proxy = await httpProxy(url!)
  })
  afterAll(async () => {
    await buckets.drop(bucket)
    proxy.close()
  })
  beforeEach(() => {
    root = `place-${places++}/`
    positions = new Map()
    memory = new Map()
    warnings = []
    type = schema
    proxy.set(() => 'none')
  })

  test('are read once each, in whatever order their keys arrive', async () => {
    await put('m-b.jsonl', lines(10, 20))
    expect(await numbers()).toEqual(upTo(20).slice(10))
    await put('z/1.jsonl', lines(20, 25))
    await put('a/1.jsonl', lines(0, 10))
    await put('m/1.jsonl', lines(25, 30))
    expect(await sorted()).toEqual([...upTo(10), ...upTo(30).slice(20)])
    expect(await numbers()).toEqual([])
    // One that is written again is a new one; one that is gone is forgotten.
    await put('a/1.jsonl', lines(40, 45))
    await buckets.remove(bucket, `${root}z/1.jsonl`)
    expect(await numbers()).toEqual([40, 41, 42, 43, 44])
    expect([...memory.keys()].map((key) => key.slice(`object ${root}`.length))).toEqual([
      'm-b.jsonl',
      'a/1.jsonl',
      'm/1.jsonl',
    ])
  })

  test('are read in the order of their keys, though not every service lists them so', async () => {
    const names = ['a-b/x', 'a/x', 'a.b/x', 'a/b/x', 'B/x', 'ä/x']
    for (const [n, name] of names.entries()) await put(`${name}.jsonl`, lines(n, n + 1))
    const order = [...names.keys()].toSorted((a, b) => (`${names[a]!}.jsonl` < `${names[b]!}.jsonl` ? -1 : 1))
    expect(await numbers()).toEqual(order)
  })

  test('take one request each, and one to list them', async () => {
    for (const n of upTo(5)) await put(`${n}.jsonl`, lines(n, n + 1))
    await numbers()
    expect(proxy.requests.map(({ method, query }) => (query.includes('list-type') ? 'list' : method))).toEqual([
      'list',
      ...Array.from({ length: 5 }, () => 'GET'),
    ])
  })

  test('are found by key, folder, pattern and list; hidden ones are not', async () => {
    for (const [n, key] of [
      'a.jsonl',
      'in/b.jsonl',
      'in/_tmp/c.jsonl',
      'in/d.txt',
      'in2/e.jsonl',
      'in/f.jsonl.gz',
    ].entries())
      await put(key, key.endsWith('.gz') ? gzipSync(lines(n, n + 1)) : lines(n, n + 1))
    await put('in/', '')
    const read = async (path: string | readonly string[], more: Some = {}) => {
      memory.clear()
      return sorted({ path: typeof path === 'string' ? root + path : path.map((each) => root + each), ...more })
    }
    expect(await read('a.jsonl')).toEqual([0])
    expect(await read('in')).toEqual([1, 5])
    expect(await read('in/')).toEqual([1, 5])
    expect(await read('*/*.jsonl')).toEqual([1, 4])
    expect(await read('**/*.jsonl')).toEqual([0, 1, 2, 4])
    expect(await read(['a.jsonl', 'in2/'])).toEqual([0, 4])
    expect(await read('in/d.txt', { format: 'jsonl' })).toEqual([3])
    await expect(read('nothing.jsonl')).rejects.toMatchObject({ code: 'input_missing', exitCode: 3 })
    expect(await read('nothing/')).toEqual([])
  })

  test('are watched: what comes is read, without an end', async () => {
    await put('b.jsonl', lines(0, 2))
    const read = await numbers({ watch: 20 }, 4, async ({ end, split }) => {
      if (end && split.includes('/b.')) await put('a.jsonl', lines(2, 4))
    })
    expect(read).toEqual([0, 1, 2, 3])
  })

  test('are deleted once they are saved, and one that was written again meanwhile stays and is read', async () => {
    await put('a.jsonl', lines(0, 3))
    await put('b.jsonl', lines(3, 5))
    expect(await numbers({ after_read: 'delete' })).toEqual(upTo(5))
    expect(await keys()).toEqual([])
    await put('a.jsonl', lines(0, 3))
    const again = await numbers({ after_read: 'delete', watch: 20 }, 4, async ({ end }) => {
      if (end && (await keys()).length === 0) await put('a.jsonl', lines(0, 3))
    })
    expect(again).toEqual([0, 1, 2, 0, 1, 2])
  })

  test('that were replaced after they were read are not deleted', async () => {
    await put('a.jsonl', lines(0, 3))
    await run({ after_read: 'delete' }, 1, async () => void (await put('a.jsonl', lines(3, 6))))
    await expect(numbers({ after_read: 'delete' })).rejects.toMatchObject({ code: 'input_changed' })
    expect(await keys()).toEqual(['a.jsonl'])
  })

  test('are moved once they are saved, beside what is there, and again after a crash at any point', async () => {
    const after_read = { move: `${root}done/` }
    const path = `${root}in/`
    await put('in/a.jsonl', lines(0, 3))
    expect(await numbers({ path, after_read })).toEqual(upTo(3))
    const moved = `done/${root}in/a.jsonl`
    expect(await keys()).toEqual([moved])
    await put('in/a.jsonl', lines(3, 5))
    await numbers({ path, after_read })
    expect(await keys()).toEqual([expect.stringMatching(/in\/a\.[0-9a-f]{12}\.jsonl$/), moved])
    // The copy was made, and the process died.
    await put('in/a.jsonl', lines(0, 3))
    await numbers({ path, after_read })
    expect(await keys()).toEqual([expect.stringMatching(/in\/a\.[0-9a-f]{12}\.jsonl$/), moved])
    expect(await buckets.text(bucket, root + moved)).toBe(lines(0, 3))
  })

  test('that change or vanish in the middle stop the run', async () => {
    for (const change of ['replaced', 'removed']) {
      positions.clear()
      memory.clear()
      await put('a.jsonl', lines(0, 5000))
      expect((await numbers({}, 1)).length).toBeLessThan(5000)
      await (change === 'replaced' ? put('a.jsonl', lines(0, 6000)) : buckets.remove(bucket, `${root}a.jsonl`))
      await expect(numbers()).rejects.toMatchObject({
        code: 'input_changed',
        message: expect.stringContaining(`s3://${bucket}/${root}a.jsonl has been ${change}`),
      })
    }
    memory.clear()
    await put('a.jsonl', lines(0, 200_000))
    const changed = run({}, Number.POSITIVE_INFINITY, async () => void (await put('a.jsonl', lines(0, 5))))
    // What was under way is still the object that was found, or the run stops.
    await changed.then(
      (rows) => expect(rows).toHaveLength(200_000),
      (error: unknown) => expect(error).toMatchObject({ code: 'input_changed' }),
    )
  })

  test('are read on where a connection broke', async () => {
    await put('a.jsonl', lines(0, 100_000))
    await put('b.jsonl.gz', gzipSync(lines(100_000, 150_000)))
    let cuts = 0
    proxy.set(({ method }) => (method === 'GET' && cuts++ % 3 < 2 ? { cutAfter: 90_000 } : 'none'))
    const read = await numbers()
    expect(read).toHaveLength(150_000)
    expect(new Set(read).size).toBe(150_000)
    expect(proxy.requests.length).toBeGreaterThan(3)
  })

  test('that cannot be read say why, with the bucket and without a secret', async () => {
    const wrong = { access_key_id: 'test', secret_access_key: 'Zq7-wrong' }
    const cases: readonly (readonly [Some, object])[] = [
      [{ bucket: 'no-such-bucket' }, { code: 'resource_missing', retry: false }],
      [{ credentials: wrong }, { code: 'unauthorized', retry: false }],
      [
        { endpoint: 'http://127.0.0.1:9', checksums: 'when_required' },
        { code: 'unavailable', retry: true },
      ],
      [
        { endpoint: 'http://s3.invalid', path_style: false },
        { code: 'unknown_host', retry: true },
      ],
    ]
    for (const [more, expected] of cases) {
      const error = await run(more).then(
        () => undefined,
        (failed: Error) => failed,
      )
      const named = String(more.bucket ?? bucket)
      expect(error).toMatchObject({ name: 'SystemError', ...expected, message: expect.stringContaining(named) })
      expect(`${error!.stack}${JSON.stringify(error)}`).not.toContain('Zq7-wrong')
    }
  })

  test('are read with the options of their formats', async () => {
    const text = { type: { kind: 'string' }, optional: true } as const
    const clock = arrow.makeData({
      type: new arrow.TimestampMicrosecond(),
      data: BigInt64Array.from([1_729_996_200_000_000n, 1_704_164_645_000_001n]),
    } as never)
    const times = arrow.tableToIPC(new arrow.Table({ at: new arrow.Vector([clock]) }), 'file')
    const wild = arrow.tableToIPC(
      new arrow.Table({ x: arrow.vectorFromArray([Number.NaN, 1], new arrow.Float64()) }),
      'file',
    )
    const pages = readFileSync(new URL('../../source-files/test/fixtures/rows.parquet', import.meta.url))
    const csv = Buffer.from('n,t\n"a;b",\xe9\nNULL,\'2\n5" disk,5\nlone\na rather long cell,4\n', 'latin1')
    const zoned = { zone: 'Europe/Berlin', fold: 'later', fraction: 'truncate' }
    const cases: readonly (readonly [string, Uint8Array, object, object])[] = [
      ['csv', csv, {}, { delimiter: ';' }],
      ['csv', csv, {}, { quote: "'" }],
      ['csv', csv, {}, { bare_quotes: 'error' }],
      ['csv', csv, {}, { header: false }],
      ['csv', csv, {}, { encoding: 'latin1' }],
      ['csv', csv, {}, { nulls: ['NULL'] }],
      ['csv', csv, {}, { ragged: 'pad' }],
      ['csv', csv, {}, { max_record_size: 12 }],
      ['arrow', times, zoned, { ...zoned, zone: 'Asia/Tokyo' }],
      ['arrow', times, zoned, { ...zoned, fold: 'earlier' }],
      ['arrow', times, zoned, { ...zoned, fraction: 'error' }],
      ['arrow', wild, {}, { non_finite: 'null' }],
      ['parquet', pages, {}, { max_expanded: 4 }],
    ]
    const read = async (format: object): Promise<string> => {
      memory.clear()
      const bad: unknown[] = []
      const rows = await run({ format }, Number.POSITIVE_INFINITY, async (batch) => void bad.push(batch.bad)).catch(
        (error: { code: string }) => error.code,
      )
      return JSON.stringify([rows, bad])
    }
    for (const [n, [name, bytes, one, other]] of cases.entries()) {
      root = `place-${places++}/`
      await put(`${n}.${name}`, bytes)
      type = { fields: { n: text, t: text } }
      if (bytes === times) type = { fields: { at: { type: { kind: 'timestamp' }, optional: true } } }
      if (bytes === wild) type = { fields: { x: { type: { kind: 'number' }, optional: true } } }
      if (bytes === pages) type = { fields: { id: { type: { kind: 'integer' }, optional: true } } }
      expect(await read({ type: name, ...other })).not.toBe(await read({ type: name, ...one }))
    }
  })

  test('have their fields inferred, and are counted', async () => {
    await put('day=2024-02-29/a.jsonl', '{"n":1,"at":"2024-02-29"}\n')
    const { signal } = new AbortController()
    const all = { ...env, resolve: (path: string) => path }
    expect(await sourceS3.infer!(optionsOf({}), all, signal)).toMatchObject({
      fields: { n: { type: { kind: 'integer' } }, at: { type: { kind: 'date' } }, day: { type: { kind: 'string' } } },
    })
    expect(await sourceS3.probe!(optionsOf({}), all, signal)).toBe('1 object, 0.0 MB')
  })
})
