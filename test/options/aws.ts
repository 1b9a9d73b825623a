/** Options of the services of AWS: how a client is configured, what a stream's options make, and live tests. */
import { type RecordType, Secret, type SinkDefinition, type SourceContext } from '../../packages/core/src/index.ts'
import { awsSettings } from '../../packages/client-aws/src/index.ts'
import { sinkKinesis } from '../../packages/sink-kinesis/src/index.ts'
import { entriesOf } from '../../packages/sink-kinesis/src/entries.ts'
import { sourceKinesis } from '../../packages/source-kinesis/src/index.ts'
import { deletes, type Entry, type Pair, withoutValue } from './entry.ts'

type Config = Readonly<Record<string, unknown>>

const env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 'x', resolve: (path: string) => path }
const tables = (test: string): Entry => ({ file: 'packages/sink-dynamodb/test/dynamodb.live.test.ts', test })
const guards: Entry = {
  file: 'packages/sink-dynamodb/test/guard.live.test.ts',
  test: 'the check finds a guard that cannot work',
}
const scans: Entry = {
  file: 'packages/source-dynamodb/test/dynamodb.live.test.ts',
  test: 'that is empty ends at once; one that is not there says what is',
}
const live = (kind: 'source' | 'sink', test: string): Entry => ({
  file: `packages/${kind}-kinesis/test/${kind === 'source' ? 'reshard' : 'kinesis'}.live.test.ts`,
  test,
})

/** What an SDK client is created with. */
const connected = (b: Config, a: Config = {}): Pair<Config> => ({
  a,
  b,
  see(config) {
    const { requestHandler: _handler, ...settings } = awsSettings({ region: 'eu-west-1', ...config }, env)
    return JSON.stringify(settings)
  },
})
const key = (more: Config = {}): Config => ({
  credentials: { access_key_id: new Secret('i'), secret_access_key: new Secret('k'), ...more },
})

const service = (name: string): Record<string, Entry> => ({
  [`${name} region`]: connected({ region: 'us-east-1' }),
  [`${name} endpoint`]: connected({ endpoint: 'http://127.0.0.1:1' }),
  [`${name} credentials`]: connected(key()),
  [`${name} credentials.access_key_id`]: connected(key({ access_key_id: new Secret('j') }), key()),
  [`${name} credentials.secret_access_key`]: connected(key({ secret_access_key: new Secret('l') }), key()),
  [`${name} credentials.session_token`]: connected(key({ session_token: new Secret('t') }), key()),
})
const streamService = (kind: 'source' | 'sink'): Record<string, Entry> => ({
  ...service(`${kind} kinesis`),
  [`${kind} kinesis create`]: live('source', 'is created with its shards if it does not exist'),
  [`${kind} kinesis create.shards`]: live('source', 'is created with its shards if it does not exist'),
})

const objects = (kind: 'source' | 'sink', test: string): Entry => ({
  file: `packages/${kind}-s3/test/s3.live.test.ts`,
  test,
})
const found = 'are found by key, folder, pattern and list; hidden ones are not'
const names = 'keep to the names of files, whatever the values are'
const byService = 'go to a service without optional checksums, by path or host'
const rolled = 'are rolled by records, and too many at once are finished early'
const requests = 'take no more requests than a loop by hand: one for a small one, and one for each part'
const replaced = 'replace those of an earlier run, a named one in one step'
const away = 'are moved once they are saved, beside what is there, and again after a crash at any point'

const formatRead = 'are read with the options of their formats'
const formatWritten = 'are written with the options of their formats'
const each = (names: readonly string[], entry: Entry): Record<string, Entry> =>
  Object.fromEntries(names.map((name) => [name, entry]))
const prefixed = (prefix: string, names: string): string[] => names.split(' ').map((name) => `${prefix}${name}`)

const wide = 'gather any attributes, in as few updates as fit, and name the record that makes an item too large'
const field = (kind: 'integer' | 'string' | 'timestamp') => ({ type: { kind }, optional: true })
const record: RecordType = { fields: { id: field('integer'), one: field('string'), time: field('timestamp') } }
const text: RecordType = { fields: { one: field('string'), two: field('string') } }
const defaults = { stream: 's', region: 'r', format: 'json', value_field: 'one', start: 'earliest', stop: 'never' }

/** What the source makes of one record, what it can do, and what it has to say about its options. */
const decoded = (b: Config, a: Config = {}, schema = record): Pair<Config> => ({
  a,
  b,
  see(config) {
    const options = { ...defaults, ...config } as never
    const found: unknown[] = [sourceKinesis.capabilities(options), sourceKinesis.reads!(options, env)]
    found.push(sourceKinesis.check!(options, env))
    try {
      const decode = sourceKinesis.decoder!(options, { ...env, schema, unknownFields: 'drop' } as SourceContext)
      found.push(decode(Buffer.from('{"id":1}'), { timestamp: 5 }, { key: 'k' }))
    } catch (error) {
      found.push((error as Error).message)
    }
    return found
  },
})

/** What the sink says about records of a type, what it promises and where it writes. */
const accepted = (b: Config, a: Config = {}): Pair<Config> => ({
  a,
  b,
  see(config) {
    const options = { ...defaults, ...config } as never
    const { accepts, capabilities, check, writes } = sinkKinesis as SinkDefinition
    return [accepts!(options, record), capabilities(options), check!(options, env), writes!(options, env)]
  },
})

/** How many records of 100 bytes are too large. */
const entries: Pair<number> = {
  a: 1000,
  b: 50,
  see(max_message) {
    const body = Buffer.alloc(100)
    const failures: never[] = []
    const [starts, ends] = [Int32Array.of(0), Int32Array.of(100)]
    const piece = { records: { ids: () => ['id'] }, indexes: [0], body, starts, ends, lines: false, keys: ['k'] }
    entriesOf(piece as never, { max_message }, failures)
    return failures.length
  },
}

export const aws: Readonly<Record<string, Entry>> = {
  ...streamService('source'),
  ...streamService('sink'),
  ...service('source dynamodb'),
  ...service('sink dynamodb'),
  'source dynamodb table_prefix': scans,
  'source dynamodb collection': scans,
  ...service('sink s3'),
  ...service('sink redshift'),
  ...service('source s3'),
  ...each(
    prefixed('sink s3 ', 'bucket'),
    objects('sink', 'that cannot be written say why, with the bucket and without a secret'),
  ),
  ...each(prefixed('sink s3 ', 'path_style checksums'), objects('sink', byService)),
  ...each(prefixed('sink s3 ', 'path'), objects('sink', names)),
  ...each(prefixed('sink s3 ', 'part_size max_uploads'), objects('sink', requests)),
  ...each(prefixed('sink s3 ', 'existing'), objects('sink', replaced)),
  ...each(prefixed('sink s3 ', 'roll roll.size roll.records roll.time max_open_files'), objects('sink', rolled)),
  ...each(prefixed('sink s3 ', 'format compression partition_fields zone'), objects('sink', formatWritten)),
  ...each(
    prefixed('sink s3 format.', 'type nulls delimiter quote header line_end compression row_group layout'),
    objects('sink', formatWritten),
  ),
  ...each(
    prefixed('source s3 ', 'bucket path_style checksums'),
    objects('source', 'that cannot be read say why, with the bucket and without a secret'),
  ),
  ...each(prefixed('source s3 ', 'path'), objects('source', found)),
  ...each(prefixed('source s3 ', 'after_read after_read.move'), objects('source', away)),
  ...each(prefixed('source s3 ', 'watch'), objects('source', 'are watched: what comes is read, without an end')),
  ...each(prefixed('source s3 ', 'format'), objects('source', formatRead)),
  ...each(
    prefixed(
      'source s3 format.',
      'type delimiter quote bare_quotes header encoding nulls ragged max_record_size zone fold fraction non_finite max_expanded',
    ),
    objects('source', formatRead),
  ),
  'source kinesis stream': decoded({ stream: 't' }),
  'source kinesis format': decoded({ format: 'text' }, {}, { fields: { one: field('string') } }),
  'source kinesis value_field': decoded({ format: 'text', value_field: 'two' }, { format: 'text' }, text),
  'source kinesis key_field': decoded({ key_field: 'one' }),
  'source kinesis timestamp_field': decoded({ timestamp_field: 'time' }),
  'source kinesis headers_field': decoded({ headers_field: 'one' }),
  'source kinesis tombstones': decoded({ tombstones: 'keep' }),
  'source kinesis stop': decoded({ stop: 'end' }),
  'source kinesis partitioned_by': decoded({ partitioned_by: ['id'] }),
  'source kinesis start': live('source', 'begins with what arrives from now on, or from a time'),
  'source kinesis start_at': live('source', 'begins with what arrives from now on, or from a time'),
  'source kinesis on_gap': live('source', 'stops at a position older than what the stream keeps, or goes on if it may'),
  'source kinesis max_records': live(
    'source',
    'stops at a position older than what the stream keeps, or goes on if it may',
  ),
  'sink kinesis stream': accepted({ stream: 't' }),
  'sink kinesis format': accepted({ format: 'text' }),
  'sink kinesis value_field': accepted({ format: 'text', value_field: 'no' }, { format: 'text' }),
  'sink kinesis headers_field': accepted({ headers_field: 'one' }),
  'sink kinesis on_null': withoutValue,
  'sink kinesis key': live('sink', 'keeps the order of a key, whatever is refused'),
  'sink kinesis order': live('sink', 'has several records of a key in a call only if their order does not matter'),
  'sink kinesis max_message': entries,
  'sink dynamodb table_prefix': tables('are found by the key of their table, or by `_id`'),
  'sink dynamodb collection': tables('are found by the key of their table, or by `_id`'),
  'sink dynamodb key': tables('are found by the key of their table, or by `_id`'),
  'sink dynamodb write': tables('are upserted, inserted, deleted; the last record of a key stays'),
  'sink dynamodb on_null': deletes,
  'sink dynamodb fields': tables('leave out nulls if told so, and merge the fields that are named'),
  'sink dynamodb nulls': tables('leave out nulls if told so, and merge the fields that are named'),
  'sink dynamodb attribute': tables(wide),
  'sink dynamodb attribute.name': tables(wide),
  'sink dynamodb attribute.value': tables(wide),
  'sink dynamodb guard': guards,
  'sink dynamodb guard.field': guards,
  'sink dynamodb indexes': tables('are looked up by an index; a null is not in it'),
}
