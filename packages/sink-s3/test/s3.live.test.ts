/** What S3 answers, and what it does not: lost answers, taken keys, parts of attempts that died, requests. */
import type { Flushed, RecordType, Row } from '@millrace/core'
import { type HttpProxy, httpProxy, liveUrl } from '@millrace/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { finish, flush, Machine, optionsOf, publish, signal, type Some, write } from './drive.ts'
import { bucketsAt } from './stand-in.ts'

const url = liveUrl('S3')
const buckets = bucketsAt(url ?? 'http://127.0.0.1:1')
const schema: RecordType = {
  fields: {
    id: { type: { kind: 'integer' }, optional: false },
    city: { type: { kind: 'string' }, optional: true },
    text: { type: { kind: 'string' }, optional: true },
  },
}
const rows = (from: number, to: number, bytes = 0): Row[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, city: 'ab'[i % 2]!, text: 'x'.repeat(bytes) }))
const ids = (found: readonly Row[]) => found.map((row) => Number(row['id'])).toSorted((a, b) => a - b)
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

describe.skipIf(!url)('objects in S3', () => {
  let bucket: string
  let proxy: HttpProxy
  let machine: Machine
  let places = 0
  let root: string
  const options = (more: Some = {}) => optionsOf(proxy.url, { bucket, path: root, format: 'jsonl', ...more })
  const seen = () => buckets.rows(bucket, root, schema).then(ids)
  const keys = async () =>
    (await buckets.keys(bucket)).filter((key) => key.startsWith(root)).map((key) => key.slice(root.length))
  const uploads = async () => (await buckets.uploads(bucket)).filter((key) => key.startsWith(root))
  /** Requests as words: `PUT part`. */
  const asked = () =>
    proxy.requests.map(({ method, query }) => {
      if (/list-type=2/.test(query)) return 'list'
      if (/partNumber=/.test(query)) return 'part'
      if (/[?&]uploads/.test(query)) return method === 'POST' ? 'begin' : 'list uploads'
      if (/uploadId=/.test(query)) return method === 'POST' ? 'complete' : 'abort'
      return method.toLowerCase()
    })

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
    machine = new Machine()
    proxy.set(() => 'none')
  })
  afterEach(() => machine.remove())

  test('take no more requests than a loop by hand: one for a small one, and one for each part', async () => {
    const sink = await machine.start(options(), schema)
    await write(sink, rows(0, 10))
    await publish(sink, await flush(sink))
    await write(sink, rows(10, 22, 1_000_000))
    await finish(sink)
    expect(asked().toSorted()).toEqual(['begin', 'complete', 'list', 'part', 'part', 'part', 'put'])
    expect(await seen()).toEqual(upTo(22))
  })

  test.each([
    ['a small one', rows(0, 10), 'put'],
    ['one in parts', rows(0, 12, 1_000_000), 'complete'],
  ] as const)('of which the answer was lost, %s, are recognised', async (_, some, call) => {
    const sink = await machine.start(options(), schema)
    await write(sink, some)
    const saved = await flush(sink, true)
    const isCall = ({ method, query }: { method: string; query: string }) =>
      call === 'put' ? method === 'PUT' : method === 'POST' && /uploadId=/.test(query)
    proxy.set((request, n) => (n === 0 && isCall(request) ? 'lose_answer' : 'none'))
    await expect(publish(sink, saved)).rejects.toMatchObject({ name: 'SystemError', retry: true })
    await publish(sink, saved)
    expect(asked()).toEqual([call, call, 'head'])
    await sink.close!()
    // The next start repeats what was not recorded.
    const again = await machine.start(options(), schema, saved)
    await publish(again, saved)
    await finish(again)
    expect(await seen()).toEqual(upTo(some.length))
    expect(await keys()).toHaveLength(1)
  })

  test('are recognised after a kill between the answer and its mark, and are not put there again', async () => {
    for (const some of [rows(0, 10), rows(0, 12, 1_000_000)]) {
      root = `place-${places++}/`
      const dead = await machine.start(options(), schema)
      await write(dead, some)
      const saved = await flush(dead, true)
      const isLast = (request: { method: string; query: string }) =>
        request.method !== 'HEAD' && !/list-type/.test(request.query)
      proxy.set((request) => (isLast(request) ? 'lose_answer' : 'none'))
      await expect(publish(dead, saved)).rejects.toMatchObject({ retry: true })
      proxy.set(() => 'none')
      const again = await machine.start(options(), schema, saved)
      await publish(again, saved)
      await publish(again, saved)
      expect(await seen()).toEqual(upTo(some.length))
    }
  })

  test('in parts that readers took away before that was recorded are not missed', async () => {
    const dead = await machine.start(options(), schema)
    await write(dead, rows(0, 12, 1_000_000))
    const saved = await flush(dead, true)
    proxy.set(() => 'lose_answer')
    await expect(publish(dead, saved)).rejects.toMatchObject({ retry: true })
    proxy.set(() => 'none')
    for (const key of await keys()) await buckets.remove(bucket, root + key)
    const again = await machine.start(options(), schema, saved)
    await publish(again, saved)
    expect(await keys()).toEqual([])
  })

  test('belong to their readers: one that was published and removed is not published again', async () => {
    const sink = await machine.start(options(), schema)
    await write(sink, rows(0, 4))
    const saved = await flush(sink)
    await publish(sink, saved)
    for (const key of await keys()) await buckets.remove(bucket, root + key)
    await publish(sink, saved)
    const again = await machine.start(options(), schema, saved)
    await publish(again, saved)
    await write(again, rows(4, 6))
    await finish(again)
    expect(await seen()).toEqual([4, 5])
  })

  test('of a stage that is gone stop the run', async () => {
    const sink = await machine.start(options(), schema)
    await write(sink, rows(0, 12, 1_000_000))
    const saved = await flush(sink, true)
    const { key, upload } = (saved.stages![0] as unknown as { object: { key: string; upload: { id: string } } }).object
    await buckets.abort(bucket, key, upload.id)
    const again = await machine.start(options(), schema, saved)
    await expect(publish(again, saved)).rejects.toMatchObject({
      code: 'stage_missing',
      message: expect.stringContaining(`s3://${bucket}/${key}`),
    })
  })

  test('stop the second of two pipelines with one name and path, and keep what the first has written', async () => {
    const other = new Machine()
    const [first, second] = [await machine.start(options(), schema), await other.start(options(), schema)]
    await write(first, rows(0, 12, 1_000_000))
    await write(second, rows(20, 24))
    const [saved, late] = [await flush(first), await flush(second)]
    await publish(first, saved)
    await expect(publish(second, late)).rejects.toMatchObject({ code: 'output_taken' })
    await second.close!()
    // Started anew, it stops at once.
    await expect(other.start(options(), schema)).rejects.toMatchObject({ code: 'output_exists', exitCode: 3 })
    await expect(other.start(options(), schema, late).then((sink) => publish(sink, late))).rejects.toMatchObject({
      code: 'output_taken',
    })
    await finish(first)
    expect(await seen()).toEqual(upTo(12))
    other.remove()
  })

  test('in parts that were never saved are discarded by the next start, those of others are not', async () => {
    const other = new Machine()
    const dead = await machine.start(options(), schema)
    await write(dead, rows(0, 12, 1_000_000))
    await flush(dead)
    const living = await other.start(options({ path: `${root}other/` }), schema)
    await write(living, rows(0, 12, 1_000_000))
    const saved = await flush(living)
    expect(await uploads()).toHaveLength(2)
    const again = await machine.start(options(), schema)
    expect(await uploads()).toEqual([expect.stringContaining('/other/')])
    await publish(living, saved)
    await write(again, rows(0, 3))
    await finish(again)
    expect(await uploads()).toEqual([])
    other.remove()
  })

  test('whose upload was begun by an attempt that never knew its id leave no parts either', async () => {
    const dead = await machine.start(options(), schema)
    proxy.set(({ method, query }) => (method === 'POST' && /[?&]uploads/.test(query) ? 'lose_answer' : 'none'))
    await write(dead, rows(0, 12, 1_000_000))
    await expect(flush(dead)).rejects.toMatchObject({ retry: true })
    proxy.set(() => 'none')
    expect((await uploads()).length).toBeGreaterThan(0)
    await machine.start(options(), schema)
    expect(await uploads()).toEqual([])
  })

  test('are complete though parts failed, and no row is written twice', async () => {
    let failures = 0
    proxy.set(({ query }) => {
      if (!/partNumber=/.test(query) || failures++ % 3 === 2) return 'none'
      return failures % 2 === 0 ? 'lose_answer' : { status: 503, body: '<Error><Code>SlowDown</Code></Error>' }
    })
    const sink = await machine.start(options({ max_uploads: 2 }), schema)
    const some = rows(0, 40, 1_000_000)
    const untilDone = async <T>(work: () => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await work()
        } catch (error) {
          expect(error).toMatchObject({ name: 'SystemError', retry: true })
        }
      }
    }
    for (let at = 0; at < some.length; at += 4) await untilDone(() => write(sink, some.slice(at, at + 4)))
    await publish(sink, await untilDone(() => flush(sink, true)))
    await sink.close!()
    expect(failures).toBeGreaterThan(8)
    expect(await seen()).toEqual(upTo(40))
  })

  test('of a state that is older than they are stop the run', async () => {
    for (const path of ['', 'all.jsonl', '{city}.jsonl']) {
      root = `place-${places++}/`
      const o = options({ path: root + path, format: undefined })
      const sink = await machine.start(o, schema)
      const saved: Flushed[] = []
      for (let n = 0; n < 3; n++) {
        await write(sink, rows(2 * n, 2 * n + 2))
        saved.push(await flush(sink))
        await publish(sink, saved.at(-1)!)
      }
      await sink.close!()
      for (const older of saved.slice(0, 2))
        await expect(machine.start(o, schema, older)).rejects.toMatchObject({ code: 'state_older', exitCode: 3 })
      await finish(await machine.start(o, schema, saved[2]))
      expect(await seen()).toEqual(upTo(6))
      // Started over beside them, it is not taken for older.
      const kept = await machine.start(o, schema, undefined, { existing: 'keep' })
      await write(kept, rows(6, 8))
      const own = await flush(kept)
      await publish(kept, own)
      await kept.close!()
      await finish(await machine.start(o, schema, own))
      expect(await seen()).toEqual(upTo(8))
    }
  })

  test('keep to the names of files, whatever the values are', async () => {
    const cities = ['Köln', '..', 'a/b', '', null]
    const o = options({ path: `${root}{city}/city={city}/x.csv`, format: undefined })
    const sink = await machine.start(o, schema)
    await write(
      sink,
      cities.slice(0, 3).map((city, id) => ({ id, city, text: null })),
    )
    await finish(sink)
    expect((await keys()).toSorted()).toEqual(
      ['%2E%2E/city=../x.csv', 'Köln/city=Köln/x.csv', 'a%2Fb/city=a%2Fb/x.csv'].toSorted(),
    )
  })

  test('replace those of an earlier run, a named one in one step', async () => {
    for (const path of ['', 'all.csv.gz']) {
      root = `place-${places++}/`
      const o = options({ path: root + path, format: undefined, existing: 'replace', roll: undefined })
      for (const [from, to] of [
        [0, 5],
        [5, 8],
      ] as const) {
        const sink = await machine.start(o, schema, undefined, { incarnation: from + 1 })
        await write(sink, rows(from, to))
        const saved = await flush(sink, true)
        if (from > 0) expect(await seen()).toEqual(upTo(5))
        await publish(sink, saved)
        await publish(sink, saved)
        await sink.close!()
      }
      expect(await seen()).toEqual([5, 6, 7])
      expect(await keys()).toHaveLength(1)
    }
  })

  test('are rolled by records, and too many at once are finished early', async () => {
    const roll = { size: 1e9, records: 3, time: 1e9 }
    const sink = await machine.start(options({ path: `${root}{city}/`, max_open_files: 1, roll }), schema)
    await write(sink, rows(0, 10))
    expect(sink.full!()).toBe(true)
    await finish(sink)
    expect((await keys()).length).toBeGreaterThanOrEqual(4)
    expect(await seen()).toEqual(upTo(10))
  })

  test('are written with the options of their formats', async () => {
    const cases: readonly (readonly [Some, Some])[] = [
      [{ format: { type: 'json' } }, { format: { type: 'jsonl' } }],
      [{ format: { type: 'jsonl', nulls: 'write' } }, { format: { type: 'jsonl', nulls: 'omit' } }],
      [{ format: { type: 'csv', delimiter: ';' } }, { format: { type: 'csv' } }],
      [{ format: { type: 'csv', quote: "'" } }, { format: { type: 'csv' } }],
      [{ format: { type: 'csv', header: false } }, { format: { type: 'csv' } }],
      [{ format: { type: 'csv', line_end: 'crlf' } }, { format: { type: 'csv' } }],
      [{ format: { type: 'parquet', compression: 'none' } }, { format: 'parquet' }],
      [{ format: { type: 'parquet', row_group: 2 } }, { format: 'parquet' }],
      [{ format: { type: 'arrow', layout: 'stream' } }, { format: 'arrow' }],
      [
        { format: 'csv', compression: 'gzip' },
        { format: 'csv', compression: 'zstd' },
      ],
      [{ path: 'city={city}/', partition_fields: 'keep' }, { path: 'city={city}/' }],
      [
        { path: '{at:yyyy-MM-dd}/', zone: 'Asia/Tokyo' },
        { path: '{at:yyyy-MM-dd}/', zone: 'UTC' },
      ],
    ]
    const type = { fields: { ...schema.fields, at: { type: { kind: 'timestamp' }, optional: true } } } as const
    const some = rows(0, 5).map((row) => ({ ...row, text: row['id'] === 2 ? null : `a;b,"c' ${row['id']}`, at: 60e6 }))
    const written = async (more: Some): Promise<string> => {
      root = `place-${places++}/`
      const sink = await machine.start(options({ ...more, path: root + String(more.path ?? '') }), type)
      await write(sink, some)
      await finish(sink)
      const found = await keys()
      const contents = await Promise.all(found.map((key) => buckets.bytes(bucket, root + key)))
      return found.map((key, k) => `${key}: ${Buffer.from(contents[k]!).toString('base64')}`).join('\n')
    }
    for (const [one, other] of cases) expect(await written(one)).not.toBe(await written(other))
  })

  test('go to a service without optional checksums, by path or host', async () => {
    const headers: string[] = []
    for (const checksums of ['when_required', 'when_supported'] as const) {
      const sink = await machine.start(options({ checksums, path: `${root}${checksums}/`, path_style: true }), schema)
      await write(sink, rows(0, 12, 1_000_000))
      const saved = await flush(sink, true)
      const { upload } = (saved.stages![0] as unknown as { object: { upload: { parts: [string, string | null][] } } })
        .object
      headers.push(...upload.parts.map(([, crc]) => (crc === null ? 'none' : 'crc')))
      await publish(sink, saved)
      await sink.close!()
    }
    expect(headers).toEqual(['none', 'none', 'none', 'crc', 'crc', 'crc'])
    // The bucket in the host name: there is no such host here.
    const byHost = machine.start(options({ path_style: false, endpoint: 'http://s3.invalid' }), schema)
    await expect(byHost).rejects.toMatchObject({ code: 'unknown_host', message: expect.stringContaining(bucket) })
  })

  test('that cannot be written say why, with the bucket and without a secret', async () => {
    const wrong = { access_key_id: 'test', secret_access_key: 'Zq7-wrong' }
    const cases: readonly (readonly [Some, object])[] = [
      [{ bucket: 'no-such-bucket' }, { code: 'resource_missing', retry: false }],
      [{ credentials: wrong }, { code: 'unauthorized', retry: false }],
      [{ endpoint: 'http://127.0.0.1:9' }, { code: 'unavailable', retry: true }],
    ]
    for (const [more, expected] of cases) {
      const o = options(more)
      const error = await machine.start(o, schema).then(
        () => undefined,
        (failed: Error) => failed,
      )
      expect(error).toMatchObject({ name: 'SystemError', ...expected, message: expect.stringContaining(o.bucket) })
      expect(`${error!.stack}${JSON.stringify(error)}`).not.toContain('Zq7-wrong')
    }
  })

  test('are not waited for beyond the abort', async () => {
    const sink = await machine.start(options(), schema)
    const stop = new AbortController()
    stop.abort()
    await write(sink, rows(0, 12, 1_000_000))
    await expect(
      sink.flush!({ signal: stop.signal, epoch: 1, roll: true, end: true }).then(() => sink.close!()),
    ).rejects.toMatchObject({ code: 'aborted' })
    await sink.publish?.((await flush(sink, true)).stages![0]!, { signal })
    expect(await seen()).toEqual(upTo(12))
    await sink.close!()
  })
})
