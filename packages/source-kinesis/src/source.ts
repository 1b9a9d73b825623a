/**
 * Reads a stream of Kinesis: this process reads all shards, and positions are in the pipeline's state, so there is no
 * table of leases.
 */
import { DataError, defineSource, fromText, type Problem, type Source, type SourceContext } from '@millrace/core'
import { kinesisProblems } from '@millrace/client-kinesis'
import type { OpenStream } from '@millrace/client-kinesis/driver'
import { asBytes, bytesContext, decodeAgain, streamCapabilities, streamDecoderOf } from '@millrace/kinds'
import { lookAt } from './look.ts'
import { type Options, options } from './options.ts'
import { readStream } from './read.ts'

const timestamp = fromText({ kind: 'timestamp' })

export const sourceKinesis = defineSource({
  kind: 'source',
  type: 'kinesis',
  serves: ['stream'],
  summary: 'Reads a stream of Kinesis, with positions in the pipeline’s own state.',
  options,
  check: (o) => [...kinesisProblems(o), ...startProblems(o)],
  // A child shard waits for its parents, and another instance would not know when they end.
  capabilities: (o) => ({ ...streamCapabilities(o), shares: false }),
  reads: (o) => [`kinesis:${o.stream}`],
  decoder(o, ctx) {
    const decoder = streamDecoderOf(o, ctx)
    return (bytes, context, beside) => decodeAgain(decoder, bytes, context, beside)
  },
  create: (o, ctx) => createReader(o, ctx),
  async probe(o, env, signal) {
    const { openStream } = await import('@millrace/client-kinesis/driver')
    const stream = openStream(o, env, signal)
    try {
      const { openShards, retentionMs } = await stream.facts()
      return `stream ${o.stream} has ${openShards} open shards and keeps records for ${retentionMs / 3_600_000} hours`
    } finally {
      stream.close()
    }
  },
  look(o, env) {
    const plain = {
      ...o,
      ...asBytes,
      create: undefined,
      start_at: undefined,
      on_gap: 'earliest',
      max_records: 1000,
    } as const
    return lookAt({ ...plain, stop: 'end' }, env, (stop) => createReader({ ...plain, stop }, bytesContext(env)))
  },
})

function startProblems({ start_at: at }: Options): Problem[] {
  if (at === undefined) return []
  try {
    timestamp(at)
    return []
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    return [{ code: 'bad_value', message: `\`start_at\`: ${error.message}`, at: ['start_at'] }]
  }
}

/** A reader of one stream. `refreshMs`: how often the list of shards is read again. */
export function createReader(o: Options, ctx: SourceContext, refreshMs = 30_000): Source {
  const decoder = streamDecoderOf(o, ctx)
  const startMs = o.start_at === undefined ? undefined : (timestamp(o.start_at) as number)
  let stream: OpenStream | undefined
  return {
    async *read(read) {
      const { signal } = read
      if (signal.aborted) return
      const { openStream } = await import('@millrace/client-kinesis/driver')
      stream?.close()
      stream = openStream(o, ctx, signal)
      try {
        if (o.create) await stream.create(o.create.shards)
        yield* readStream(stream, o, decoder, read, startMs, refreshMs)
      } catch (error) {
        if (!signal.aborted) throw error
      }
    },
    locate: (split, position) => Promise.resolve(`stream ${o.stream}, ${split}, sequence number ${position}`),
    close() {
      stream?.close()
      return Promise.resolve()
    },
  }
}
