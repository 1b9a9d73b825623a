/**
 * How faithful the stand-in is: what the sink relies on holds there as the manual says, and where it is known to differ
 * from Redshift is pinned, so that nobody takes it for more than it is.
 */
import { gzipSync } from 'node:zlib'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { makePlace, type Place, urls } from './place.ts'

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'taken',
    (error: Error) => error.message,
  )

describe.skipIf(!urls)('the stand-in for Redshift', () => {
  /** Puts a manifest of one file, and returns the rest of a COPY of it. */
  async function staged(place: Place, text: string, more = 'MANIFEST CSV GZIP'): Promise<string> {
    await place.buckets.put(place.bucket, 'f/part.csv.gz', gzipSync(text))
    const entries = [{ url: `s3://${place.bucket}/f/part.csv.gz`, mandatory: true }]
    await place.buckets.put(place.bucket, 'f/manifest', JSON.stringify({ entries }))
    return `FROM 's3://${place.bucket}/f/manifest' IAM_ROLE default ${more}`
  }

  test('takes statements of the manual only', async () => {
    const place = await makePlace()
    await place.ask(`CREATE TABLE ${place.schema}.t (a int, b varchar(9))`)
    const t = `${place.schema}.t`
    for (const [sql, why] of [
      [`CREATE INDEX i ON ${t} (a)`, 'no statement'],
      ['SAVEPOINT s', 'no statement'],
      [`TRUNCATE ${t}`, 'no statement'],
      [`SET search_path TO public`, 'no statement'],
      [`INSERT INTO ${t} VALUES (1) ON CONFLICT DO NOTHING`, 'ON CONFLICT is not supported'],
      [`INSERT INTO ${t} VALUES (1) RETURNING a`, 'RETURNING is not supported'],
      [`SELECT DISTINCT ON (a) a FROM ${t}`, 'DISTINCT ON is not supported'],
      [`COPY ${t} FROM STDIN`, 'not supported'],
      [`CREATE TABLE ${place.schema}.u (a jsonb)`, 'JSONB is not supported'],
      [`ALTER TABLE ${t} ADD CHECK (a > 0)`, 'CHECK is not supported'],
      [await staged(place, '1,a\n', 'MANIFEST CSV GZIP BOGUS').then((rest) => `COPY ${t} ${rest}`), 'BOGUS'],
      [`COPY ${t} FROM 's3://b/f' CSV`, 'COPY needs IAM_ROLE'],
    ] as const)
      expect(await refusal(place.ask(sql)), sql).toContain(why)
    // Also where it is prepared.
    const client = new Client(urls!.warehouse)
    await client.connect()
    expect(await refusal(client.query('SELECT $1::int FOR UPDATE', [1]))).toContain('FOR UPDATE is not supported')
    await client.end()
  })

  test('a refused statement fails its transaction', async () => {
    const client = new Client(urls!.warehouse)
    await client.connect()
    await client.query('BEGIN')
    expect(await refusal(client.query('SAVEPOINT s'))).toContain('no statement')
    expect(await refusal(client.query('SELECT 1'))).toContain('current transaction is aborted')
    await client.query('ROLLBACK')
    expect(await client.query('SELECT 1 AS one')).toMatchObject({ rows: [{ one: 1 }] })
    await client.end()
  })

  test('folds names, enforces no key, and counts the bytes of a VARCHAR', async () => {
    const place = await makePlace()
    const t = `${place.schema}."T"`
    await place.ask(
      `CREATE TABLE ${t} ("Id" int ENCODE az64, name text, code varchar(3), PRIMARY KEY ("Id"), UNIQUE (code)) DISTKEY("Id") SORTKEY(code)`,
    )
    await place.ask(`INSERT INTO ${t} VALUES (1, 'a', 'x'), (1, 'a', 'x')`)
    expect(await place.query(`SELECT id, code FROM ${place.schema}.t`)).toEqual([
      { id: 1, code: 'x' },
      { id: 1, code: 'x' },
    ])
    expect(await refusal(place.ask(`INSERT INTO ${t} VALUES (1, 'a', 'äö')`))).toContain('check constraint')
    expect(await refusal(place.ask(`INSERT INTO ${t} VALUES (1, '${'ä'.repeat(129)}', '')`))).toContain('constraint')
  })

  test('copies in the transaction of its caller, and counts', async () => {
    const place = await makePlace()
    const client = new Client(urls!.warehouse)
    await client.connect()
    const t = `${place.schema}.t`
    await client.query(`CREATE TABLE ${t} (a int, b varchar(20))`)
    const rest = await staged(place, '1,"a ""b"",\nc"\n2,\n,x\n')
    await client.query('BEGIN')
    await client.query(`COPY ${t} ${rest}`)
    expect((await client.query('SELECT pg_last_copy_count() AS n')).rows).toEqual([{ n: 3 }])
    await client.query('ROLLBACK')
    expect(await place.query(`SELECT * FROM ${t}`)).toEqual([])
    await client.query(`COPY ${t} ${rest} NULL AS 'x'`)
    expect(await place.query(`SELECT * FROM ${t} ORDER BY a`)).toEqual([
      { a: 1, b: 'a "b",\nc' },
      { a: 2, b: '' },
      { a: null, b: null },
    ])
    await client.end()
  })

  test.each([
    ['1,abcdef\n', 1, 'b', 'abcdef', 'String length exceeds DDL length'],
    ['1,"a\nb"\nx,c\n', 3, 'a', 'x', 'invalid input syntax for type integer'],
    ['1,a\n2,b,c\n', 2, 'b', 'c', 'Extra column(s) found'],
    ['1,a\n2\n', 2, 'b', '2', 'Delimiter not found'],
  ])('has the reason of a failed load in its system tables: %j', async (text, line, column, value, reason) => {
    const place = await makePlace()
    const t = `${place.schema}.t`
    const client = new Client(urls!.warehouse)
    await client.connect()
    await client.query(`CREATE TABLE ${t} (a int, b varchar(5))`)
    expect(await refusal(client.query(`COPY ${t} ${await staged(place, text)}`))).toContain('stl_load_errors')
    const { rows } = await client.query(
      'SELECT * FROM stl_load_errors WHERE session = pg_backend_pid() ORDER BY starttime DESC LIMIT 1',
    )
    const [found] = rows as Record<string, string>[]
    expect(found!['filename']!.trim()).toBe(`s3://${place.bucket}/f/part.csv.gz`)
    expect(found!['colname']!.trim()).toBe(column)
    expect([Number(found!['line_number']), found!['raw_field_value']!.trim()]).toEqual([line, value])
    expect(found!['err_reason']).toContain(reason)
    expect((await client.query('SELECT line_number FROM sys_load_error_detail')).rows.length).toBeGreaterThan(0)
    await client.end()
  })

  test('differs from Redshift in what is known here', async () => {
    const place = await makePlace()
    const t = `${place.schema}.t`
    await place.ask(`CREATE TABLE ${t} (a varbyte(10), b varchar(5))`)
    // There a role is needed that may read the bucket; here any name will do.
    await place.ask(`COPY ${t} ${(await staged(place, 'ff00,x\n')).replace('default', "'arn:aws:iam::1:role/none'")}`)
    // There a VARBYTE has a width in SVV_COLUMNS, as far as is known; here it has none.
    expect(
      await place.query(
        "SELECT character_maximum_length AS n FROM svv_columns WHERE data_type = 'binary varying' LIMIT 1",
      ),
    ).toEqual([{ n: null }])
    // There error 1023 ends one of two transactions that read and write the same table; here both go through.
    const [one, two] = [new Client(urls!.warehouse), new Client(urls!.warehouse)]
    await Promise.all([one.connect(), two.connect()])
    for (const client of [one, two]) {
      await client.query('BEGIN')
      await client.query(`SELECT count(*) FROM ${t}`)
    }
    for (const client of [one, two]) await client.query(`INSERT INTO ${t} VALUES (NULL, 'y')`)
    for (const client of [one, two]) await client.query('COMMIT')
    await Promise.all([one.end(), two.end()])
    // There a number of an ordinary query is not told from its text alone; here functions of PostgreSQL are not listed.
    expect(await place.ask("SELECT quote_ident('a') AS name")).toEqual([{ name: 'a' }])
  })
})
