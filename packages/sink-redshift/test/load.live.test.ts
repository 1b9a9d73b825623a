/** What the contract suite does not ask: lost answers, racing loaders, bad rows, and states that are older. */
import { randomBytes } from 'node:crypto'
import type { Json, RecordType, Row } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { everyRow, everyType } from '../../sink-postgres/test/server.ts'
import { flush, load, makePlace, publish, tableRows, urls, write } from './place.ts'

const schema: RecordType = {
  fields: {
    n: { type: { kind: 'integer' }, optional: false },
    text: { type: { kind: 'string' }, optional: true },
  },
}
const rows = (from: number, count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ n: from + i, text: 'x'.repeat(20) }))
const system = expect.objectContaining({ name: 'SystemError', retry: true, code: 'unavailable' }) as Error
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(() => undefined).catch((error: unknown) => error)

describe.skipIf(!urls)('loads into the stand-in', () => {
  const modes = [{ write: 'append' }, { write: 'merge', key: 'n' }] as const

  test.each(['before', 'after'])('cut %s COMMIT is executed are done exactly once', async (when) => {
    const place = await makePlace()
    for (const mode of modes) {
      const table = mode.write
      const count = async () =>
        place.query(`SELECT count(*)::int AS n, count(DISTINCT n)::int AS d FROM ${place.schema}."${table}"`)
      const sink = await place.open({ table, ...mode }, schema)
      for (let epoch = 1; epoch <= 2; epoch++) {
        await write(sink, rows(epoch * 100, 100), epoch)
        const saved = await flush(sink, epoch)
        await place.ask(`SELECT 'stand-in', 'cut ${when} commit', '"${place.schema}"."${table}"'`)
        expect(await failure(publish(sink, saved))).toEqual(system)
        const seen = epoch * 100 - (when === 'before' ? 100 : 0)
        expect(await count()).toEqual([{ n: seen, d: seen }])
        await publish(sink, saved)
        expect(await count()).toEqual([{ n: epoch * 100, d: epoch * 100 }])
      }
    }
    expect(await place.keys()).toEqual([])
  })

  test('whose answer was lost at each of their statements are done exactly once', async () => {
    const place = await makePlace()
    const sink = await place.open({ table: 't', write: 'merge', key: 'n' }, schema)
    for (let epoch = 1; epoch <= 12; epoch++) {
      await place.proxy.set('none')
      await write(sink, rows(100 * epoch, 100), epoch)
      const saved = await flush(sink, epoch)
      for (let attempt = 0; ; attempt++) {
        // The statements of a load differ in length; the first of at least this many bytes is cut.
        await place.proxy.set(attempt < 2 ? { cutAnswerOf: 5 + 40 * epoch } : 'none')
        const error = await failure(publish(sink, saved))
        if (error === undefined) break
        expect(error).toEqual(system)
      }
    }
    await place.proxy.set('none')
    expect(place.proxy.cuts).toBeGreaterThan(5)
    expect(await place.query(`SELECT count(*)::int AS n FROM ${place.schema}.t`)).toEqual([{ n: 1200 }])
    expect(await place.query(`SELECT "rows"::int FROM ${place.schema}._millrace_loads`)).toEqual([{ rows: 1200 }])
  })

  test('of one stage by several loaders at once are one', async () => {
    const place = await makePlace()
    for (const mode of modes) {
      const sink = await place.open({ table: mode.write, ...mode }, schema)
      await write(sink, rows(0, 1000))
      const saved = await flush(sink)
      const others = await Promise.all(
        [1, 2, 3].map((k) =>
          place.open({ table: mode.write, ...mode }, schema, { restore: saved.resume as Json, start: `s${k}` }),
        ),
      )
      await Promise.all([sink, ...others].map((each) => publish(each, saved)))
      expect(await place.query(`SELECT count(*)::int AS n FROM ${place.schema}."${mode.write}"`)).toEqual([{ n: 1000 }])
    }
  })

  test('into new tables by several loaders that open at once do not fail', async () => {
    const place = await makePlace()
    const sinks = await Promise.all(
      [0, 1, 2, 3].map((i) => place.open({ table: 't' }, schema, { start: `s${i}`, instance: { i, n: 4 } })),
    )
    await Promise.all(sinks.map((sink, i) => load(sink, rows(10 * i, 10))))
    expect(await tableRows(place, 't', schema)).toHaveLength(40)
  })

  test('that fail name file, line, column, value and reason, and leave nothing behind', async () => {
    const place = await makePlace()
    const sink = await place.open({ table: 't' }, schema)
    await write(sink, [...rows(0, 3), { n: 70_000, text: 'line\nbreak' }, ...rows(4, 3)])
    const saved = await flush(sink)
    await place.query(`ALTER TABLE ${place.schema}.t ALTER COLUMN n TYPE smallint`)
    expect(await failure(publish(sink, saved))).toMatchObject({
      code: 'load_failed',
      retry: false,
      message: expect.stringMatching(
        new RegExp(
          `into the table t: s3://${place.bucket}/millrace/p/out/s-1/part-00001.csv.gz, line 4, column n \\(smallint\\), value "70000": .*out of range`,
        ),
      ),
    })
    expect(await tableRows(place, 't', schema)).toEqual([])
    await place.query(`ALTER TABLE ${place.schema}.t ALTER COLUMN n TYPE bigint`)
    await publish(sink, saved)
    expect(await tableRows(place, 't', schema)).toHaveLength(7)
  })

  test('whose files were removed stop the run', async () => {
    const place = await makePlace()
    const sink = await place.open({ table: 't' }, schema)
    await write(sink, rows(0, 3))
    const saved = await flush(sink)
    await place.buckets.remove(place.bucket, 'millrace/p/out/s-1/part-00001.csv.gz')
    const error = (await failure(publish(sink, saved))) as Error
    expect(error).toMatchObject({ name: 'SystemError', retry: false })
    expect(error.message).toContain('part-00001.csv.gz is missing')
    expect(await tableRows(place, 't', schema)).toEqual([])
  })

  test('never have a text that is too long in bytes, a null or a number for which the column is too small', async () => {
    const place = await makePlace()
    await place.ask(
      `CREATE TABLE ${place.schema}.narrow (n smallint NOT NULL, text varchar(4) NOT NULL, price decimal(5,2))`,
    )
    const priced: RecordType = {
      fields: { ...schema.fields, price: { type: { kind: 'decimal', precision: 10, scale: 2 }, optional: true } },
    }
    const sink = await place.open({ table: 'narrow' }, priced)
    const error = await failure(
      write(sink, [
        { n: 1, text: 'abcd', price: '999.99' },
        { n: 40_000, text: 'abcd', price: null },
        { n: 2, text: 'äöü', price: null },
        { n: 3, text: null, price: null },
        { n: 4, text: 'äö', price: '1000.00' },
        { n: 5, text: '', price: '-999.9' },
      ]),
    )
    expect(error).toMatchObject({
      name: 'PartialWriteError',
      failures: [
        { index: 1, kind: 'data', code: 'out_of_range', field: 'n' },
        { index: 2, kind: 'data', code: 'too_large', field: 'text' },
        { index: 3, kind: 'data', code: 'constraint', field: 'text' },
        { index: 4, kind: 'data', code: 'out_of_range', field: 'price' },
      ],
    })
    await publish(sink, await flush(sink))
    expect(await tableRows(place, 'narrow', priced)).toEqual([
      { n: 1, text: 'abcd', price: '999.99' },
      { n: 5, text: '', price: '-999.90' },
    ])
  })

  test('never have null in place of bytes: COPY reads an empty field as null', async () => {
    const place = await makePlace()
    const binary: RecordType = {
      fields: { ...schema.fields, raw: { type: { kind: 'bytes' }, optional: true } },
    }
    const sink = await place.open({ table: 't' }, binary)
    const bytes = [new Uint8Array([0]), new Uint8Array(), null]
    const error = await failure(
      write(
        sink,
        bytes.map((raw, n) => ({ n, text: null, raw })),
      ),
    )
    expect(error).toMatchObject({ failures: [{ index: 1, kind: 'data', code: 'bad_bytes', field: 'raw' }] })
    await publish(sink, await flush(sink))
    expect((await tableRows(place, 't', binary)).map(({ n }) => n)).toEqual([0, 2])
  })

  test('keep hostile texts: quotes, breaks, delimiters, backslashes, blanks, empty and null', async () => {
    const place = await makePlace()
    const marks = [
      '"',
      '""',
      ',',
      '\n',
      '\r\n',
      '\r',
      '\\',
      '\\N',
      '\\.',
      '\t',
      ' ',
      "'",
      'null',
      'NULL',
      '\u0001',
      '\u2028',
    ]
    const texts = [null, '', ...marks, ...marks.map((mark) => `a${mark}b`), ...marks.map((mark) => `${mark}ä😀${mark}`)]
    const hostile = texts.map((text, n) => ({ n, text }))
    const sink = await place.open({ table: 't' }, schema)
    await load(sink, hostile)
    const seen = await tableRows(place, 't', schema)
    expect(seen.toSorted((a, b) => Number(a['n']) - Number(b['n']))).toEqual(hostile)
    // Neither is a text that stands for null here stored as null.
    const refused = await failure(write(sink, [{ n: 1, text: 'null-s' }]))
    expect(refused).toMatchObject({ failures: [{ index: 0, code: 'bad_text', field: 'text' }] })
  })

  test('in many files have every row once, of every type', async () => {
    const place = await makePlace()
    const sink = await place.open({ table: 't', after_load: 'keep' }, everyType)
    const all = everyRow(900).map((row) => ({ ...row, raw: randomBytes(300) }))
    for (let at = 0; at < all.length; at += 100) await write(sink, all.slice(at, at + 100))
    await publish(sink, await flush(sink))
    expect((await place.keys()).length).toBeGreaterThan(3)
    const sorted = (some: readonly Row[]) => some.toSorted((x, y) => Number(x['n']) - Number(y['n']))
    const seen = (await tableRows(place, 't', everyType)).map((row) => ({
      ...row,
      raw: Buffer.from(row['raw'] as never),
    }))
    expect(sorted(seen)).toEqual(sorted(all))
  })

  test('of an older state are refused; by key they write the same again', async () => {
    const place = await makePlace()
    for (const mode of modes) {
      const options = { table: mode.write, ...mode }
      const sink = await place.open(options, schema)
      const saved = []
      for (const epoch of [1, 2, 3]) saved.push(await load(sink, rows(epoch, 1), epoch))
      const older = place.open(options, schema, { restore: saved[0]!.resume as Json, start: 'later' })
      if (mode.write === 'append') await expect(older).rejects.toMatchObject({ code: 'state_older', exitCode: 3 })
      else for (const epoch of [2, 3]) await load(await older, [{ n: epoch, text: 'again' }], epoch)
      await place.open(options, schema, { restore: saved[2]!.resume as Json, start: 'last' })
    }
    expect((await tableRows(place, 'merge', schema)).toSorted((a, b) => Number(a['n']) - Number(b['n']))).toEqual([
      { n: 1, text: 'x'.repeat(20) },
      { n: 2, text: 'again' },
      { n: 3, text: 'again' },
    ])
  })

  test('that were never saved are removed from the bucket by the next start, and nothing else is', async () => {
    const place = await makePlace()
    await place.buckets.put(place.bucket, 'millrace/p/out/other-1/manifest', '{}')
    const sink = await place.open({ table: 't' }, schema)
    const saved = await load(sink, rows(0, 3))
    await write(sink, rows(3, 3), 2)
    const second = await flush(sink, 2)
    await write(sink, rows(6, 3), 3)
    await flush(sink, 3)
    expect(await place.keys()).toHaveLength(5)
    const again = await place.open({ table: 't' }, schema, { restore: second.resume as Json, start: 'b' })
    expect(await place.keys()).toEqual([
      'millrace/p/out/other-1/manifest',
      'millrace/p/out/s-2/manifest',
      'millrace/p/out/s-2/part-00001.csv.gz',
    ])
    await publish(again, second)
    await load(again, rows(6, 3), 3)
    expect(await tableRows(place, 't', schema)).toHaveLength(9)
    expect(await place.keys()).toEqual(['millrace/p/out/other-1/manifest'])
    expect(saved.stages).toHaveLength(1)
  })

  test('say why they cannot be done, without a secret', async () => {
    const place = await makePlace()
    const { port } = new URL(place.options().url as never)
    const attempt = async (more: object) => {
      const error = (await failure(place.open({ table: 't', ...more }, schema))) as Error & { code: string }
      expect(String(error) + String(error.cause) + error.stack).not.toContain('hush')
      return error.code
    }
    expect(await attempt({ url: `postgres://test:hush@127.0.0.1:${port}/none` })).toBe('not_found')
    expect(await attempt({ url: `postgres://nobody:hush@127.0.0.1:${port}/dev` })).toBe('unauthorized')
    expect(await attempt({ url: 'postgres://test:hush@127.0.0.1:1/dev' })).toBe('unavailable')
    const sink = await place.open(
      { table: 't', credentials: { access_key_id: 'test', secret_access_key: 'hush' } },
      schema,
    )
    await write(sink, rows(0, 3))
    const error = (await failure(flush(sink))) as Error & { code: string }
    expect(error.code).toBe('unauthorized')
    expect(String(error) + String(error.cause) + error.stack).not.toContain('hush')
  })
})
