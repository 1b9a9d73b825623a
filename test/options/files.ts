/** Options of connectors that read and write files and tables, each tried by runs of the command. */
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import * as arrow from 'apache-arrow'
import { deletes, type Entry, type Pair } from './entry.ts'
import { craft, int32s } from '../../packages/formats-columnar/test/crafted.ts'
import { rowsOut, seen, specOf } from './world.ts'

type Config = Readonly<Record<string, unknown>>

const texts = { fields: { name: 'string?', n: 'string?' } }
const csv = 'name,n\n"a;b",é\nNULL,\'2\n5" disk,5\nlone\n"a name that is much longer than all of the others",4\n'
const csvFiles = {
  'in.csv': csv,
  'in.txt': csv,
  'other.csv': 'name,n\nother,9\n',
  'in.jsonl': '{"name":"line","n":"7"}\n',
  'in.parquet': craft(
    [{ name: 'name', type: 'BYTE_ARRAY', repetition: 'required', converted: 0 }],
    [{ pages: [{ bytes: Buffer.concat([int32s(1), Buffer.from('x')]), values: 1 }] }],
    { rows: 1 },
  ),
}

/** Times on a clock that the file does not name: the first occurs twice in Berlin, the second is finer than a ms. */
const clock = arrow.makeData({
  type: new arrow.TimestampMicrosecond(),
  data: BigInt64Array.from([1_729_996_200_000_000n, 1_704_164_645_000_001n]),
} as never)
const arrowFiles = {
  'in.arrow': arrow.tableToIPC(new arrow.Table({ at: new arrow.Vector([clock]) }), 'file'),
}
const times = (b: Config, a: Config = {}): Pair<Config> => ({
  a,
  b,
  see: (more) =>
    seen({
      files: arrowFiles,
      spec: specOf({
        source: {
          type: 'files',
          config: { path: 'in.arrow', format: { type: 'arrow', zone: 'Europe/Berlin', ...more } },
          schema: { fields: { at: 'timestamp' } },
        },
        sinks: rowsOut,
        on_error: { data: 'drop' },
      }),
    }),
})

const wild = {
  'wild.arrow': arrow.tableToIPC(
    new arrow.Table({ x: arrow.vectorFromArray([Number.NaN, 1], new arrow.Float64()) }),
    'file',
  ),
}
const notFinite = (b: Config, a: Config = {}): Pair<Config> => ({
  a,
  b,
  see: (more) =>
    seen({
      files: wild,
      spec: specOf({
        source: {
          type: 'files',
          config: { path: 'wild.arrow', format: { type: 'arrow', ...more } },
          schema: { fields: { x: 'number?' } },
        },
        sinks: rowsOut,
        on_error: { data: 'drop' },
      }),
    }),
})

const readFiles =
  (type: string, base: Config) =>
  (more: Config): Promise<unknown> =>
    seen({
      files: csvFiles,
      spec: specOf({
        source: { type, config: { ...base, ...more }, schema: texts },
        sinks: rowsOut,
        on_error: { data: 'drop' },
      }),
    })

/** One value compared with the default, or two values. */
const pairs =
  (see: (config: Config) => Promise<unknown>) =>
  (b: Config, a: Config = {}): Pair<Config> => ({ a, b, see })

const ofCsv = pairs(readFiles('csv', { path: 'in.csv' }))
const ofFiles = pairs(readFiles('files', { path: 'in.csv' }))
const format = (b: Config, a: Config = {}) =>
  ofFiles({ format: { type: 'csv', ...b } }, { format: { type: 'csv', ...a } })

/** A file that is watched may grow, so its last line is not complete. */
const watched = (type: string): Pair<Config> => ({
  a: {},
  b: { watch: '10ms' },
  see: (more) =>
    seen({
      files: { 'in.csv': 'name,n\none,1\ntwo,2' },
      spec: specOf({ source: { type, config: { path: 'in.csv', ...more }, schema: texts }, sinks: rowsOut }),
      lines: [['run', 'spec.yaml', '--until', 'caught_up']],
    }),
})

const csvOptions: readonly (readonly [string, unknown])[] = [
  ['delimiter', ';'],
  ['quote', "'"],
  ['bare_quotes', 'error'],
  ['header', false],
  ['encoding', 'latin1'],
  ['nulls', ['NULL']],
  ['ragged', 'pad'],
  ['max_record_size', '30B'],
]

export const fileSources: Readonly<Record<string, Entry>> = {
  'source csv path': ofCsv({ path: 'other.csv' }),
  'source csv after_read': ofCsv({ after_read: 'delete' }),
  'source csv after_read.move': ofCsv({ after_read: { move: 'done/' } }, { after_read: { move: 'gone/' } }),
  'source csv watch': watched('csv'),
  ...Object.fromEntries(csvOptions.map(([name, value]) => [`source csv ${name}`, ofCsv({ [name]: value })])),
  'source files path': ofFiles({ path: 'other.csv' }),
  'source files after_read': ofFiles({ after_read: 'delete' }),
  'source files after_read.move': ofFiles({ after_read: { move: 'done/' } }, { after_read: { move: 'gone/' } }),
  'source files watch': watched('files'),
  'source files format': ofFiles({ format: 'jsonl' }),
  'source files format.zone': times({ zone: 'UTC' }, { zone: 'Asia/Tokyo' }),
  'source files format.fold': times({ fold: 'later' }, { fold: 'earlier' }),
  'source files format.fraction': times({ fraction: 'truncate' }, { fraction: 'error' }),
  'source files format.non_finite': notFinite({ non_finite: 'null' }, { non_finite: 'error' }),
  'source files format.max_expanded': ofFiles(
    { path: 'in.parquet', format: { type: 'parquet', max_expanded: '4B' } },
    { path: 'in.parquet', format: { type: 'parquet' } },
  ),
  'source files format.type': ofFiles({ format: { type: 'jsonl' } }, { format: { type: 'csv' } }),
  ...Object.fromEntries(csvOptions.map(([name, value]) => [`source files format.${name}`, format({ [name]: value })])),
}

/** Rows to write: two days, two countries, one null, one key twice. */
const orders = `id,country,day,note,n
1,DE,2025-05-01,one,1
2,FR,2025-05-02,,2
3,DE,2025-05-02,"a ""b"", c",3
1,DE,2025-05-01,again,4
`
const orderFields = { fields: { id: 'string', country: 'string', day: 'date', note: 'string?', n: 'integer' } }
const orderSource = { type: 'csv', config: { path: 'orders.csv' }, schema: orderFields }
const written = (type: string, config: Config) =>
  specOf({ source: orderSource, sinks: { out: { type, config } }, on_error: { data: 'drop' } })

const writeFiles = (config: Config): Promise<unknown> =>
  seen({ files: { 'orders.csv': orders }, spec: written('files', { path: 'out/', ...config }) })
const toFiles = pairs(writeFiles)
const written2 = (b: Config, a: Config) => toFiles({ format: b }, { format: a })
const twice = pairs((config) =>
  seen({
    files: { 'orders.csv': orders },
    spec: written('files', { path: 'out/rows.csv', ...config }),
    before: [written('files', { path: 'out/rows.csv' })],
  }),
)

export const fileSinks: Readonly<Record<string, Entry>> = {
  'sink files path': toFiles({ path: 'out/{country}/' }),
  'sink files format': toFiles({ format: 'csv' }),
  'sink files format.type': written2({ type: 'json' }, { type: 'jsonl' }),
  'sink files format.nulls': written2({ type: 'jsonl', nulls: 'write' }, { type: 'jsonl', nulls: 'omit' }),
  'sink files format.delimiter': written2({ type: 'csv', delimiter: ';' }, { type: 'csv' }),
  'sink files format.quote': written2({ type: 'csv', quote: "'" }, { type: 'csv' }),
  'sink files format.header': written2({ type: 'csv', header: false }, { type: 'csv' }),
  'sink files format.line_end': written2({ type: 'csv', line_end: 'crlf' }, { type: 'csv' }),
  'sink files format.compression': written2({ type: 'parquet', compression: 'none' }, { type: 'parquet' }),
  'sink files format.row_group': written2({ type: 'parquet', row_group: 2 }, { type: 'parquet' }),
  'sink files format.layout': written2({ type: 'arrow', layout: 'stream' }, { type: 'arrow' }),
  'sink files compression': toFiles({ compression: 'gzip' }),
  'sink files roll': toFiles({ roll: { records: 2 } }),
  'sink files roll.records': toFiles({ roll: { records: 2 } }, { roll: { records: 3 } }),
  'sink files roll.size': {
    file: 'packages/sink-files/test/roll.test.ts',
    test: 'a file is larger than its size by less than its last record',
  },
  'sink files roll.time': {
    file: 'packages/sink-files/test/roll.test.ts',
    test: 'a file is due when it is old enough, though nothing is written',
  },
  'sink files partition_fields': toFiles(
    { path: 'out/country={country}/', partition_fields: 'keep' },
    { path: 'out/country={country}/' },
  ),
  'sink files zone': {
    file: 'packages/sink-files/test/hive.test.ts',
    test: 'the field is left out of the files, unless it is kept or the folder has only a part of it',
  },
  'sink files existing': twice({ existing: 'replace' }),
  'sink files max_open_files': toFiles(
    { path: 'out/{country}.jsonl', max_open_files: 1 },
    { path: 'out/{country}.jsonl' },
  ),
}

/** A store with two tables, and another store. */
function storeBytes(name: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-options-'))
  try {
    const path = join(folder, 'made.db')
    const db = new DatabaseSync(path)
    db.exec(`create table one (name text); create table two (name text)`)
    db.exec(`insert into one values ('${name} one'); insert into two values ('${name} two')`)
    db.close()
    return readFileSync(path)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
const stores = { 'a.db': storeBytes('a'), 'b.db': storeBytes('b') }
const fromTable = pairs((config) =>
  seen({
    files: stores,
    spec: specOf({
      source: {
        type: 'sqlite',
        config: { path: 'a.db', table: 'one', ...config },
        schema: { fields: { name: 'string' } },
      },
      sinks: rowsOut,
    }),
  }),
)

const documents = (config: Config) => written('sqlite', { collection: 'c', key: 'id', ...config })
const fromCollection = pairs((config) =>
  seen({
    files: { 'orders.csv': orders },
    before: [documents({}), { ...documents({ collection: 'd', key: 'country' }), name: 'tried2' }],
    spec: specOf({
      source: { type: 'sqlite', config, schema: orderFields },
      sinks: rowsOut,
      name: 'read',
    }),
  }),
)
const toStore = pairs((config) => seen({ files: { 'orders.csv': orders }, spec: documents(config) }))
const toTable = pairs((config) =>
  seen({ files: { 'orders.csv': orders }, spec: written('sqlite', { table: 't', ...config }) }),
)
const toTableTwice = pairs((config) =>
  seen({
    files: { 'orders.csv': orders },
    before: [written('sqlite', { table: 't' })],
    spec: written('sqlite', { table: 't', ...config }),
  }),
)
const attribute = (name: string, value: readonly string[]) => ({
  key: 'country',
  write: 'set',
  attribute: { name, value },
})

export const stored: Readonly<Record<string, Entry>> = {
  'source sqlite path': fromTable({ path: 'b.db' }),
  'source sqlite table': fromTable({ table: 'two' }),
  'source sqlite collection': fromCollection({ collection: 'd' }, { collection: 'c' }),
  'sink sqlite path': toStore({ path: 'mine.db' }),
  'sink sqlite collection': toStore({ collection: 'd' }),
  'sink sqlite table': toTable({ table: 'u' }),
  'sink sqlite write': toStore({ write: 'insert' }),
  'sink sqlite key': toStore({ key: ['id', 'country'] }),
  'sink sqlite fields': toStore({ write: 'set', fields: ['note'] }, { write: 'set' }),
  'sink sqlite attribute': toStore(attribute('id', ['note']), { key: 'country', write: 'set' }),
  'sink sqlite attribute.name': toStore(attribute('n', ['id']), attribute('id', ['id'])),
  'sink sqlite attribute.value': toStore(attribute('id', ['n']), attribute('id', ['note'])),
  'sink sqlite indexes': toStore({ indexes: [['country']] }),
  'sink sqlite on_null': deletes,
  'sink sqlite nulls': toStore({ nulls: 'omit' }),
  'sink sqlite existing': toTableTwice({ existing: 'replace' }),
  'sink console format': pairs((config) => seen({ files: { 'orders.csv': orders }, spec: written('console', config) }))(
    {
      format: 'json',
    },
  ),
  'sink console to': pairs((config) => seen({ files: { 'orders.csv': orders }, spec: written('console', config) }))({
    to: 'stderr',
  }),
}
