/**
 * Every type, through every format and store that can hold it, and back: what comes out is what went in, to the last
 * digit. DuckDB says what the columns of Parquet are, the stores' own drivers what is in them.
 */
import { randomUUID } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DuckDBInstance } from '@duckdb/node-api'
import { liveUrl } from '@millrace/testkit'
import { MongoClient } from 'mongodb'
import { expect, onTestFinished, test } from 'vitest'
import { freshFolder, pipe } from '../packages/cli/test/terminal.ts'

const types = {
  id: 'integer',
  text: 'string?',
  flag: 'boolean?',
  big: 'bigint?',
  real: 'number?',
  price: 'decimal(9,2)?',
  wide: 'decimal(34,10)?',
  day: 'date?',
  clock: 'time?',
  at: 'timestamp?',
  micros: 'timestamp(6)?',
  nanos: 'timestamp(9)?',
  raw: 'bytes?',
  tags: 'list<decimal(5,2)?>?',
  rates: 'map<timestamp(6)?>?',
  any: 'json?',
}
const fields = `{ ${Object.entries(types)
  .map(([name, type]) => `${name}: "${type}"`)
  .join(', ')}, address: { fields: { city: string, zip: "integer?" }, optional: true } }`

/** Records as JSON, each value at an edge of its type or null. */
const records = Array.from({ length: 240 }, (_, i) => {
  const one = <T>(...values: T[]): T | null => (i % 7 === 6 ? null : values[i % values.length]!)
  return {
    id: i * 37_529_996_894_754 - 4_000_000_000_000_000,
    text: one('', 'plain', 'a,"b"\n\r\n', 'Köln £ 😀', 'null', ' x ', '\u2028', '0x1F'),
    flag: one(true, false),
    big: one('9223372036854775807', '-9223372036854775808', '9007199254740993'),
    real: one(0.1, -1e308, 5e-324, 123.45, 1e21, 3),
    price: one('-9999999.99', '0.01', '12.30'),
    wide: one('123456789012345678901234.0123456789', '-0.0000000001'),
    day: one('0001-01-01', '1969-12-31', '2000-02-29', '9999-12-31'),
    clock: one('00:00:00', '08:26:00.5', '23:59:59.999999'),
    at: one('0001-01-01T00:00:00.000Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'),
    micros: one('0001-01-01T00:00:00.000001Z', '1969-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'),
    nanos: one('1677-09-22T00:00:00.000000001Z', '1969-12-31T23:59:59.999999999Z', '2262-04-11T23:47:16.854775807Z'),
    raw: one('', 'AP8=', 'YWJj'),
    tags: one([], ['1.50', null], ['-999.99']),
    rates: one({}, { 'a.b': '1970-01-01T00:00:00.000001Z', '': null }, { '10': '2024-02-29T12:00:00.123456Z' }),
    any: one<unknown>({ a: [1, 'x', null, { b: 0.5 }] }, [], 'text', 5, true),
    address: one({ city: 'Ulm', zip: null }, { city: '', zip: 89_073 }),
  }
})

const log = '{ type: log, config: { stream: s, stop: end } }'
const sqlite = (how: string) => `{ type: sqlite, config: { path: other.db, ${how} } }`
/** By place: its sink, and its source without the schema. */
const places: Readonly<Record<string, readonly [sink: string, source: string]>> = {
  ...Object.fromEntries(
    ['jsonl', 'json', 'parquet', 'arrow'].map((format) => [
      format,
      [`{ type: files, config: { path: there/, format: ${format} } }`, `{ type: files, config: { path: there/ } }`],
    ]),
  ),
  // Bytes may be empty, so an empty cell cannot be null.
  csv: [
    '{ type: files, config: { path: there/, format: { type: csv, nulls: "-" } } }',
    '{ type: files, config: { path: there/, format: { type: csv, nulls: ["-"] } } }',
  ],
  'csv in another dialect': [
    `{ type: files, config: { path: there/, format: { type: csv, delimiter: ";", quote: "'", line_end: crlf, nulls: "NULL" } } }`,
    `{ type: files, config: { path: there/, format: { type: csv, delimiter: ";", quote: "'", nulls: ["NULL"] } } }`,
  ],
  log: ['{ type: log, config: { stream: s, key: id } }', log],
  'sqlite, documents': [sqlite('collection: c'), sqlite('collection: c')],
  'sqlite, table': [sqlite('table: t'), sqlite('table: t')],
}

async function project(): Promise<{ folder: string; lines: string[] }> {
  const folder = freshFolder()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  mkdirSync(join(folder, 'in'))
  writeFileSync(join(folder, 'in/in.jsonl'), `${records.map((record) => JSON.stringify(record)).join('\n')}\n`)
  await run(
    folder,
    'canonical',
    '{ type: files, config: { path: in/ } }',
    '{ type: files, config: { path: plain/, format: jsonl } }',
  )
  return { folder, lines: linesIn(folder, 'plain') }
}

async function run(folder: string, name: string, source: string, sink: string): Promise<void> {
  const withSchema = source.replace(/\}$/, `, schema: { fields: ${fields} } }`)
  const spec = `version: 1\nname: ${name}\nruns: whole\nsource: ${withSchema}\nsinks: { out: ${sink} }\n`
  writeFileSync(join(folder, `${name}.yaml`), spec)
  const { code, err } = await pipe(['run', `${name}.yaml`], folder)
  expect(code, err).toBe(0)
}

const linesIn = (folder: string, below: string): string[] =>
  globSync(`${below}/**/*.jsonl`, { cwd: folder })
    .flatMap((path) => readFileSync(join(folder, path), 'utf8').trim().split('\n'))
    .toSorted()

async function roundTrip(
  [sink, source]: readonly [string, string],
  look?: (folder: string) => Promise<void>,
): Promise<void> {
  const { folder, lines } = await project()
  expect(lines).toHaveLength(records.length)
  await run(folder, 'there', '{ type: files, config: { path: plain/ } }', sink)
  await look?.(folder)
  await run(folder, 'back', source, '{ type: files, config: { path: back/, format: jsonl } }')
  expect(linesIn(folder, 'back')).toEqual(lines)
}

test('what JSON lines say is what was written', async () => {
  const { lines } = await project()
  const byId = (a: { id: number }, b: { id: number }) => a.id - b.id
  expect(lines.map((line) => JSON.parse(line) as { id: number }).toSorted(byId)).toEqual(records.toSorted(byId))
})

test.each(Object.keys(places))('%s', async (name) => {
  await roundTrip(places[name]!)
})

test('Parquet has the types that DuckDB knows, with the same values', async () => {
  await roundTrip(places['parquet']!, async (folder) => {
    const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
    const rows = async (sql: string) => (await db.runAndReadAll(sql)).getRowsJson()
    const [path] = globSync('there/**/*.parquet', { cwd: folder })
    const file = `read_parquet('${join(folder, path!)}')`
    const described = await rows(`select column_name, column_type from (describe select * from ${file})`)
    expect(Object.fromEntries(described as [string, string][])).toEqual({
      id: 'BIGINT',
      text: 'VARCHAR',
      flag: 'BOOLEAN',
      big: 'BIGINT',
      real: 'DOUBLE',
      price: 'DECIMAL(9,2)',
      wide: 'DECIMAL(34,10)',
      day: 'DATE',
      clock: 'TIME',
      at: 'TIMESTAMP WITH TIME ZONE',
      micros: 'TIMESTAMP WITH TIME ZONE',
      // It reads them with microseconds.
      nanos: 'TIMESTAMP WITH TIME ZONE',
      raw: 'BLOB',
      tags: 'DECIMAL(5,2)[]',
      rates: 'MAP(VARCHAR, TIMESTAMP WITH TIME ZONE)',
      any: 'JSON',
      address: 'STRUCT(city VARCHAR, zip BIGINT)',
    })
    const sums = await rows(
      `select count(*), sum(id)::varchar, max(big)::varchar, min(price)::varchar, max(wide)::varchar, min(day)::varchar, max(clock)::varchar, epoch_us(min(micros))::varchar from ${file}`,
    )
    db.closeSync()
    const total = records.reduce((sum, { id }) => sum + BigInt(id), 0n)
    expect(sums).toEqual([
      [
        String(records.length),
        String(total),
        '9223372036854775807',
        '-9999999.99',
        '123456789012345678901234.0123456789',
        '0001-01-01',
        '23:59:59.999999',
        '-62135596799999999',
      ],
    ])
  })
})

test('SQLite has the values that its own driver reads', async () => {
  await roundTrip(places['sqlite, table']!, async (folder) => {
    const db = new DatabaseSync(join(folder, 'other.db'), { readOnly: true })
    const select = db.prepare('SELECT * FROM t ORDER BY id')
    select.setReadBigInts(true)
    const found = select.all() as Record<string, unknown>[]
    db.close()
    const sorted = records.toSorted((a, b) => a.id - b.id)
    expect(found.map(({ big }) => (big === null ? null : String(big)))).toEqual(sorted.map(({ big }) => big))
    expect(found.map(({ price }) => price)).toEqual(sorted.map(({ price }) => price))
    expect(found.map(({ micros }) => micros)).toEqual(sorted.map(({ micros }) => micros))
    expect(found.map(({ rates }) => JSON.parse(String(rates)) as unknown)).toEqual(sorted.map(({ rates }) => rates))
  })
})

const mongodb = liveUrl('MONGODB')
test.skipIf(!mongodb)('MongoDB', async () => {
  const database = `round-${randomUUID().slice(0, 13)}`
  const client = new MongoClient(mongodb!)
  onTestFinished(async () => {
    await client.db(database).dropDatabase()
    await client.close()
  })
  const place = `{ type: mongodb, config: { url: "${mongodb}", database: ${database}, collection: c } }`
  await roundTrip([place, place], async () => {
    const found = await client.db(database).collection('c').find().sort({ id: 1 }).toArray()
    const sorted = records.toSorted((a, b) => a.id - b.id)
    // The driver prints it with an exponent.
    const printed = sorted.map(({ wide }) => (wide === '-0.0000000001' ? '-1E-10' : wide))
    expect(found.map(({ wide }) => (wide === null ? null : String(wide)))).toEqual(printed)
    expect(found.map(({ at }) => (at as Date | null)?.toISOString() ?? null)).toEqual(sorted.map(({ at }) => at))
  })
})

const kafka = liveUrl('KAFKA')
test.skipIf(!kafka)('Kafka', async () => {
  const common = `stream: round-${randomUUID().slice(0, 13)}, brokers: ["${kafka}"]`
  await roundTrip([
    `{ type: kafka, config: { ${common}, create: { partitions: 2 } } }`,
    `{ type: kafka, config: { ${common}, stop: end } }`,
  ])
})
