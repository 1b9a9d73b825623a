/**
 * A spec with every type into a store of every kind: what each store holds, read by its vendor's client and told in one
 * form, and a change of one record in it.
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { zstdDecompressSync } from 'node:zlib'
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js'
import { MongoClient } from 'mongodb'
import { makePlaces } from '../flow/servers.ts'
import { pipe, root } from '../pipe.ts'
import { dynamodb, dynamodbItems, plain } from './aws.ts'
import { changeMessage } from './change-message.ts'
import { askAll } from './duckdb.ts'
import { copyOf, type Lake, withS3 } from './lakes.ts'
import { type Multiset, multisetOf } from './multiset.ts'
import { collect, linesOf, messagesOf, type Place } from './stores.ts'
import { everyType, typedRecord } from './typed.ts'
import { connectTo, rowsOf, tableIn } from './warehouse.ts'

const name = 'every-type'
type Row = Record<string, unknown>
const lines: Lake = { bucket: 'lake', path: 'lines/' }
const columns: Lake = { bucket: 'lake', path: 'columns/' }
const refused: Lake = { bucket: 'lake', path: 'refused/' }

/** Cells by column, each at an edge of its type; `-` is null. */
const cells: Readonly<Record<string, readonly string[]>> = {
  text: ['', 'plain', 'a,"b"\n\r\n', 'Köln £ 😀', 'null', ' x ', '\u2028', '0x1F', 'NaN', '\\N', '-'],
  flag: ['true', 'false', '-'],
  big: ['9223372036854775807', '-9223372036854775808', '9007199254740993', '-'],
  real: ['0.1', '-1e125', '1e-130', '123.45', '1e21', '3', '-'],
  price: ['-9999999.99', '0.01', '12.30', '-'],
  wide: ['123456789012345678901234.0123456789', '-0.0000000001', '-'],
  day: ['0001-01-01', '1969-12-31', '2000-02-29', '9999-12-31', '-'],
  clock: ['00:00:00', '08:26:00.5', '23:59:59.999999', '-'],
  at: ['0001-01-01T00:00:00.000Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z', '-'],
  micros: ['0001-01-01T00:00:00.000001Z', '1969-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z', '-'],
  nanos: ['1677-09-22T00:00:00.000000001Z', '1969-12-31T23:59:59.999999999Z', '2262-04-11T23:47:16.854775807Z', '-'],
  // Redshift has no empty bytes: its sink refuses them.
  raw: ['AA==', 'AP8=', 'YWJj', '-'],
  tags: ['[]', '["1.50",null]', '["-999.99"]', '-'],
  rates: ['{}', '{"a.b":"1970-01-01T00:00:00.000001Z","c":null}', '{"10":"2024-02-29T12:00:00.123456Z"}', '-'],
  any: ['{"a":[1,"x",null,{"b":0.5}]}', '[]', '"text"', '5', 'true', '-'],
  address: ['{"city":"Ulm","zip":null}', '{"city":"","zip":89073}', '-'],
}

/** Records that no profile takes: NaN, infinity, and numbers beyond their type. */
const impossible: readonly Readonly<Record<string, string>>[] = [
  { real: 'NaN' },
  { real: 'Infinity' },
  { real: '1e999' },
  { id: '9007199254740993' },
  { big: '9223372036854775808' },
  { price: '0.001' },
]
/** The records that go through. */
export const possible = 240

function input(): string {
  const quoted = (cell: string) => (cell === '-' ? cell : `"${cell.replaceAll('"', '""')}"`)
  const whole = (i: number) =>
    String(i * 37_529_996_894_754 - (i === 0 ? 9_007_199_254_740_991 : 4_000_000_000_000_000))
  const row = (i: number, more: Readonly<Record<string, string>> = {}) =>
    ['id', ...Object.keys(cells)].map((field, k) =>
      quoted(more[field] ?? (field === 'id' ? whole(i) : cells[field]![(i + k) % cells[field]!.length]!)),
    )
  const rows = [
    ...Array.from({ length: possible }, (_, i) => row(i)),
    ...impossible.map((more, i) => row(1000 + i, { id: String(i), ...more })),
  ]
  return [['id', ...Object.keys(cells)], ...rows].map((each) => `${each.join(',')}\n`).join('')
}

/** Runs the spec in a place; returns what each refused record was refused for. */
export async function runEveryType(place: Place): Promise<string[]> {
  const { profile, folder: cwd, env } = place
  mkdirSync(cwd, { recursive: true })
  cpSync(join(root, 'scripts/accept/every-type'), cwd, { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(cwd, 'node_modules'))
  writeFileSync(join(cwd, 'in.csv'), input())
  await makePlaces(profile, ['lake'], env)
  const { code, out, err } = await pipe(['run', name, '--profile', profile, '--json'], { cwd, env })
  if (code !== 0) throw new Error(`${name} ended with ${code}\n${out}${err}`)
  const letters = await Promise.all(
    (await copyOf(place, refused, join(cwd, 'copies'))).map((path) => collect(linesOf<Row>(path))),
  )
  return letters.flat().map(({ code: why, field }) => `${String(field)} ${String(why)}`)
}

/** What each store of a place holds. */
export async function storesOf(place: Place, out: string): Promise<Record<string, Multiset>> {
  const kept = (store: string, rows: AsyncIterable<Row> | Iterable<Row>) =>
    multisetOf(typedRecords(rows), join(out, `${name}.${store}.jsonl`))
  const copies = (lake: Lake) => copyOf(place, lake, join(place.folder, 'copies'))
  const found = await Promise.all((await copies(lines)).map((path) => collect(linesOf<Row>(path))))
  return {
    messages: await kept(
      'messages',
      (await messagesOf(place, name)).map(({ value }) => value as Row),
    ),
    documents: await kept('documents', documentsOf(place)),
    lines: await kept('lines', found.flat()),
    columns: await kept('columns', await parquetRows(await copies(columns))),
    rows: await kept('rows', tableRows(place)),
  }
}

async function* typedRecords(rows: AsyncIterable<Row> | Iterable<Row>): AsyncGenerator<object> {
  for await (const row of rows) yield typedRecord(row)
}

async function* documentsOf(place: Place): AsyncGenerator<Row> {
  if (place.profile === 'local') {
    const db = new DatabaseSync(join(place.folder, '.millrace/local/store.db'), { readOnly: true })
    for (const { doc } of db.prepare(`SELECT doc FROM "${name}"`).iterate()) yield JSON.parse(doc as string) as Row
    db.close()
  } else if (place.profile === 'aws') {
    for await (const [, { any, ...item }] of dynamodbItems(place, name)) {
      const fields = Object.entries(item).map(([field, value]) => [field, plain(value, String)])
      yield { ...Object.fromEntries(fields), any: any && plain(any) } as Row
    }
  } else {
    const client = new MongoClient(place.env['MONGODB_URL']!, { useBigInt64: true, promoteBuffers: true })
    for await (const { any, ...rest } of client.db(`${place.env['NAME_PREFIX']}${name}`).collection(name).find())
      yield { ...rest, any: JSON.parse(JSON.stringify(any ?? null)) as unknown }
    await client.close()
  }
}

/** DuckDB casts what JavaScript does not hold to text. It reads nanoseconds as microseconds: hyparquet gives these. */
async function parquetRows(paths: readonly string[]): Promise<Row[]> {
  const nested = ['tags', 'rates', 'any', 'address']
  const told = Object.keys(everyType).map((field) => {
    if (field === 'raw') return 'base64(raw) AS raw'
    return `${nested.includes(field) ? `to_json("${field}")` : `"${field}"`}::VARCHAR AS "${field}"`
  })
  const list = paths.map((path) => `'${path}'`).join(', ')
  const rows = await askAll(`SELECT ${told.join(', ')} FROM read_parquet([${list}])`)
  const nanos = (await Promise.all(paths.map(nanosIn))).flat()
  return rows.map((row, i) => withJson({ ...row, nanos: nanos[i] }))
}

async function nanosIn(path: string): Promise<(string | null)[]> {
  const rows = (await parquetReadObjects({
    file: await asyncBufferFromFile(path),
    columns: ['nanos'],
    compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) },
    parsers: { ...DEFAULT_PARSERS, timestampFromNanoseconds: String },
  })) as { nanos: string | null }[]
  const second = 1_000_000_000n
  return rows.map(({ nanos }) => {
    if (nanos === null) return null
    const fraction = ((BigInt(nanos) % second) + second) % second
    const time = new Date(Number((BigInt(nanos) - fraction) / 1_000_000n)).toISOString().slice(0, 19)
    return `${time}.${String(fraction).padStart(9, '0')}Z`
  })
}

async function* tableRows(place: Place): AsyncGenerator<Row> {
  for await (const row of rowsOf(place, 'every_type', Object.keys(everyType), true)) yield withJson(row)
}

const withJson = (row: Row): Row => ({
  ...row,
  any: row['any'] === null ? null : (JSON.parse(String(row['any'])) as unknown),
})

/** Changes the text of one record in a store, by its vendor's client. */
export async function mutate(place: Place, store: string): Promise<void> {
  const { profile, folder, env } = place
  const id = 37_529_996_894_754 - 4_000_000_000_000_000
  if (store === 'messages') await changeMessage(place, name, 'text')
  else if (store === 'documents' && profile === 'local') {
    const db = new DatabaseSync(join(folder, '.millrace/local/store.db'))
    db.exec(`UPDATE "${name}" SET doc = json_set(doc, '$.text', 'changed') WHERE id = '${id}'`)
    db.close()
  } else if (store === 'documents' && profile === 'aws') {
    const client = dynamodb(place)
    const change = { UpdateExpression: 'SET #t = :t', ExpressionAttributeNames: { '#t': 'text' } }
    const values = { ExpressionAttributeValues: { ':t': { S: 'changed' } } }
    const TableName = `${env['NAME_PREFIX']}${name}`
    await client.send(new UpdateItemCommand({ TableName, Key: { id: { N: String(id) } }, ...change, ...values }))
    client.destroy()
  } else if (store === 'documents') {
    const client = new MongoClient(env['MONGODB_URL']!)
    const documents = client.db(`${env['NAME_PREFIX']}${name}`).collection(name)
    await documents.updateOne({ id }, { $set: { text: 'changed' } })
    await client.close()
  } else if (store === 'rows' && profile === 'local') {
    const db = new DatabaseSync(join(folder, '.millrace/local/store.db'))
    db.exec(`UPDATE every_type SET text = 'changed' WHERE id = ${id}`)
    db.close()
  } else if (store === 'rows') {
    const client = await connectTo(place)
    await client.query(`UPDATE ${tableIn(place, 'every_type')} SET text = 'changed' WHERE id = ${id}`)
    await client.end()
  } else {
    const [copy] = await copyOf(place, store === 'lines' ? lines : columns, join(folder, 'copies'))
    const changed = `${copy}.changed`
    if (store === 'lines')
      writeFileSync(changed, readFileSync(copy!, 'utf8').replace('"text":"plain"', '"text":"changed"'))
    else
      await askAll(
        `COPY (SELECT * REPLACE (CASE WHEN id = ${id} THEN 'changed' ELSE text END AS text, nanos::TIMESTAMP_NS AS nanos) FROM '${copy}') TO '${changed}' (FORMAT parquet)`,
      )
    const key = copy!.slice(join(folder, 'copies').length + 1)
    if (profile !== 'aws') cpSync(changed, join(folder, key))
    else
      await withS3(place, async (client) => {
        const Bucket = `${env['NAME_PREFIX']}lake`
        await client.send(new PutObjectCommand({ Bucket, Key: key, Body: readFileSync(changed) }))
      })
  }
}
