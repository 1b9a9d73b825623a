/**
 * Asking for records: paging, since-cursors with ties, waiting, and what is refused. The servers are real ones of this
 * process.
 */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { isPublicAddress, publicLookup } from '../../client-http/src/address.ts'
import { createBoundary } from '../src/poll/boundary.ts'
import { retryAfterMs } from '@millrace/client-http'
import type { RecordType } from '@millrace/core'
import { sourceHttpPoll } from '../src/index.ts'
import { isClosed, valueAt } from '../src/poll/json.ts'
import { problems } from '../src/poll/options.ts'
import { nothingSaved, optionsOf, readFrom, readWithKills, schema, send, serve } from './pages.ts'

const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => ({ n: from + i, at: null }))
const numbers = (records: readonly { row: object }[]) => records.map(({ row }) => (row as { n: number }).n)
const common = (url: string) => `url: ${url}\nallow_private: true\nstop: end\ninterval: 10ms`
/** Seven pages of up to five records. */
const total = 33
const pageOf = (k: number) => rows(k * 5, Math.min(total, k * 5 + 5))

describe('paging', () => {
  it.each([
    ['by number', 'page: {}', 8],
    ['by number, with a size', 'page: { first: 1, size: 5, size_param: size }', 7],
    ['by cursor', 'items: data.list\ncursor: { field: meta.next, param: after }', 7],
    ['by Link', 'link: true', 7],
  ])('%s gives each record once, in order, also with a kill after each page', async (_name, paging, requests) => {
    const { url, asked } = await serve(({ searchParams, pathname }, response) => {
      const k = Number(searchParams.get('page') ?? 1) - 1
      const after = Number(searchParams.get('after') ?? 0)
      if (paging.startsWith('page')) send(response, k < 7 ? pageOf(k) : [])
      else if (paging.startsWith('items'))
        send(response, { meta: { next: after < 6 ? String(after + 1) : null }, data: { list: pageOf(after) } })
      else
        send(
          response,
          pageOf(k),
          k < 6 ? { link: `<https://other/>; rel="prev", <${pathname}?page=${k + 2}>; rel="next"; title="a, b"` } : {},
        )
    })
    const text = `${common(`${url}/records`)}\n${paging}`
    const { records } = await readFrom(nothingSaved(), text)
    expect(numbers(records)).toEqual(numbers(rows(0, total).map((row) => ({ row }))))
    expect(asked).toHaveLength(requests)
    const again = await readWithKills(text)
    expect(again).toEqual(records)
    expect(new Set(again.map(({ id }) => id)).size).toBe(total)
  })

  it('reads CSV pages, each with a header of its own, and the whole of one without paging', async () => {
    const { url } = await serve(({ searchParams }, response) => {
      const k = Number(searchParams.get('page') ?? 1)
      response.end(k <= 2 ? `n,at\n${k},7\n${k + 10},\n` : '')
    })
    expect(
      (await readFrom(nothingSaved(), `${common(url)}\nformat: csv\npage: {}`)).records.map(({ row }) => row),
    ).toEqual([
      { n: 1, at: 7 },
      { n: 11, at: null },
      { n: 2, at: 7 },
      { n: 12, at: null },
    ])
    expect(numbers((await readFrom(nothingSaved(), `${common(url)}\nformat: csv`)).records)).toEqual([1, 11])
  })

  it('stops where a page names itself as the next, instead of asking forever', async () => {
    const { url } = await serve((_url, response) => send(response, { list: pageOf(0), next: 'x' }))
    await expect(
      readFrom(nothingSaved(), `${common(url)}\nitems: list\ncursor: { field: next }`),
    ).rejects.toMatchObject({ code: 'paging_stuck' })
  })

  it('rounds no number on the way, and tells of a record that does not decode with its bytes', async () => {
    const { url } = await serve((_url, response) =>
      send(response, '{"list": [ {"n":9007199254740993}, {"n":9007199254740992123} , {"n":"x"}]}'),
    )
    const type = { fields: { n: { type: { kind: 'bigint' }, optional: false } } } as const
    const { batches } = await readFrom(nothingSaved(), `${common(url)}\nitems: list`, { type })
    expect(batches[0]!.rows).toEqual([{ n: 9007199254740993n }, { n: 9007199254740992123n }])
    expect(batches[0]!.bad).toMatchObject([{ position: 2, field: 'n' }])
    expect(Buffer.from(batches[0]!.bad![0]!.bytes).toString().trim()).toBe('{"n":"x"}')
  })

  it('takes the id of a record from a field, as an id of its own', async () => {
    const list = [{ n: 1 }, { n: 2 }, { key: 'a/b#c', n: 3 }, { key: null, n: 4 }, { key: '1', n: 5 }, { key: 1, n: 6 }]
    const { url } = await serve((_url, response) => send(response, list))
    const idsBy = async (id: string) => {
      const type: RecordType = { fields: { ...schema.fields, key: { type: { kind: 'json' }, optional: true } } }
      return (await readFrom(nothingSaved(), `${common(url)}\nid: ${id}`, { type })).records.map((record) => record.id)
    }
    expect(await idsBy('n')).toEqual([1, 2, 3, 4, 5, 6].map((n) => `p/s/${n}`))
    const [, , escaped, none, text, number] = await idsBy('key')
    expect([escaped, text, number]).toEqual(['p/s/"a%2Fb%23c"', 'p/s/"1"', 'p/s/1'])
    expect(none).toBe(`${url}/@3`)
    await expect(idsBy('gone')).rejects.toMatchObject({ code: 'bad_value' })
  })

  it('says that the server can give a record again, under its id where it has one', () => {
    const repeats = (more: string) => sourceHttpPoll.capabilities(optionsOf(`url: https://a/b\n${more}`)).repeats
    expect([repeats('')!.id, repeats('id: n')!.id]).toEqual(['new', 'same'])
  })

  it('stops where another list is asked for than before: positions of the one mean nothing in the other', async () => {
    const { url } = await serve(({ searchParams }, response) =>
      send(response, { a: Number(searchParams.get('page')) < 4 ? rows(0, 3) : [], b: [] }),
    )
    const text = `${common(`${url}/orders?shop=1`)}\npage: {}\nitems: a\nquery: { kind: x }`
    const begun = async () => {
      const saved = nothingSaved()
      await readFrom(saved, text, { enough: (batches) => batches.length === 1 })
      return saved
    }
    expect((await readFrom(await begun(), text)).records).toHaveLength(6)
    expect((await readFrom(await begun(), `${text}\nrate: 1000`)).records).toHaveLength(6)
    for (const [before, after] of [
      ['shop=1', 'shop=2'],
      ['/orders', '/invoices'],
      ['kind: x', 'kind: y'],
      ['items: a', 'items: b'],
    ])
      await expect(readFrom(await begun(), text.replace(before!, after!)), after).rejects.toMatchObject({
        code: 'source_replaced',
        hint: expect.stringContaining('state reset'),
      })
  })

  it('says what a page is where it is none', async () => {
    const bodies = ['{"list":{}}', '{"a":1}', 'hello', '{"list":[{"n":1},']
    const { url } = await serve(({ searchParams }, response) => send(response, bodies[Number(searchParams.get('k'))]))
    for (const [k, message] of [
      'has no list at list',
      'has nothing at list',
      'it begins with hello',
      'is truncated',
    ].entries())
      await expect(readFrom(nothingSaved(), `${common(url)}\nitems: list\nquery: { k: "${k}" }`)).rejects.toMatchObject(
        {
          code: 'bad_page',
          message: expect.stringContaining(message),
        },
      )
  })
})

describe('a since-cursor', () => {
  /** A server of events that grows; it gives those at and after `since`, three a page. */
  async function events(order: (list: { n: number; at: number }[]) => { n: number; at: number }[] = (list) => list) {
    const list: { n: number; at: number }[] = []
    const { url, asked } = await serve(({ searchParams }, response) => {
      const since = Number(searchParams.get('since') ?? 0)
      const from = Number(searchParams.get('cursor') ?? 0)
      const wanted = order(list.filter(({ at }) => at >= since))
      send(response, { list: wanted.slice(from, from + 3), next: from + 3 < wanted.length ? from + 3 : null })
    })
    const text = `${common(url)}\nitems: list\ncursor: { field: next }\nsince: { field: at, param: since }`
    return { list, asked, text }
  }

  it('asks again for the last value, and passes over what was taken at it', async () => {
    const { list, asked, text } = await events()
    const saved = nothingSaved()
    list.push({ n: 1, at: 5 }, { n: 2, at: 7 }, { n: 3, at: 7 })
    expect(numbers((await readFrom(saved, text)).records)).toEqual([1, 2, 3])
    list.push({ n: 4, at: 7 }, { n: 5, at: 7 })
    expect(numbers((await readFrom(saved, text)).records)).toEqual([4, 5])
    expect(asked.at(-1)).toBe('/?since=7&cursor=3')
    list.push({ n: 6, at: 7 }, { n: 7, at: 9 }, { n: 8, at: 9 })
    expect(numbers((await readFrom(saved, text)).records)).toEqual([6, 7, 8])
    expect(numbers((await readFrom(saved, text)).records)).toEqual([])
    expect(asked.at(-1)).toBe('/?since=9')
  })

  it('keeps equal records apart, and remembers a bad one as long as it comes', async () => {
    const { list, text } = await events()
    const saved = nothingSaved()
    list.push({ n: 1, at: 7 }, { n: 1, at: 7 }, { n: 'bad' as unknown as number, at: 7 })
    const first = await readFrom(saved, text)
    expect([numbers(first.records), first.batches.flatMap((batch) => batch.bad ?? []).length]).toEqual([[1, 1], 1])
    list.push({ n: 1, at: 7 })
    const second = await readFrom(saved, text)
    expect([numbers(second.records), second.batches.flatMap((batch) => batch.bad ?? []).length]).toEqual([[1], 0])
    expect(numbers((await readFrom(saved, text)).records)).toEqual([])
  })

  it.each([
    ['in order', (list: { n: number; at: number }[]) => list],
    ['in falling order', (list: { n: number; at: number }[]) => list.toReversed()],
  ])('takes each record once when it is killed after each page and the server gives them %s', async (_name, order) => {
    const { list, text } = await events(order)
    const saved = nothingSaved()
    const taken: number[] = []
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 4; i++) list.push({ n: round * 4 + i, at: round + (i >> 1) })
      for (let ended = false; !ended; ) {
        const { records, batches } = await readFrom(saved, text, { enough: (got) => got.length === 1 })
        taken.push(...numbers(records))
        ended = batches.at(-1)!.end === true
      }
    }
    expect(taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, n) => n))
  })

  it('goes by times as well, from the one it is told to start at', async () => {
    const { url, asked } = await serve((_url, response) => send(response, [{ n: 1, at: '2024-05-01T10:00:00+02:00' }]))
    const type = { fields: { ...schema.fields, at: { type: { kind: 'timestamp' }, optional: false } } } as const
    const text = `${common(url)}\nsince: { field: at, param: updated_since, start: "2024-01-01T00:00:00Z" }`
    const saved = nothingSaved()
    await readFrom(saved, text, { type })
    expect(numbers((await readFrom(saved, text, { type })).records)).toEqual([])
    expect(asked.map((path) => new URL(path, url).searchParams.get('updated_since'))).toEqual([
      '2024-01-01T00:00:00.000Z',
      '2024-05-01T08:00:00.000Z',
    ])
  })

  it('asks again and again for what is new, and says when there is no more', async () => {
    const { list, text } = await events()
    list.push({ n: 1, at: 1 })
    const { records, batches } = await readFrom(nothingSaved(), text.replace('stop: end', 'stop: never'), {
      enough: (got) => {
        if (got.length < 4) list.push({ n: got.length + 1, at: 1 + (got.length >> 1) })
        return got.length === 4
      },
    })
    expect(numbers(records)).toEqual([1, 2, 3, 4])
    expect(batches.every((batch) => batch.caughtUp)).toBe(true)
  })

  it('writes what it remembers in pieces, and only those that change', () => {
    const memory = new Map<string, unknown>()
    const keep = (changes: readonly (readonly [string, unknown])[]) => {
      for (const [key, value] of changes) value === null ? memory.delete(key) : memory.set(key, value)
      return changes.length
    }
    const at = createBoundary((key) => memory.get(key) as never, { since: undefined, high: undefined })
    for (let i = 0; i < 250; i++) at.take(1, `m${i}`)
    at.turn()
    expect(keep(at.changes())).toBe(3)
    for (let i = 0; i < 251; i++) expect(at.take(1, `m${i}`)).toBe(i === 250)
    at.turn()
    expect(keep(at.changes())).toBe(1)
    at.take(2, 'x')
    at.turn()
    keep(at.changes())
    expect([...memory]).toEqual([['taken 0', ['x']]])
  })
})

describe('a server that cannot answer now', () => {
  it.each([429, 503])('and says with %i how long to wait is asked again after that', async (status) => {
    const { url, asked } = await serve(
      (_url, response) => void response.writeHead(status, { 'retry-after': '60' }).end(),
    )
    await expect(readFrom(nothingSaved(), common(url))).rejects.toMatchObject({
      name: 'SystemError',
      code: 'asked_to_wait',
      message: expect.stringContaining(`answered ${status} and asks to wait 60 s`),
      retry: true,
      waitMs: 60_000,
    })
    expect(asked).toHaveLength(1)
  })

  it.each([
    [500, true, 'bad_status'],
    [429, true, 'bad_status'],
    [404, false, 'bad_status'],
    [401, false, 'unauthorized'],
  ])('with %i is an error of the system, to be repeated: %s', async (status, retry, code) => {
    const { url } = await serve((_url, response) => void response.writeHead(status).end())
    await expect(readFrom(nothingSaved(), common(url))).rejects.toMatchObject({ name: 'SystemError', code, retry })
  })

  it('or that is gone, or silent, is to be asked again', async () => {
    await expect(readFrom(nothingSaved(), common('http://127.0.0.1:1'))).rejects.toMatchObject({
      code: 'http_unreachable',
      retry: true,
    })
    const { url } = await serve(() => {})
    await expect(readFrom(nothingSaved(), `${common(url)}\ntimeout: 100ms`)).rejects.toMatchObject({
      code: 'no_answer',
      retry: true,
    })
  })

  it('reads both forms of Retry-After', () => {
    expect(retryAfterMs('120')).toBe(120_000)
    expect(retryAfterMs('Sun, 06 Nov 1994 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 30))).toBe(7000)
    expect(retryAfterMs('soon')).toBeUndefined()
  })
})

describe('limits', () => {
  it('keep requests at the rate that is asked for', async () => {
    const { url } = await serve(({ searchParams }, response) =>
      send(response, Number(searchParams.get('page')) <= 5 ? pageOf(0) : []),
    )
    const startedMs = performance.now()
    await readFrom(nothingSaved(), `${common(url)}\npage: {}\nrate: 20`)
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(5 * 50 - 5)
  })

  it('hold for the page, also after decompression', async () => {
    const { url } = await serve((request, response) => {
      const body = JSON.stringify(rows(0, 10_000))
      if (request.pathname === '/zip') response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(body))
      else send(response, body)
    })
    for (const path of ['/', '/zip'])
      await expect(readFrom(nothingSaved(), `${common(url + path)}\nmax_body: 20kB`)).rejects.toMatchObject({
        code: 'answer_too_large',
        retry: false,
      })
    expect((await readFrom(nothingSaved(), common(`${url}/zip`))).records).toHaveLength(10_000)
  })
})

describe('addresses', () => {
  it('of this machine and of private networks are refused before anything is sent', async () => {
    const { url, asked } = await serve((_url, response) => send(response, pageOf(0)))
    const { port } = new URL(url)
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433'])
      await expect(readFrom(nothingSaved(), `url: "http://${host}:${port}/"\nstop: end`), host).rejects.toMatchObject({
        code: 'private_address',
        retry: false,
      })
    expect(asked).toEqual([])
  })

  it.each([
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    'ff02::1',
    'x',
  ])('%s is none of the internet', (address) => expect(isPublicAddress(address)).toBe(false))

  it.each(['8.8.8.8', '172.32.0.1', '2606:4700:4700::1111'])('%s may be called', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  )

  it('are judged after the name was resolved', async () => {
    const failure = await new Promise((resolve) => publicLookup('localhost', {}, (error) => resolve(error)))
    expect(failure).toMatchObject({ code: 'private_address' })
  })

  it('that a redirect leads to are judged as well, and get no token', async () => {
    const seen: (string | undefined)[] = []
    const other = await serve((_url, response, request) => {
      seen.push(request.headers.authorization)
      send(response, pageOf(0))
    })
    const { url } = await serve((request, response, { headers }) => {
      seen.push(headers.authorization)
      response.writeHead(302, { location: request.pathname === '/file' ? 'file:///etc/passwd' : other.url }).end()
    })
    expect(
      (await readFrom(nothingSaved(), `${common(url)}\nauth: { bearer: geheim }\nheaders: { x-key: k }`)).records,
    ).toHaveLength(5)
    expect(seen).toEqual(['Bearer geheim', undefined])
    await expect(readFrom(nothingSaved(), common(`${url}/file`))).rejects.toMatchObject({ code: 'bad_redirect' })
  })

  it('that lead in a circle are left', async () => {
    const { url, asked } = await serve((_url, response) => void response.writeHead(302, { location: '/' }).end())
    await expect(readFrom(nothingSaved(), common(url))).rejects.toMatchObject({ code: 'bad_redirect' })
    expect(asked).toHaveLength(6)
  })
})

describe('options', () => {
  it('that contradict are findings', () => {
    const codes = (text: string) =>
      problems(optionsOf(`url: https://example.com\n${text}`)).map(({ at }) => at.join('.'))
    expect(codes('page: {}')).toEqual([])
    expect(codes('page: {}\nlink: true')).toEqual(['link'])
    expect(codes('format: csv\nitems: a\ncursor: { field: b }')).toEqual(['items', 'cursor'])
    expect(problems(optionsOf('url: "https://u:p@example.com"'))).toMatchObject([{ at: ['url'] }])
  })

  it('name a field that grows', async () => {
    await expect(
      readFrom(nothingSaved(), `${common('http://127.0.0.1:1')}\nsince: { field: none, param: since }`),
    ).rejects.toMatchObject({
      code: 'bad_value',
      exitCode: 2,
    })
  })
})

describe('a value inside a JSON text', () => {
  const at = (text: string, ...path: string[]) => valueAt(Buffer.from(text), path)?.toString()
  it('is found by its path, whatever stands before it', () => {
    expect(at(' {"a": {"x]": "}\\"", "b" : [1, {"b":2}] } , "b": 3 } ', 'a', 'b')).toBe('[1, {"b":2}]')
    expect(at('{"a":"no","\\u0061":"last"}', 'a')).toBe('"last"')
    expect(at('[1]')).toBe('[1]')
    expect(at('{"a":1}', 'b')).toBeUndefined()
    expect(at('{"a":[1]}', 'a', 'b')).toBeUndefined()
  })
  it('is told from one that is cut off', () => {
    for (const text of ['{"a":"}', '[1', '{"a":[', '"a', '"']) expect(isClosed(Buffer.from(text)), text).toBe(false)
    for (const text of ['{"a":"\\""}', '[]', '"a"', '1']) expect(isClosed(Buffer.from(text)), text).toBe(true)
  })
})
