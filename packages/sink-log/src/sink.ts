/**
 * Appends records to a stream of the embedded log. A write returns when its records are durable and readable. Records
 * of a write that is repeated after a crash are appended again with the same ids, which the next hop inherits.
 */
import { join } from 'node:path'
import {
  defineSink,
  type Env,
  option,
  type Sink,
  type Static,
  throwFailures,
  wireBytes,
  type WireText,
  retryWhileBusy,
  type WriteFailure,
} from '@millrace/core'
import { describeLog, type Log, logPath, openLog } from '@millrace/client-log'
import { type EncodedValues, jsonForm, streamAccepts, streamEncoder, streamSinkOptions } from '@millrace/kinds'
import { OutputBytes } from '@millrace/formats'

const options = option.object({
  ...streamSinkOptions,
  path: option.optional(
    option.path(
      'The folder of the log; every stream is a file in it. Default: `log` in the data folder of the profile.',
    ),
  ),
  partitions: option.integer(
    'The number of partitions of the stream when it is created; records with the same key stay in one.',
    {
      default: 1,
      min: 1,
      max: 1024,
    },
  ),
  retention: option.optional(
    option.object(
      {
        time: option.optional(
          option.duration('Records older than this are removed when others are written.', { example: '7d' }),
        ),
        size: option.optional(
          option.size('The oldest records are removed when the kept ones exceed this size, compressed.', {
            example: '1GiB',
          }),
        ),
      },
      'Which records are kept; default: all.',
    ),
  ),
})
type Options = Static<typeof options>

const folderOf = (o: Pick<Options, 'path'>, env: Env): string => (o.path ? env.resolve(o.path) : join(env.home, 'log'))

export const sinkLog = defineSink({
  kind: 'sink',
  type: 'log',
  serves: ['stream'],
  summary: 'Appends records to a stream of the embedded log: durable, partitioned, for any number of readers.',
  options,
  capabilities: () => ({
    label: 'at-least-once',
    how: 'appended and fsynced; a repeated record keeps its id, which the next hop inherits',
  }),
  writes: (o, env) => [`log:${logPath(folderOf(o, env), o.stream)}`],
  async probe(o, env) {
    return `stream ${o.stream} ${describeLog(logPath(folderOf(o, env), o.stream)) ?? 'does not exist yet: the first run creates it'}`
  },
  accepts: (o, input) => streamAccepts(encodingOf(o), input),
  mapping: jsonForm,
  create(o, ctx): Sink {
    const encode = streamEncoder({ schema: ctx.schema, ...encodingOf(o) })
    const path = logPath(folderOf(o, ctx), o.stream)
    const limits = { maxAgeMs: o.retention?.time, maxBytes: o.retention?.size }
    const sorted = new OutputBytes()
    let log: Log | undefined
    let turn = 0
    return {
      async open({ signal }) {
        log = await retryWhileBusy(path, signal, () => openLog(path, { partitions: o.partitions }))
      },
      async write(records, { signal }) {
        const { partitions } = log!
        const time = Date.now()
        const keyless = turn++ % partitions
        const failures: WriteFailure[] = []
        for (const piece of encode(records, failures)) {
          const chunks = (partitions === 1 ? [whole(piece)] : split(piece, partitions, keyless, sorted)).map(
            (chunk) => ({
              ...chunk,
              time,
            }),
          )
          await retryWhileBusy(path, signal, () => log!.append(chunks, limits))
        }
        throwFailures(failures)
      },
      async close() {
        log?.close()
        log = undefined
      },
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

/** All records as one chunk. */
function whole({ records, body, ends, lines, keys, headers, nulls }: EncodedValues) {
  return {
    partition: 0,
    count: records.length,
    ids: records.idParts() ?? records.ids(),
    keys: keys.some((k) => k !== null) ? keys : undefined,
    headers,
    nulls,
    body,
    ends: lines ? undefined : ends,
  }
}

/**
 * The records by partition of their key; those without a key go to `keyless`. Their values are put in that order into
 * `sorted`.
 */
function split({ records, ...values }: EncodedValues, partitions: number, keyless: number, sorted: OutputBytes) {
  const { keys, headers, nulls, starts, ends, body, lines } = values
  const parts = records.idParts()
  const ids = parts?.rests ?? records.ids()
  const of = new Map<number, number[]>()
  for (const [i, key] of keys.entries()) {
    const p = key === null ? keyless : partitionOf(key, partitions)
    const indexes = of.get(p)
    if (indexes) indexes.push(i)
    else of.set(p, [i])
  }
  sorted.clear()
  sorted.grow(body.length)
  return [...of].map(([partition, indexes]) => {
    const from = sorted.at
    const until = indexes.map((i) => {
      sorted.bytes(body.subarray(starts[i]!, ends[i]! + (lines ? 1 : 0)))
      return sorted.at - from
    })
    const picked = indexes.map((i) => ids[i]!)
    return {
      partition,
      count: indexes.length,
      ids: parts ? { common: parts.common, rests: picked } : (picked as string[]),
      keys: indexes.map((i) => keys[i]!),
      headers: headers && indexes.map((i) => headers[i]!),
      nulls: nulls && new Set(indexes.flatMap((i, k) => (nulls.has(i) ? [k] : []))),
      body: sorted.buffer.subarray(from, sorted.at),
      ends: lines ? undefined : Int32Array.from(until),
    }
  })
}

/** FNV-1a of the key's UTF-16 units, or of its bytes if it is not UTF-8. */
function partitionOf(key: WireText, partitions: number): number {
  let hash = 0x811c9dc5
  if (typeof key !== 'string') for (const byte of wireBytes(key)) hash = Math.imul(hash ^ byte, 0x01000193)
  else for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % partitions
}
