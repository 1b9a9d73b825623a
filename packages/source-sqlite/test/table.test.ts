import {
  type Field,
  type Batch,
  type Env,
  freshRead,
  isBatch,
  type Json,
  type RecordType,
  type Row,
  type SourceContext,
} from '@millrace/core'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStoreWriter } from '@millrace/client-sqlite'
import definitions from '../src/index.ts'
import { documentRows, documentType, own, putDocuments, putTable, tableRows, tableType, withStore } from './store.ts'

const [definition] = definitions
let root = ''
let path = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-source-sqlite-'))
  path = join(root, 'store.db')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const saved = JSON.parse(readFileSync(new URL('positions.json', import.meta.url), 'utf8')) as readonly {
  readonly of: string
  readonly position: Json
  readonly next: number
}[]
type Options = Parameters<NonNullable<typeof definition>['create']>[0]
const env = (): Env => ({ root, home: root, profile: 'local', pipeline: 'p', id: 'in', resolve: (p) => join(root, p) })

async function read(
  options: Partial<Options>,
  schema: RecordType,
  more: { at?: Json; context?: Partial<SourceContext>; onBatch?: (batch: Batch) => void } = {},
): Promise<Batch[]> {
  const source = definition!.create(options as Options, { ...env(), schema, unknownFields: 'drop', ...more.context })
  const batches: Batch[] = []
  const { signal } = new AbortController()
  for await (const batch of source.read(freshRead(signal, { resume: () => more.at }))) {
    if (!isBatch(batch)) continue
    batches.push(batch)
    more.onBatch?.(batch)
  }
  return batches
}
const rowsOf = (batches: readonly Batch[]): readonly Row[] => batches.flatMap((batch) => batch.rows)

test('a table with a primary key is read in its order, resumes by it, and numbers of 64 bits are parts of keys', async () => {
  const rows = tableRows(2500)
  putTable(path, 't', rows.toReversed(), ', PRIMARY KEY (name, n)) WITHOUT ROWID')
  const batches = await read({ table: 't' }, tableType)
  expect(rowsOf(batches)).toEqual(rows)
  expect(batches.map((batch) => batch.position)).toEqual([
    { store: 'store.db', after: ['a', 999] },
    { store: 'store.db', after: ['b', 1999] },
    { store: 'store.db', after: ['b', 2499] },
  ])
  expect(batches[0]!.positionAt(3)).toBe('["a",3]')
  for (const { position, next } of saved.filter((entry) => entry.of === 'primary key')) {
    expect(rowsOf(await read({ table: 't' }, tableType, { at: position })), JSON.stringify(position)).toEqual(
      rows.slice(next),
    )
  }
  const large: RecordType = { fields: { id: { type: { kind: 'bigint' }, optional: false } } }
  withStore(path, (db) =>
    db.exec(
      `CREATE TABLE large (id INTEGER, b BLOB, PRIMARY KEY (id, b)) WITHOUT ROWID; INSERT INTO large VALUES (9223372036854775806, x'01'), (9223372036854775807, x'00'), (9223372036854775807, x'ff')`,
    ),
  )
  const [batch] = await read({ table: 'large' }, large)
  expect(batch!.rows).toEqual([
    { id: 9223372036854775806n },
    { id: 9223372036854775807n },
    { id: 9223372036854775807n },
  ])
  expect(batch!.position).toEqual({ store: 'store.db', after: [{ int: '9223372036854775807' }, { blob: '/w==' }] })
  const at: Json = { store: 'store.db', after: [{ int: '9223372036854775807' }, { blob: 'AA==' }] }
  expect(rowsOf(await read({ table: 'large' }, large, { at }))).toEqual([{ id: 9223372036854775807n }])
})

test('another file, a collection recreated and a table that was emptied stop the reading, naming the ways out', async () => {
  const stopped = { code: 'source_replaced', hint: expect.stringContaining('state reset') }
  const last = async (options: Partial<Options>, schema: RecordType) =>
    (await read(options, schema)).at(-1)!.position as Json
  putDocuments(path, 'c', documentRows(3))
  putDocuments(join(root, 'other.db'), 'c', documentRows(5))
  const named = await last({ collection: 'c' }, documentType)
  expect(named).toMatchObject({ store: 'store.db' })
  await expect(read({ path: 'other.db', collection: 'c' }, documentType, { at: named })).rejects.toMatchObject(stopped)
  // It gets an id when somebody writes to it, and is the same store as before.
  await own(path, 'c', 1)
  expect(rowsOf(await read({ collection: 'c' }, documentType, { at: named }))).toEqual([])
  const at = await last({ collection: 'c' }, documentType)
  expect(at).toMatchObject({ store: expect.stringMatching(/1$/), table: expect.stringMatching(/2$/) })
  await own(join(root, 'other.db'), 'c', 5)
  await expect(read({ path: 'other.db', collection: 'c' }, documentType, { at })).rejects.toMatchObject(stopped)
  // Moved, it is the same store.
  renameSync(path, join(root, 'moved.db'))
  expect(rowsOf(await read({ path: 'moved.db', collection: 'c' }, documentType, { at }))).toEqual([])
  renameSync(join(root, 'moved.db'), path)
  const writer = async (setUp: (db: DatabaseSync) => void) =>
    (await openStoreWriter(path, new AbortController().signal, setUp)).close()
  await writer((db) => db.exec('CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1), (2)'))
  const type: RecordType = { fields: { n: { type: { kind: 'integer' }, optional: true } } }
  const before = await last({ table: 't' }, type)
  await writer(() => {})
  expect(await last({ table: 't' }, type)).toEqual(before)
  await writer((db) => db.exec('DELETE FROM t'))
  withStore(path, (db) => db.exec('INSERT INTO t VALUES (3), (4), (5)'))
  await expect(read({ table: 't' }, type, { at: before })).rejects.toMatchObject(stopped)
  withStore(path, (db) => db.exec('DROP TABLE c'))
  await writer((db) => db.exec('CREATE TABLE c (id TEXT PRIMARY KEY NOT NULL, doc TEXT NOT NULL, record TEXT) STRICT'))
  putDocuments(path, 'c', documentRows(9))
  await expect(read({ collection: 'c' }, documentType, { at })).rejects.toMatchObject(stopped)
})

test('large records come a few at a time', async () => {
  const large = 'x'.repeat(400_000)
  putDocuments(
    path,
    'c',
    documentRows(20).map((row) => ({ ...row, text: large })),
  )
  withStore(path, (db) => {
    db.exec('CREATE TABLE t (n INTEGER, text TEXT)')
    const put = db.prepare('INSERT INTO t VALUES (?, ?)')
    for (let n = 0; n < 20; n++) put.run(n, n === 10 ? large.repeat(5) : large)
  })
  const type: RecordType = {
    fields: { n: { type: { kind: 'integer' }, optional: false }, text: { type: { kind: 'string' }, optional: true } },
  }
  for (const options of [{ collection: 'c' }, { table: 't' }]) {
    const batches = await read(options, options.table ? type : documentType)
    expect(rowsOf(batches)).toHaveLength(20)
    expect(new Set(rowsOf(batches).map((row) => row['n'])).size).toBe(20)
    for (const { bytes } of batches) expect(bytes).toBeLessThan(2.9e6)
    expect(batches.at(-1)!.end).toBe(true)
  }
})

test('values that break the declared type are bad records, whose bytes can be read again', async () => {
  withStore(path, (db) =>
    db.exec(
      `CREATE TABLE t (n, b); INSERT INTO t VALUES (1, x'00'), ('x', x'01'), (9007199254740993, x'02'), (NULL, x'03'), (1.5, x'04'), (2, 'text')`,
    ),
  )
  const schema: RecordType = {
    fields: { n: { type: { kind: 'integer' }, optional: false }, b: { type: { kind: 'bytes' }, optional: false } },
  }
  const [batch] = await read({ table: 't' }, schema)
  expect(batch!.rows).toEqual([{ n: 1, b: new Uint8Array([0]) }])
  expect(batch!.bad!.map(({ position, code, field }) => `${position} ${code} ${field}`)).toEqual([
    '2 not_integer n',
    '3 out_of_range n',
    '4 missing_value n',
    '5 not_integer n',
    '6 bad_bytes b',
  ])
  const wider: RecordType = { fields: { ...schema.fields, n: { type: { kind: 'bigint' }, optional: true } } }
  const decode = definition!.decoder!({ table: 't' } as Options, {
    ...env(),
    schema: wider,
    unknownFields: 'drop',
  })
  expect(decode(batch!.bad![1]!.bytes, undefined)).toEqual({ n: 9007199254740993n, b: Buffer.from([2]) })
  expect(decode(batch!.bad![2]!.bytes, undefined)).toEqual({ n: null, b: Buffer.from([3]) })
})

test('further columns are dropped, kept or refused', async () => {
  putTable(path, 't', tableRows(2), ')')
  expect(Object.keys(rowsOf(await read({ table: 't' }, tableType))[0]!)).toEqual(Object.keys(tableType.fields))
  expect(rowsOf(await read({ table: 't' }, tableType, { context: { unknownFields: 'keep' } }))[0]).toEqual({
    ...tableRows(1)[0],
    extra: 'x',
  })
  await expect(read({ table: 't' }, tableType, { context: { unknownFields: 'error' } })).rejects.toThrow(
    'the schema does not have the columns extra',
  )
  const more: RecordType = { fields: { ...tableType.fields, gone: { type: { kind: 'string' }, optional: false } } }
  await expect(read({ table: 't' }, more)).rejects.toThrow('the table t has no column gone')
})

test('what is added while it is read is left for the next time, what is replaced is read once', async () => {
  const rows = documentRows(2500)
  putDocuments(path, 'c', rows)
  const batches = await read({ collection: 'c' }, documentType, {
    onBatch: () => putDocuments(path, 'c', [{ ...rows[0], _id: 'zzz' }, { ...rows[0], _id: 'a' }, rows[2499]!]),
  })
  expect(rowsOf(batches).map((row) => row['_id'])).toEqual(
    rows.map((row) => String(row['_id'])).toSorted((a, b) => (a < b ? -1 : 1)),
  )
})

test('without _id in the schema the key stays out of the row', async () => {
  putDocuments(path, 'c', documentRows(1), { '': '{"n":7}' })
  const schema: RecordType = { fields: { n: documentType.fields['n']! } }
  expect(rowsOf(await read({ collection: 'c' }, schema))).toEqual([{ n: 7 }, { n: 0 }])
  const kept = rowsOf(await read({ collection: 'c' }, schema, { context: { unknownFields: 'keep' } }))
  expect(Object.keys(kept[1]!)).toEqual(['n', 'text', 'large', 'price', 'at', 'raw', 'list', 'map'])
})

test('an empty collection ends at once; a missing one says what there is', async () => {
  putDocuments(path, 'c', [])
  expect(await read({ collection: 'c' }, documentType)).toEqual([])
  await expect(read({ collection: 'x' }, documentType)).rejects.toMatchObject({
    code: 'unknown_collection',
    hint: 'the store has c',
  })
  await expect(read({ table: 'c' }, documentType)).rejects.toMatchObject({
    hint: 'c is a collection: read it with `collection:`',
  })
})

test('the types of what is there are inferred', async () => {
  putDocuments(path, 'c', documentRows(3), { z: '{"n":1.5,"extra":null,"day":"2010-12-01"}' })
  putTable(path, 't', [], ', PRIMARY KEY (n))')
  const infer = async (options: Partial<Options>) => {
    const { fields } = await definition!.infer!(options as Options, env(), new AbortController().signal)
    return Object.fromEntries(
      Object.entries(fields).map(([name, { type, optional }]) => [name, type.kind + (optional ? '?' : '')]),
    )
  }
  expect(await infer({ collection: 'c' })).toEqual({
    n: 'number',
    large: 'string?',
    price: 'string?',
    at: 'timestamp?',
    list: 'json?',
    map: 'json?',
    text: 'string?',
    raw: 'string?',
    day: 'date?',
  })
  expect(await infer({ table: 't' })).toMatchObject({ name: 'string', n: 'integer', ratio: 'number?', raw: 'bytes?' })
})

test('what is wrong with the options is said before anything is opened', () => {
  const codes = (options: Partial<Options>) =>
    definition!.check!(options as Options, env()).map(({ code, at }) => `${at.join('.')}: ${code}`)
  expect(codes({})).toEqual([': missing_key'])
  expect(codes({ collection: 'a', table: 'b' })).toEqual(['table: bad_value'])
  expect(codes({ table: 'sqlite_schema' })).toEqual(['table: bad_value'])
  expect(codes({ collection: 'a' })).toEqual([])
})

test('what is left out of objects in columns is counted, or refused', async () => {
  const db = new DatabaseSync(path)
  db.exec(
    `CREATE TABLE t (id INTEGER PRIMARY KEY, doc TEXT); INSERT INTO t VALUES (1, '{"a":1,"b":2}'), (2, '{"c":3}')`,
  )
  db.close()
  const a: Field = { type: { kind: 'integer' }, optional: true }
  const doc: Field = { type: { kind: 'object', record: { fields: { a } } }, optional: false }
  const schema: RecordType = { fields: { id: { type: { kind: 'integer' }, optional: false }, doc } }
  const batches = await read({ table: 't' }, schema)
  expect(rowsOf(batches)).toEqual([
    { id: 1, doc: { a: 1 } },
    { id: 2, doc: { a: null } },
  ])
  expect(batches.reduce((sum, batch) => sum + (batch.unknown ?? 0), 0)).toBe(2)
  const refused = await read({ table: 't' }, schema, { context: { unknownFields: 'error' } })
  expect(refused.flatMap((batch) => batch.bad ?? []).map(({ code }) => code)).toEqual([
    'unknown_field',
    'unknown_field',
  ])
})

test('a table whose key is its rowid, and one with a column of that name, are read in their order', async () => {
  const db = new DatabaseSync(path)
  db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, doc TEXT)`)
  db.exec(`CREATE TABLE u (rowid TEXT, n INTEGER)`)
  for (let n = 0; n < 2500; n++) {
    db.prepare('INSERT INTO t VALUES (?, ?)').run(5000 - n, `d${n}`)
    db.prepare('INSERT INTO u VALUES (?, ?)').run(n % 2 ? null : 'same', n)
  }
  db.close()
  const integer: Field = { type: { kind: 'integer' }, optional: false }
  const text: Field = { type: { kind: 'string' }, optional: true }
  for (const [table, schema, expected] of [
    ['t', { fields: { id: integer, doc: text } }, (n: number) => ({ id: 2501 + n, doc: `d${2499 - n}` })],
    ['u', { fields: { rowid: text, n: integer } }, (n: number) => ({ rowid: n % 2 ? null : 'same', n })],
  ] as const) {
    const batches = await read({ table }, schema)
    const rows = Array.from({ length: 2500 }, (_, n) => expected(n))
    expect(rowsOf(batches)).toEqual(rows)
    const rest = await read({ table }, schema, { at: batches[0]!.position! })
    expect(rowsOf(rest)).toEqual(rows.slice(batches[0]!.rows.length))
  }
})
