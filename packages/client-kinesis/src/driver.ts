/** The only file that uses the SDK: the calls on one stream, with failures as errors of ours. */
import { setTimeout as wait } from 'node:timers/promises'
import { type Env, SystemError, unlessAborted } from '@millrace/core'
import { awsError, awsErrorName, awsSettings } from '@millrace/client-aws'
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  type PutRecordsRequestEntry,
  type PutRecordsResultEntry,
  PutRecordsCommand,
  type Shard,
  type _Record,
} from '@aws-sdk/client-kinesis'
import type { KinesisOptions } from './options.ts'

export type { Shard }
/** A record as it is stored. */
export type StoredRecord = _Record
/** A record to write, and what became of it. */
export type Entry = PutRecordsRequestEntry
export type EntryResult = PutRecordsResultEntry

/** Where reading a shard begins: after a record, at its beginning, or at a time (ms UTC). */
export type ShardStart = { readonly after: string } | { readonly from: 'beginning' } | { readonly fromMs: number }

/** What is known of a stream. */
export interface StreamFacts {
  /** Names this stream, also after another of the same name took its place. */
  readonly identity: string
  readonly retentionMs: number
  readonly openShards: number
}

/** What one read of a shard gave. */
export interface ShardAnswer {
  readonly records: readonly StoredRecord[]
  /** For the next read; undefined: the shard is closed, and this was its end. */
  readonly next: string | undefined
  /** How far behind the newest record of the shard it was read, ms. */
  readonly behindMs: number
}

/** The calls on one stream. Each throws a `SystemError`, and rejects as soon as the signal aborts. */
export interface OpenStream {
  /** Creates the stream if it does not exist, and waits until it can be used. */
  create(shards: number): Promise<void>
  facts(): Promise<StreamFacts>
  shards(): Promise<readonly Shard[]>
  iterator(shard: string, start: ShardStart): Promise<string>
  /** Undefined: the iterator is too old, so another is needed. */
  records(shard: string, iterator: string, limit: number): Promise<ShardAnswer | undefined>
  /** The outcome of each entry. At most 500 of them and 5 MiB. */
  put(entries: Entry[]): Promise<readonly EntryResult[]>
  close(): void
}

/** Nothing is sent before the first call. */
export function openStream(o: KinesisOptions, env: Pick<Env, 'pipeline'>, signal: AbortSignal): OpenStream {
  const client = new KinesisClient(awsSettings(o, env))
  const StreamName = o.stream
  const call = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    const named = `${doing} the stream ${o.stream}`
    try {
      return await unlessAborted(work(), signal, named)
    } catch (error) {
      throw awsError(error, named, o) ?? refusal(error, named)
    }
  }
  const summary = async () => {
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName }))
    return StreamDescriptionSummary!
  }
  return {
    create: (shards) =>
      call('creating', async () => {
        try {
          await client.send(new CreateStreamCommand({ StreamName, ShardCount: shards }))
        } catch (error) {
          if (awsErrorName(error) !== 'ResourceInUseException') throw error
        }
        while (!signal.aborted && (await summary()).StreamStatus === 'CREATING') await wait(200)
      }),
    facts: () =>
      call('looking up', async () => {
        const found = await summary()
        return {
          identity: `${found.StreamARN}@${found.StreamCreationTimestamp?.getTime()}`,
          retentionMs: found.RetentionPeriodHours! * 3_600_000,
          openShards: found.OpenShardCount!,
        }
      }),
    shards: () =>
      call('listing the shards of', async () => {
        const all: Shard[] = []
        let NextToken: string | undefined
        do {
          const page = await client.send(new ListShardsCommand(NextToken ? { NextToken } : { StreamName }))
          all.push(...(page.Shards ?? []))
          NextToken = page.NextToken
        } while (NextToken && !signal.aborted)
        return all
      }),
    iterator: (ShardId, start) =>
      call(`reading ${ShardId} of`, async () => {
        const where =
          'after' in start
            ? { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' as const, StartingSequenceNumber: start.after }
            : 'fromMs' in start
              ? { ShardIteratorType: 'AT_TIMESTAMP' as const, Timestamp: new Date(start.fromMs) }
              : { ShardIteratorType: 'TRIM_HORIZON' as const }
        const { ShardIterator } = await client.send(new GetShardIteratorCommand({ StreamName, ShardId, ...where }))
        return ShardIterator!
      }),
    records: (ShardId, ShardIterator, Limit) =>
      call(`reading ${ShardId} of`, async () => {
        try {
          const answer = await client.send(new GetRecordsCommand({ ShardIterator, Limit }))
          return {
            records: answer.Records ?? [],
            next: answer.NextShardIterator ?? undefined,
            behindMs: answer.MillisBehindLatest ?? 0,
          }
        } catch (error) {
          if (awsErrorName(error) === 'ExpiredIteratorException') return undefined
          throw error
        }
      }),
    put: (Records) =>
      call('writing to', async () => (await client.send(new PutRecordsCommand({ StreamName, Records }))).Records ?? []),
    close: () => client.destroy(),
  }
}

const refusal = (error: unknown, named: string): SystemError =>
  new SystemError('refused', `${named}: ${awsErrorName(error)}: ${(error as Error).message}`)
