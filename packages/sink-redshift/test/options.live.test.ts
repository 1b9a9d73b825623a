/** What each option does. */
import type { RecordType, Row } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { copyStatement } from '../src/copy.ts'
import { redshift } from '../src/sink.ts'
import { flush, load, makePlace, publish, type Some, tableRows, urls, write } from './place.ts'

const schema: RecordType = {
  fields: {
    n: { type: { kind: 'integer' }, optional: false },
    Text: { type: { kind: 'string' }, optional: true },
  },
}
const rows = (from: number, count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ n: from + i, Text: 'x'.repeat(20) }))

describe.skipIf(!urls)('options', () => {
  test('choose the table, schema, bucket and path', async () => {
    const [one, two] = [await makePlace(), await makePlace()]
    const sink = await one.open(
      { table: 'Elsewhere', schema: two.schema, bucket: two.bucket, path: 'a/b', after_load: 'keep' },
      schema,
    )
    await load(sink, rows(0, 3))
    expect(await tableRows(two, 'elsewhere', schema)).toEqual(rows(0, 3))
    expect(await one.query('SELECT to_regclass($1) AS t', [`${one.schema}.elsewhere`])).toEqual([{ t: null }])
    expect(await two.keys()).toEqual(['a/b/p/out/s-1/manifest', 'a/b/p/out/s-1/part-00001.csv.gz'])
    expect(await one.keys()).toEqual([])
  })

  test('add rows, or replace those of the key with write: merge', async () => {
    const place = await makePlace()
    const some = [
      { n: 1, Text: 'a' },
      { n: 1, Text: 'b' },
    ]
    for (const options of [{ table: 'added' }, { table: 'merged', write: 'merge', key: 'n' }] as const) {
      const sink = await place.open(options, schema)
      await load(sink, some)
      await load(sink, [{ n: 2, Text: 'c' }], 2)
    }
    expect(await tableRows(place, 'added', schema)).toEqual([...some, { n: 2, Text: 'c' }])
    expect(await tableRows(place, 'merged', schema)).toEqual([
      { n: 1, Text: 'b' },
      { n: 2, Text: 'c' },
    ])
  })

  test('say what becomes of existing rows of an earlier run', async () => {
    const place = await makePlace()
    const run = async (start: string, existing: 'stop' | 'replace' | 'keep') => {
      await load(await place.open({ table: 't', existing }, schema, { start }), rows(0, 2))
      return (await tableRows(place, 't', schema)).length
    }
    expect(await run('a', 'stop')).toBe(2)
    await expect(run('b', 'stop')).rejects.toMatchObject({ code: 'existing_results' })
    expect(await run('c', 'keep')).toBe(4)
    expect(await run('d', 'replace')).toBe(2)
  })

  test('create the table, with texts of max_text_bytes, unless create is false', async () => {
    const place = await makePlace()
    await expect(place.open({ table: 't', create: false }, schema)).rejects.toMatchObject({
      code: 'table_differs',
      message: expect.stringContaining('there is no table') as string,
    })
    const sink = await place.open({ table: 't', max_text_bytes: 4 }, schema)
    await expect(write(sink, [{ n: 1, Text: 'abcde' }])).rejects.toMatchObject({ failures: [{ code: 'too_large' }] })
    await place.open({ table: 't', create: false }, schema)
    const columns = await place.query(
      'SELECT column_name AS name, character_maximum_length AS length FROM svv_columns WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position',
      [place.schema, 't'],
    )
    expect(columns).toEqual([
      { name: 'n', length: null },
      { name: 'text', length: 4 },
    ])
  })

  test('refuse a table that would alter a value, or has a column that gets none', async () => {
    const place = await makePlace()
    await place.ask(`CREATE TABLE ${place.schema}.t (n real, other varchar(9) NOT NULL)`)
    await expect(place.open({ table: 't' }, schema)).rejects.toMatchObject({
      code: 'table_differs',
      message: expect.stringMatching(/n is real.*no column text.*other may not be null/) as string,
    })
  })

  test('roll by size, records or time', async () => {
    const place = await makePlace()
    const big = 1e9
    const cases: readonly (readonly [Some['roll'], number])[] = [
      [{ size: 1000, records: big, time: big }, 1],
      [{ size: big, records: 20, time: big }, 2],
      [{ size: big, records: big, time: 50 }, 1],
      [undefined, 9],
    ]
    for (const [k, [roll, most]] of cases.entries()) {
      const sink = await place.open({ table: `t${k}`, roll, part_size: 65_536 }, schema, { start: `s${k}` })
      let writes = 0
      for (; writes < 9 && !sink.full!(); writes++) {
        const random = () =>
          Array.from({ length: 200_000 }, () => Math.random().toString(36)[3])
            .join('')
            .slice(0, 60_000)
        await write(
          sink,
          Array.from({ length: 10 }, (_, n) => ({ n, Text: k === 0 ? random() : 'x' })),
        )
        if (k === 2) await new Promise((resolve) => setTimeout(resolve, 60))
      }
      expect(writes).toBe(most)
    }
  })

  test('bound a staged file by part_size', async () => {
    const place = await makePlace()
    const files = async (part_size: number, start: string) => {
      const sink = await place.open({ table: start, part_size, after_load: 'keep' }, schema, { start })
      for (let k = 0; k < 20; k++)
        await write(
          sink,
          Array.from({ length: 100 }, (_, n) => ({ n, Text: `${Math.random()}`.repeat(20) + Math.random() })),
        )
      const saved = await flush(sink)
      await publish(sink, saved)
      return (saved.stages![0] as { files: number }).files
    }
    expect(await files(8 * 1024 * 1024, 'one')).toBe(1)
    expect(await files(1024, 'many')).toBeGreaterThan(1)
  })

  test('keep or delete files after_load', async () => {
    const place = await makePlace()
    await load(await place.open({ table: 't', after_load: 'keep' }, schema, { start: 'a' }), rows(0, 1))
    expect(await place.keys()).toHaveLength(2)
    await load(await place.open({ table: 'u', after_load: 'delete' }, schema, { start: 'b' }), rows(0, 1))
    expect(await place.keys()).toHaveLength(2)
  })

  test('go into the statement: iam_role, region, compupdate, statupdate', async () => {
    const place = await makePlace()
    const stage = {
      load: 'l',
      epoch: 1,
      start: 's',
      rows: 1,
      bucket: 'b',
      folder: 'f/',
      files: 1,
      columns: ['n'],
      nothing: 'null-s',
    }
    const statement = (more: Some) => copyStatement('t', ['n'], stage, place.options(more))
    expect(statement({ iam_role: 'arn:aws:iam::123456789012:role/load', region: 'eu-west-1' })).toBe(
      `COPY t ("n") FROM 's3://b/f/manifest' IAM_ROLE 'arn:aws:iam::123456789012:role/load' REGION 'eu-west-1' MANIFEST FORMAT AS CSV GZIP NULL AS 'null-s' DATEFORMAT 'YYYY-MM-DD' TIMEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF`,
    )
    expect(statement({ compupdate: 'preset', statupdate: 'on' })).toContain('COMPUPDATE PRESET STATUPDATE ON')
    expect(statement({})).toContain('IAM_ROLE default')
  })

  test('reach the bucket by path or host, without optional checksums', async () => {
    const place = await makePlace()
    for (const checksums of ['when_required', 'when_supported'] as const)
      await load(await place.open({ table: checksums, path_style: true, checksums }, schema), rows(0, 1))
    const byHost = await place.open({ table: 't', path_style: false, endpoint: 'http://s3.invalid' }, schema)
    await write(byHost, rows(0, 1))
    await expect(flush(byHost)).rejects.toMatchObject({ code: 'unknown_host' })
  })

  test('are looked at by the doctor', async () => {
    const place = await makePlace()
    const env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 'x', resolve: (path: string) => path }
    const { signal } = new AbortController()
    const found = await redshift.probe!(place.options({ table: 't' }), env, signal)
    expect(found).toMatch(/the bucket b-.* answers; connected to 127.0.0.1:\d+\/dev: it will get the table t/)
    await expect(redshift.probe!(place.options({ table: 't', bucket: 'no-such' }), env, signal)).rejects.toMatchObject({
      code: 'resource_missing',
    })
  })
})
