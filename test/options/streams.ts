/** Options of streams: of the embedded log by runs, of both kinds of stream source by decoding. */
import type { Definition, RecordType, SourceContext, SourceDefinition } from '../../packages/core/src/index.ts'
import { sinkKafka } from '../../packages/sink-kafka/src/sink.ts'
import { sourceKafka } from '../../packages/source-kafka/src/source.ts'
import { sourceLog } from '../../packages/source-log/src/source.ts'
import { type Entry, type Pair, withoutValue } from './entry.ts'
import { rowsOut, seen, specOf } from './world.ts'

type Config = Readonly<Record<string, unknown>>

const rows = [
  { id: 1, value: 'one', other: 'x', headers: { h: 'x' } },
  { id: 2, value: 'two', other: 'y', headers: { h: 'y' } },
]
const files = { 'in.jsonl': rows.map((row) => `${JSON.stringify(row)}\n`).join('') }
const fields = { id: 'integer', value: 'string', headers: { fields: { h: 'string?' }, optional: true } }
const source = { type: 'files', config: { path: 'in.jsonl' }, schema: { fields } }
const write = (config: Config, name = 'tried') =>
  specOf({ name, source, sinks: { out: { type: 'log', config: { stream: 's', ...config } } } })

const readLog = (config: Config, written: Config = {}, schema: Config = fields) =>
  seen({
    files,
    before: [write({ headers_field: 'headers', key: 'id', ...written }), write({ stream: 't', ...written }, 'other')],
    spec: specOf({
      name: 'read',
      source: { type: 'log', config: { stream: 's', stop: 'end', ...config }, schema: { fields: schema } },
      sinks: rowsOut,
      on_error: { data: 'drop' },
    }),
  })
const fromLog =
  (written: Config = {}, schema: Config = fields) =>
  (b: Config, a: Config = {}): Pair<Config> => ({ a, b, see: (config) => readLog(config, written, schema) })

/** The contents of the log afterwards: the rows with key and headers, and how the stream describes itself. */
const toLog = (b: Config, a: Config = {}, fieldsOf: Config = fields): Pair<Config> => ({
  a,
  b,
  see: (config) =>
    seen({
      files,
      before: [1, 2].map(() => ({ ...write(config), source: { ...source, schema: { fields: fieldsOf } } })),
      lines: [
        ['run', 'spec.yaml'],
        ['doctor', 'spec.yaml'],
      ],
      spec: specOf({
        name: 'read',
        source: {
          type: 'log',
          config: {
            stream: config['stream'] ?? 's',
            ...(config['path'] ? { path: config['path'] } : {}),
            stop: 'end',
            format: 'bytes',
            value_field: 'raw',
            key_field: 'key',
            headers_field: 'head',
          },
          schema: { fields: { raw: 'bytes', key: 'string?', head: 'json?' } },
        },
        sinks: rowsOut,
        on_error: { data: 'drop' },
      }),
    }),
})

/** The plan of a log that is deduplicated by a field. */
const planned = (b: Config, a: Config = {}): Pair<Config> => ({
  a,
  b,
  see: (config) =>
    seen({
      spec: specOf({
        source: { type: 'log', config: { stream: 's', ...config }, schema: { fields } },
        steps: [{ dedupe: { by: ['id'], last: 10 } }],
        sinks: rowsOut,
      }),
      plan: ({ runs, steps }) => [runs, steps[0].partitionedBy, steps[0].stateHash],
    }),
})

const record: RecordType = {
  fields: {
    id: { type: { kind: 'integer' }, optional: true },
    one: { type: { kind: 'string' }, optional: true },
    two: { type: { kind: 'json' }, optional: true },
    time: { type: { kind: 'timestamp' }, optional: true },
  },
}
const env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 'x', resolve: (path: string) => path }
const streamDefaults = {
  stream: 's',
  format: 'json',
  value_field: 'one',
  start: 'earliest',
  stop: 'never',
  brokers: ['b:1'],
}

/** What a stream source makes of one message, and what it can do. */
const decoded =
  (definition: SourceDefinition, schema = record) =>
  (b: Config, a: Config = {}): Pair<Config> => ({
    a,
    b,
    see(config) {
      const options = { ...streamDefaults, ...config } as never
      const result: unknown[] = [definition.capabilities(options), definition.reads?.(options, env)]
      try {
        const decode = definition.decoder!(options, { ...env, schema, unknownFields: 'drop' } as SourceContext)
        result.push(decode(Buffer.from('{"id":1}'), { timestamp: 5 }, { key: 'k', headers: [['h', 'v']] }))
      } catch (error) {
        result.push((error as Error).message)
      }
      return result
    },
  })

const textOnly: RecordType = { fields: { one: record.fields['one']!, two: record.fields['one']! } }
const live = (test: string): Entry => ({ file: 'packages/source-kafka/test/kafka.live.test.ts', test })
const kafka = decoded(sourceKafka as SourceDefinition)
const kafkaText = decoded(sourceKafka as SourceDefinition, { fields: { one: record.fields['one']! } })

const common = (type: string, of: typeof kafka, text: typeof kafka): Record<string, Entry> => ({
  [`source ${type} format`]: text({ format: 'text' }),
  [`source ${type} value_field`]: decoded(
    type === 'log' ? (sourceLog as SourceDefinition) : (sourceKafka as SourceDefinition),
    textOnly,
  )({ format: 'text', value_field: 'two' }, { format: 'text', value_field: 'one' }),
  [`source ${type} key_field`]: of({ key_field: 'one' }),
  [`source ${type} timestamp_field`]: of({ timestamp_field: 'time' }),
  [`source ${type} headers_field`]: of({ headers_field: 'two' }),
  [`source ${type} tombstones`]: of({ tombstones: 'keep' }),
  [`source ${type} stop`]: of({ stop: 'end' }),
  [`source ${type} partitioned_by`]: of({ partitioned_by: ['id'] }),
})

/** Which records a stream sink refuses before it connects. */
const accepted = (b: Config, a: Config = {}): Pair<Config> => ({
  a,
  b,
  see: (config) =>
    (sinkKafka as Extract<Definition, { kind: 'sink' }>).accepts!({ ...streamDefaults, ...config }, record),
})

export const streams: Readonly<Record<string, Entry>> = {
  ...common(
    'log',
    decoded(sourceLog as SourceDefinition),
    decoded(sourceLog as SourceDefinition, { fields: { one: record.fields['one']! } }),
  ),
  ...common('kafka', kafka, kafkaText),
  'source log stream': fromLog()({ stream: 't' }),
  'source log start': fromLog()({ start: 'latest' }),
  'source log partitioned_by': planned({ partitioned_by: ['id'] }),
  'source log stop': planned({ stop: 'end' }),
  'source log path': fromLog({ path: 'logs' })({ path: 'logs' }, { path: 'empty/../logs/x' }),
  'source log on_gap': {
    file: 'packages/source-log/test/log.test.ts',
    test: 'stops when the log was recreated, and when retention has removed what comes next',
  },
  'source log poll': {
    file: 'packages/source-log/test/log.test.ts',
    test: 'is readable while it is written, and a reader comes to its end',
  },
  'sink log stream': toLog({ stream: 'u' }),
  'sink log format': toLog({ format: 'text' }, { format: 'json' }, { value: 'string' }),
  'sink log value_field': toLog(
    { format: 'text', value_field: 'value' },
    { format: 'text', value_field: 'other' },
    { value: 'string', other: 'string?' },
  ),
  'sink log key': toLog({ key: 'id' }),
  'sink log headers_field': toLog({ headers_field: 'headers' }),
  'sink log on_null': withoutValue,
  'sink log path': toLog({ path: 'logs' }),
  'sink log partitions': toLog({ partitions: 3 }),
  'sink log retention': {
    file: 'packages/source-log/test/log.test.ts',
    test: 'stops when the log was recreated, and when retention has removed what comes next',
  },
  'sink log retention.time': toLog({ retention: { time: '1ms' } }, { retention: { time: '1h' } }),
  'sink log retention.size': {
    file: 'packages/source-log/test/log.test.ts',
    test: 'stops when the log was recreated, and when retention has removed what comes next',
  },
  'source kafka stream': kafka({ stream: 't' }),
  'source kafka start': live(
    'saves where it began before it gives a record, and asks `start` only where nothing was read before',
  ),
  'source kafka on_gap': live('goes on at the end with `on_gap: latest`'),
  'source kafka max_bytes': live('gives each partition its turn, though a record is larger than an answer'),
  'source kafka report_group': live('sets the offsets of a group for lag tools'),
  'sink kafka stream': {
    a: 's',
    b: 't',
    see: (stream) => sinkKafka.writes!({ ...streamDefaults, stream } as never, env),
  },
  'sink kafka format': accepted({ format: 'text', value_field: 'one' }, { format: 'bytes', value_field: 'one' }),
  'sink kafka value_field': accepted(
    { format: 'text', value_field: 'missing' },
    { format: 'text', value_field: 'one' },
  ),
  'sink kafka headers_field': accepted({ headers_field: 'one' }),
  'sink kafka on_null': withoutValue,
}
