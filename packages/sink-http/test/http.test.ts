import { randomUUID } from 'node:crypto'
import { type Row, Secret } from '@millrace/core'
import { decodeIds } from '@millrace/kinds'
import { memoryOf } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import {
  defaults,
  failuresOf,
  type Got,
  listen,
  make,
  never,
  numbers,
  opening,
  post,
  records,
  rowsOf,
  schema,
  servers,
  thrown,
} from './posting.ts'

describe('sink-http', () => {
  it('posts each record once, with its id as the idempotency key, and leaves empty fields out', async () => {
    const { url, got } = await listen(() => 201)
    expect(await post(url, rowsOf(50))).toBeUndefined()
    expect(got.map((g) => g.key).sort()).toEqual(
      rowsOf(50)
        .map((r) => `p/s/a b@${r['n']}`)
        .sort(),
    )
    expect(JSON.parse(got.find((g) => g.key.endsWith('@7'))!.body)).toEqual({ n: 7, invoice: 'i2' })
  })

  it.each([
    ['array', 'application/json', (body: string) => JSON.parse(body) as Row[]],
    [
      'json_lines',
      'application/x-ndjson',
      (body: string) =>
        body
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as Row),
    ],
  ])('posts several as %s', async (body, type, parse) => {
    const { url, got } = await listen(() => 200)
    await post(url, rowsOf(25), { body, batch: 10, order: 'strict' })
    expect(got.map((g) => parse(g.body).length)).toEqual([10, 10, 5])
    expect(got.flatMap((g) => parse(g.body)).map((r) => r['n'])).toEqual(rowsOf(25).map((r) => r['n']))
    expect(got[0]!.type).toBe(type)
  })

  it('tells what can never pass from what can pass later', async () => {
    const { url } = await listen(({ body }) => ({ 3: 422, 4: 503, 5: 429 })[JSON.parse(body).n as 3] ?? 201)
    const error = await post(url, rowsOf(10))
    expect([...error!.failures].sort((a, b) => a.index - b.index).map((f) => [f.index, f.kind, f.code])).toEqual([
      [3, 'data', 'http_422'],
      [4, 'system', 'http_503'],
      [5, 'system', 'http_429'],
    ])
    expect(error!.failures[0]!.message).toContain('because')
  })

  it('keeps the order of a key: what follows a record that failed is held', async () => {
    const { url, got } = await listen(({ body }) => (JSON.parse(body).n === 5 ? 503 : 201))
    const error = await post(url, rowsOf(20), { order: 'per_key', key: 'invoice' })
    expect(error!.failures.map((f) => [f.index, f.code])).toEqual([
      [5, 'http_503'],
      [10, 'held'],
      [15, 'held'],
    ])
    const ofKey = got.map((g) => JSON.parse(g.body) as Row).filter((r) => r['invoice'] === 'i1')
    expect(ofKey.map((r) => r['n'])).toEqual([1, 6, 11, 16])
  })

  it('says what does not answer, when it is opened', async () => {
    const { url } = await listen(() => 200)
    await new Promise((resolve) => servers.pop()!.close(resolve))
    await expect(post(url, rowsOf(1))).rejects.toMatchObject({
      name: 'SystemError',
      code: 'http_unreachable',
      retry: true,
    })
  })

  it('tells a server that is gone as a failure of the whole write', async () => {
    const { url } = await listen(() => 200)
    const sink = make(url)
    await sink.open!(opening())
    const server = servers.pop()!
    await new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections())
    const error = await thrown(sink.write(records(rowsOf(50)), { signal: never, epoch: 1 }))
    expect(error).toMatchObject({ name: 'SystemError', code: 'http_unreachable', retry: true })
    await sink.close!()
  })
})

describe('the identity of requests', () => {
  const idsOf = (got: Got) => decodeIds(got.ids!, numbers(got).length)
  const lines = { body: 'json_lines', order: 'strict' }

  it('follows from the records alone, however they are cut', async () => {
    const { url, got } = await listen(() => 200)
    await post(url, rowsOf(20), { ...lines, batch: 10 })
    await post(url, rowsOf(20), { ...lines, batch: 15 })
    expect(got.map((g) => numbers(g).length)).toEqual([10, 10, 15, 5])
    for (const g of got) expect(idsOf(g)).toEqual(numbers(g).map((n) => `p/s/a b@${n}`))
    // The first requests of both begin alike, and are not the same.
    expect(new Set(got.map((g) => g.key)).size).toBe(4)
    await post(url, rowsOf(20), { ...lines, batch: 10 })
    expect(got.slice(4).map((g) => g.key)).toEqual(got.slice(0, 2).map((g) => g.key))
  })

  it('cuts requests so that the header stays under 4 KiB', async () => {
    const { url, got } = await listen(() => 200)
    const ids = Array.from({ length: 500 }, () => randomUUID())
    await post(
      url,
      records(rowsOf(500), (i) => ids[i]!),
      lines,
    )
    expect(got.length).toBeGreaterThan(2)
    expect(got.length).toBeLessThan(12)
    for (const g of got) expect(g.ids!.length).toBeLessThanOrEqual(4096)
    expect(got.flatMap(idsOf)).toEqual(ids)
  })

  it('sends an id that no header can hold as a request of its own', async () => {
    const { url, got } = await listen(() => 200)
    await post(
      url,
      records(rowsOf(5), (i) => (i === 2 ? 'x'.repeat(9000) : `id ${i}`)),
      lines,
    )
    const alone = got.find((g) => g.ids === undefined)!
    expect(numbers(alone)).toEqual([2])
    expect(got.flatMap(numbers).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
    expect(alone.key).toMatch(/^[\w-]{43}$/)
  })

  it('holds any Unicode, one record a request too, and no two ids share a key', async () => {
    const { url, got } = await listen(() => 200)
    const ids = ['Zürich', 'Z%C3%BCrich', '\ud83d', '\ud83e', ' space', 'space', 'x'.repeat(600), 'plain']
    await post(
      url,
      records(rowsOf(8), (i) => ids[i]!),
      { order: 'strict' },
    )
    expect(new Set(got.map((g) => g.key)).size).toBe(8)
    expect(got.map((g, i) => (g.ids === undefined ? g.key : decodeIds(g.ids, 1)[0]) === ids[i])).not.toContain(false)
  })

  it('leaves the header out for servers that mind', async () => {
    const { url, got } = await listen(() => 200)
    await post(url, rowsOf(5), { ...lines, ids: false })
    expect(got).toMatchObject([{ ids: undefined, key: expect.stringMatching(/^[\w-]{43}$/) }])
  })
})

describe('a request of several records', () => {
  const lines = { body: 'json_lines', order: 'strict' }
  const bad = (row: number) => [3, 17].includes(row)

  it('costs only those that a refusal names; the others are sent again alone', async () => {
    const { url, got } = await listen((g) => {
      const errors = numbers(g).flatMap((n, item) =>
        bad(n) ? [{ item, field: 'n', code: 'not_integer', message: 'no' }] : [],
      )
      return errors.length
        ? { status: 422, body: { error: 'refused', message: `${errors.length} faults`, errors } }
        : 201
    })
    const error = await post(url, rowsOf(30), lines)
    expect(failuresOf(error)).toEqual([
      [3, 'data', 'not_integer'],
      [17, 'data', 'not_integer'],
    ])
    expect(error!.failures[0]).toMatchObject({ field: 'n', message: expect.stringMatching(/127.0.0.1:\d+: no/) })
    expect(got.map((g) => numbers(g).length)).toEqual([30, 28])
  })

  it('is halved until the ones at fault stand alone, where a refusal names none', async () => {
    const { url, got } = await listen((g) => (numbers(g).some(bad) ? 422 : 201))
    expect(failuresOf(await post(url, rowsOf(32), lines))).toEqual([
      [3, 'data', 'http_422'],
      [17, 'data', 'http_422'],
    ])
    // Each that was taken, once; and far fewer requests than records.
    const taken = got.filter((g) => !numbers(g).some(bad)).flatMap(numbers)
    expect(taken).toEqual(
      rowsOf(32)
        .map((row) => row['n'])
        .filter((n) => !bad(n as number)),
    )
    expect(got.length).toBeLessThan(25)
  })

  it('is taken item by item where the answer says so', async () => {
    const { url, got } = await listen((g) => ({
      status: 207,
      body: numbers(g).map((n, item) =>
        bad(n)
          ? { item, outcome: n === 3 ? 'refused' : 'failed', errors: [{ code: 'too_old', message: 'it is too old' }] }
          : { item, outcome: n % 2 ? 'taken' : 'dropped', record: { n } },
      ),
    }))
    const error = await post(url, rowsOf(20), lines)
    expect(failuresOf(error)).toEqual([
      [3, 'data', 'too_old'],
      [17, 'data', 'too_old'],
    ])
    expect(got.length).toBe(1)
  })

  it('is sent again without what a 207 tells of, and fails where it tells nothing of a record', async () => {
    const { url, got } = await listen((g) => {
      const all = numbers(g)
      if (all.length === 1) return all[0] === 5 ? { status: 207, body: '<multistatus/>' } : 200
      return { status: 207, body: all.flatMap((n, item) => (n < 4 ? [{ item, outcome: 'taken' }] : [])) }
    })
    expect(failuresOf(await post(url, rowsOf(8), lines))).toEqual([[5, 'data', 'http_207']])
    expect(got.flatMap(numbers).filter((n) => n < 4)).toEqual([0, 1, 2, 3])
  })

  it('is halved where it is too large, and one record that is too large alone has failed', async () => {
    const { url, got } = await listen((g) => (numbers(g).length > 10 || numbers(g).includes(7) ? 413 : 200))
    expect(failuresOf(await post(url, rowsOf(40), lines))).toEqual([[7, 'data', 'too_large']])
    const taken = got.filter((g) => numbers(g).length <= 10 && !numbers(g).includes(7))
    expect(taken.flatMap(numbers)).toEqual(
      rowsOf(40)
        .map((row) => row['n'])
        .filter((n) => n !== 7),
    )
  })

  it('is cut at 1 MiB', async () => {
    const { url, got } = await listen(() => 200)
    const rows = rowsOf(30).map((row): Row => ({ ...row, note: 'x'.repeat(200_000) }))
    expect(await post(url, rows, lines)).toBeUndefined()
    expect(got.length).toBeGreaterThan(2)
    for (const { body } of got) expect(body.length).toBeLessThan((1 << 20) + 250_000)
    expect(got.flatMap(numbers)).toEqual(rows.map((row) => row['n']))
  })

  it('holds what follows in its order when it has to come again', async () => {
    const { url, got } = await listen((g) => (numbers(g).some(bad) ? (numbers(g).length > 1 ? 422 : 503) : 200))
    const error = await post(url, rowsOf(40), { ...lines, batch: 10 })
    expect(error!.failures[0]).toMatchObject({ index: 3, kind: 'system', code: 'http_503' })
    expect(error!.failures.map(({ index }) => index)).toEqual(
      rowsOf(40)
        .map((_, i) => i)
        .slice(3),
    )
    expect(got.flatMap(numbers).every((n) => n < 10)).toBe(true)
  })
})

describe('an answer that no record is at fault for', () => {
  it.each([
    [401, 'unauthorized', 'auth'],
    [403, 'unauthorized', 'auth'],
    [404, 'http_404', 'path'],
    [405, 'http_405', 'method'],
    [415, 'http_415', 'body'],
    [308, 'http_308', 'https://elsewhere.example/x'],
  ])('%i stops the run at once, and says what to do', async (status, code, hint) => {
    const { url, got } = await listen(() => ({ status, headers: { location: 'https://elsewhere.example/x' } }))
    const error = await post(url, rowsOf(200), { concurrency: 4 })
    expect(error).toMatchObject({ name: 'SystemError', code, retry: false, hint: expect.stringContaining(hint) })
    expect(got.length).toBeLessThanOrEqual(8)
  })

  it.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 1900).toUTCString()],
  ])('begins nothing more, and says how long to wait, where Retry-After asks for it in %s', async (_what, header) => {
    const { url, got } = await listen((_got, count) =>
      count === 3 ? { status: 429, headers: { 'retry-after': header() } } : 200,
    )
    const some = await post(url, rowsOf(10), { order: 'strict' })
    expect(failuresOf(some)).toEqual(rowsOf(8).map((_, i) => [i + 2, 'system', 'asked_to_wait']))
    expect(got).toHaveLength(3)
    const waits = some!.failures.map(({ waitMs }) => waitMs!)
    expect([Math.min(...waits) > 850, Math.max(...waits) <= 2000]).toEqual([true, true])
  })

  it('is a failure of the whole write where nothing was taken', async () => {
    const { url, got } = await listen(() => ({ status: 503, headers: { 'retry-after': '60' } }))
    expect(await post(url, rowsOf(3), { order: 'strict' })).toMatchObject({
      name: 'SystemError',
      code: 'asked_to_wait',
      message: expect.stringContaining('503 and asks to wait 60 s'),
      retry: true,
      waitMs: 60_000,
    })
    expect(got).toHaveLength(1)
  })

  it('cannot come to a token with a line break: no request is made of it', async () => {
    const { url, got } = await listen(() => 200)
    expect(() => make(url, { auth: { bearer: new Secret('geheim\r\nx-injected: 1') } })).toThrow(
      expect.objectContaining({ code: 'bad_value', message: expect.not.stringContaining('geheim') }),
    )
    expect(got).toEqual([])
  })
})

it.each(['json_lines', 'object'])(
  '200 records of 1 MB take the memory of those on their way, as %s',
  async (body) => {
    const { url } = await listen(() => 200)
    const options = { ...defaults, url, body, concurrency: 4, timeout: 60_000 }
    const { peak } = await memoryOf({
      module: new URL('../src/index.ts', import.meta.url),
      type: 'http',
      root: '/',
      making: { options, schema },
      row: { n: 1, invoice: 'a', note: 'x'.repeat(1_000_000) },
      writes: 1,
      perWrite: 200,
    })
    expect(peak).toBeLessThan(100e6)
  },
  60_000,
)
