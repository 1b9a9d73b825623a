/** Writes records to a stream of Kinesis, in the order of their keys. A write returns when the stream has them. */
import {
  defineSink,
  failRest,
  fieldOf,
  type Problem,
  type RecordType,
  type Sink,
  throwFailures,
  type WriteFailure,
} from '@millrace/core'
import { kinesisProblems } from '@millrace/client-kinesis'
import type { OpenStream } from '@millrace/client-kinesis/driver'
import { jsonForm, streamAccepts, streamEncoder } from '@millrace/kinds'
import { entriesOf } from './entries.ts'
import { type Options, options } from './options.ts'
import { putAll } from './put.ts'

export const sinkKinesis = defineSink({
  kind: 'sink',
  type: 'kinesis',
  serves: ['stream'],
  summary: 'Writes records to a stream of Kinesis.',
  options,
  check: kinesisProblems,
  capabilities: (o) => ({
    label: 'at-least-once',
    how:
      o.format === 'json'
        ? 'a repeated record keeps its id in `_millrace_id`, which the next hop inherits'
        : `a repeated record is there twice: a value of ${o.format} has no room for its id`,
    limits: {
      key: '256 characters',
      record: `${o.max_message} bytes with its key and id (Kinesis: 1 MiB)`,
      call: '500 records, 5 MiB',
    },
  }),
  writes: (o) => [`kinesis:${o.stream}`],
  accepts: (o, input) => [...streamAccepts(encodingOf(o), input), ...reserved(o, input)],
  mapping: jsonForm,
  async probe(o, env, signal) {
    const { openStream } = await import('@millrace/client-kinesis/driver')
    const stream = openStream(o, env, signal)
    try {
      return `stream ${o.stream} has ${(await stream.facts()).openShards} open shards`
    } finally {
      stream.close()
    }
  },
  create(o, ctx): Sink {
    const encode = streamEncoder({ schema: ctx.schema, ...encodingOf(o) })
    const open = async (signal: AbortSignal): Promise<OpenStream> => {
      const { openStream } = await import('@millrace/client-kinesis/driver')
      return openStream(o, ctx, signal)
    }
    let stream: OpenStream | undefined
    const close = () => {
      stream?.close()
      stream = undefined
    }
    return {
      async open({ signal }) {
        close()
        stream = await open(signal)
        if (o.create) await stream.create(o.create.shards)
        await stream.facts()
      },
      async write(records, { signal }) {
        const failures: WriteFailure[] = []
        let next = 0
        try {
          for (const piece of encode(records, failures)) {
            const entries = entriesOf(piece, o, failures)
            await putAll(entries, o.order, stream!, signal, failures)
            next = piece.indexes.at(-1)! + 1
          }
        } catch (error) {
          failRest(records.length, next, failures, error)
        }
        throwFailures(failures)
      },
      close: () => Promise.resolve(close()),
    }
  },
})

const encodingOf = (o: Options) => ({
  format: o.format,
  valueField: o.value_field,
  key: o.key,
  headersField: o.headers_field,
  onNull: o.on_null,
})

/** The name under which a record's id travels. */
function reserved(o: Options, input: RecordType): Problem[] {
  if (o.format !== 'json' || !fieldOf(input, '_millrace_id')) return []
  const message = 'a field `_millrace_id` cannot be written: the id of the record has that name'
  return [{ code: 'bad_value', message, at: [], hint: 'rename it with `select`' }]
}
