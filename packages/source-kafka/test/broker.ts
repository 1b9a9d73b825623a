/** What the live tests share: writing with the sink, reading with the source, on a given broker. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ReadContext,
  isBatch,
  type Batch,
  batch,
  type Env,
  freshRead,
  type Json,
  ownerOf,
  Records,
  type RecordType,
  type Row,
  type Sink,
  type SinkDefinition,
  type Source,
  type SourceContext,
} from '@millrace/core'
import { sinkKafka } from '../../sink-kafka/src/sink.ts'
import type { Options } from '../src/options.ts'
import { createReader } from '../src/source.ts'

export const schema: RecordType = {
  fields: { n: { type: { kind: 'integer' }, optional: false }, group: { type: { kind: 'string' }, optional: true } },
}
export const env: Env = { root: '/', home: '/', profile: 'live', pipeline: 'test', id: 'x', resolve: (p) => p }
export const never = new AbortController().signal
let count = 0
export const fresh = () => `millrace-${process.pid}-${Date.now()}-${count++}`
export const rowsOf = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, k) => ({ n: from + k, group: `g${(from + k) % 5}` }))
export const records = (rows: readonly Row[]) =>
  new Records({
    rows,
    pipeline: 'p',
    from: [{ source: 's', batch: batch({ split: 'a', rows, positionAt: (i) => rows[i]!['n'] as number }) }],
  })
export const numbers = (batches: readonly Batch[]) =>
  batches.flatMap((b) => b.rows.map((r) => r['n'] as number)).sort((a, b) => a - b)
export const onePartition = { create: { partitions: 1, replicas: 1, config: {} } }

export const defaults = {
  format: 'json',
  value_field: 'value',
  start: 'earliest',
  stop: 'end',
  on_gap: 'fail',
  max_bytes: 1 << 20,
  max_wait: 50,
}

/** How reading is done, apart from the source's options. */
export interface Reading {
  readonly positions?: Map<string, Json>
  readonly instance?: { readonly i: number; readonly n: number }
  readonly refreshMs?: number
  /** Stops after the batch with which it is true. */
  readonly until?: (batches: readonly Batch[]) => boolean
  readonly onBatch?: (batch: Batch) => void
  readonly attempts?: ReadContext['attempts']
}

export function onBroker(brokers: readonly string[]) {
  const sinkOf = async (stream: string, more: Record<string, unknown> = {}): Promise<Sink> => {
    const options = {
      stream,
      brokers,
      format: 'json',
      value_field: 'value',
      key: 'group',
      order: 'strict',
      compression: 'zstd',
      in_flight: 4,
      max_message: 1 << 20,
      create: { partitions: 3, replicas: 1, config: {} },
      ...more,
    }
    const sink = (sinkKafka as SinkDefinition).create(options, { ...env, schema })
    await sink.open!({
      signal: never,
      incarnation: 1,
      start: 'test',
      instance: { i: 0, n: 1 },
      warn: () => {},
    } as never)
    return sink
  }
  const sourceOf = (
    stream: string,
    more: Record<string, unknown> = {},
    refreshMs?: number,
    ctx: Partial<SourceContext> = {},
  ): Source => {
    const options = { ...defaults, stream, brokers, ...more }
    return createReader(options as unknown as Options, { ...env, schema, unknownFields: 'drop', ...ctx }, refreshMs)
  }
  return {
    sinkOf,
    sourceOf,
    async write(stream: string, rows: readonly Row[], more: Record<string, unknown> = {}): Promise<void> {
      const sink = await sinkOf(stream, more)
      for (let at = 0; at < rows.length; at += 500)
        await sink.write(records(rows.slice(at, at + 500)), { signal: never, epoch: 1 })
      await sink.flush!({ signal: never, epoch: 1, roll: false, end: false })
      await sink.close!()
    },
    async read(stream: string, more: Record<string, unknown> = {}, how: Reading = {}): Promise<Batch[]> {
      const { positions = new Map<string, Json>(), instance = { i: 0, n: 1 } } = how
      const source = sourceOf(stream, more, how.refreshMs)
      const batches: Batch[] = []
      const abort = new AbortController()
      try {
        const reading = source.read(
          freshRead(abort.signal, {
            resume: (split) => positions.get(split),
            owns: (split) => ownerOf(split, instance.n) === instance.i,
            instance,
            attempts: how.attempts ?? (() => ({ waitToRetry: () => sleep(100), succeeded: () => {} })),
          }),
        )
        for await (const b of reading) {
          if (!isBatch(b)) continue
          batches.push(b)
          how.onBatch?.(b)
          if (b.position !== undefined) positions.set(b.split, b.position)
          if (how.until?.(batches)) abort.abort()
        }
      } finally {
        await source.close!()
      }
      return batches
    },
  }
}
