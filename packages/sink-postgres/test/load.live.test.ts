/** What the contract suite does not ask: lost answers, processes that were killed, racing processes, older states. */
import type { Flushed, RecordType, Row, Sink } from '@millrace/core'
import { liveUrl } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { makePlace, records } from './server.ts'

const url = liveUrl('POSTGRES')
const schema: RecordType = {
  fields: {
    n: { type: { kind: 'integer' }, optional: false },
    text: { type: { kind: 'string' }, optional: true },
  },
}
const { signal } = new AbortController()
const rows = (from: number, count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ n: from + i, text: 'x'.repeat(20) }))
const flush = async (sink: Sink, epoch: number): Promise<Flushed> =>
  JSON.parse(JSON.stringify(await sink.flush!({ signal, epoch, roll: false, end: false }))) as Flushed
const system = expect.objectContaining({ name: 'SystemError', retry: true, code: 'unavailable' }) as Error

describe.skipIf(!url)('on a real server', () => {
  test.each([
    ['COPY', 500],
    ['COMMIT', 7],
  ])('a write whose answer to %s was lost is repeated without a double', async (_what, bytes) => {
    const place = await makePlace(url!)
    const sink = await place.open({ table: 't' }, schema)
    await sink.write(records(rows(0, 50)), { signal, epoch: 1 })
    // Requests that long: BEGIN with its lock, DELETE and COPY are cut as well.
    let failures = 0
    for (let k = 1; k <= 12; k++) {
      await place.proxy.set({ cutAnswerOf: bytes })
      for (;;) {
        try {
          await sink.write(records(rows(50 * k, 50)), { signal, epoch: 1 })
          break
        } catch (error) {
          expect(error).toEqual(system)
          failures++
          await place.proxy.set(failures % 3 === 0 ? 'none' : { cutAnswerOf: bytes })
        }
      }
    }
    await place.proxy.set('none')
    expect([failures > 5, place.proxy.cuts > 5]).toEqual([true, true])
    const { stages } = await flush(sink, 1)
    for (const stage of stages!) await sink.publish!(stage, { signal })
    expect(await place.query('SELECT count(*)::int AS n, count(DISTINCT n)::int AS d FROM t')).toEqual([
      { n: 650, d: 650 },
    ])
  })

  test('a publish whose answer was lost at each of its statements is repeated without a double', async () => {
    const place = await makePlace(url!)
    const sink = await place.open({ table: 't' }, schema)
    for (let epoch = 1; epoch <= 12; epoch++) {
      await place.proxy.set('none')
      await sink.write(records(rows(100 * epoch, 100)), { signal, epoch })
      const { stages } = await flush(sink, epoch)
      for (let attempt = 0; ; attempt++) {
        // The statements of a publish differ in length; the first of at least this many bytes is cut.
        await place.proxy.set(attempt < 2 ? { cutAnswerOf: 5 + 30 * epoch } : 'none')
        try {
          for (const stage of stages!) await sink.publish!(stage, { signal })
          break
        } catch (error) {
          expect(error).toEqual(system)
        }
      }
    }
    await place.proxy.set('none')
    expect(place.proxy.cuts).toBeGreaterThan(5)
    expect(await place.query('SELECT count(*)::int AS n, count(DISTINCT n)::int AS d FROM t')).toEqual([
      { n: 1200, d: 1200 },
    ])
    expect(await place.query('SELECT "rows"::int FROM _millrace_loads')).toEqual([{ rows: 1200 }])
  })

  test('of two processes that publish the same stage, one moves its rows', async () => {
    const place = await makePlace(url!)
    const sink = await place.open({ table: 't' }, schema)
    await sink.write(records(rows(0, 1000)), { signal, epoch: 1 })
    const saved = await flush(sink, 1)
    const others = await Promise.all(
      [1, 2, 3].map((n) => place.open({ table: 't' }, schema, { restore: saved.resume!, start: `s${n}` })),
    )
    await Promise.all([sink, ...others].map((each) => each.publish!(saved.stages![0]!, { signal })))
    expect(await place.query('SELECT count(*)::int AS n FROM t')).toEqual([{ n: 1000 }])
  })

  test('an older state is refused, and the table left as it is', async () => {
    const place = await makePlace(url!)
    const sink = await place.open({ table: 't' }, schema)
    const saved: Flushed[] = []
    for (const epoch of [1, 2, 3]) {
      await sink.write(records(rows(epoch, 1)), { signal, epoch })
      saved.push(await flush(sink, epoch))
      await sink.publish!(saved.at(-1)!.stages![0]!, { signal })
    }
    for (const state of saved.slice(0, 2))
      await expect(
        place.open({ table: 't' }, schema, { restore: state.resume!, start: 'later' }),
      ).rejects.toMatchObject({
        code: 'state_older',
        exitCode: 3,
        place: 'out',
      })
    await place.open({ table: 't' }, schema, { restore: saved[2]!.resume!, start: 'later' })
    expect(await place.query('SELECT n::int FROM t ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  })

  test('a table that would alter a value is refused with the columns, and so is one with a column that gets none', async () => {
    const place = await makePlace(url!)
    await place.query('CREATE TABLE t (n real, other text NOT NULL)')
    await expect(place.open({ table: 't' }, schema)).rejects.toMatchObject({
      code: 'table_differs',
      message: expect.stringMatching(/n is real.*no column text.*other may not be null/) as string,
    })
    await place.query('CREATE TABLE narrow (n integer, text varchar(3))')
    const sink = await place.open({ table: 'narrow' }, schema)
    await expect(
      sink.write(
        records([
          { n: 1, text: 'abc' },
          { n: 2 ** 40, text: 'abc' },
          { n: 3, text: 'abc ' },
        ]),
        { signal, epoch: 1 },
      ),
    ).rejects.toMatchObject({
      failures: [
        { index: 1, kind: 'data', code: 'refused' },
        { index: 2, kind: 'data', code: 'too_large', field: 'text' },
      ],
    })
  })

  test('wrong credentials, a database that is not there and a dead server are told apart, and no secret is shown', async () => {
    const place = await makePlace(url!)
    const attempt = async (to: string) => {
      try {
        await place.open({ table: 't', url: to as never }, schema)
        return undefined
      } catch (error) {
        expect(String(error) + String((error as Error).cause)).not.toContain('hush')
        return { code: (error as { code: string }).code, retry: (error as { retry: boolean }).retry }
      }
    }
    const { port } = new URL(place.url)
    expect(await attempt(`postgres://test:hush@127.0.0.1:${port}/none`)).toEqual({ code: 'not_found', retry: false })
    expect(await attempt(`postgres://nobody:hush@127.0.0.1:${port}/postgres`)).toEqual({
      code: 'unauthorized',
      retry: false,
    })
    expect(await attempt('postgres://test:hush@127.0.0.1:1/postgres')).toEqual({ code: 'unavailable', retry: true })
  })

  test('writes to the table and schema that it is told', async () => {
    const [one, two] = [await makePlace(url!), await makePlace(url!)]
    const sink = await one.open({ table: 'elsewhere', schema: two.schema }, schema)
    await sink.write(records(rows(0, 3)), { signal, epoch: 1 })
    for (const stage of (await flush(sink, 1)).stages!) await sink.publish!(stage, { signal })
    expect(await two.query('SELECT count(*)::int AS n FROM elsewhere')).toEqual([{ n: 3 }])
    expect(await one.query('SELECT to_regclass($1) AS t', [`${one.schema}.elsewhere`])).toEqual([{ t: null }])
  })

  test('a row replaces the one of its key with write: merge, and is added otherwise', async () => {
    const place = await makePlace(url!)
    for (const options of [{ table: 'added' }, { table: 'merged', write: 'merge', key: 'n' }] as const) {
      const sink = await place.open(options, schema)
      await sink.write(
        records([
          { n: 1, text: 'a' },
          { n: 1, text: 'b' },
        ]),
        { signal, epoch: 1 },
      )
      if (sink.publish) for (const stage of (await flush(sink, 1)).stages!) await sink.publish(stage, { signal })
    }
    expect(await place.query('SELECT text FROM added ORDER BY text')).toEqual([{ text: 'a' }, { text: 'b' }])
    expect(await place.query('SELECT text FROM merged')).toEqual([{ text: 'b' }])
  })

  test('a new run stops at the rows of an earlier one, replaces them or keeps them, as existing says', async () => {
    const place = await makePlace(url!)
    const run = async (start: string, existing: 'stop' | 'replace' | 'keep') => {
      const sink = await place.open({ table: 't', existing }, schema, { start })
      await sink.write(records(rows(0, 2)), { signal, epoch: 1 })
      for (const stage of (await flush(sink, 1)).stages!) await sink.publish!(stage, { signal })
      return (await place.query('SELECT count(*)::int AS n FROM t'))[0]!['n']
    }
    expect(await run('a', 'stop')).toBe(2)
    await expect(run('b', 'stop')).rejects.toMatchObject({ code: 'existing_results' })
    expect(await run('c', 'keep')).toBe(4)
    expect(await run('d', 'replace')).toBe(2)
    await place.query("INSERT INTO t VALUES (9, 'by hand')")
    await expect(run('e', 'replace')).rejects.toMatchObject({ code: 'existing_results' })
  })
})
