/** A schema of its own in the stand-in, and a bucket, for live tests. */
import { mkdtempSync, rmSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { type Flushed, type OpenContext, type RecordType, type Row, type Sink } from '@millrace/core'
import { type CuttingProxy, cuttingProxy, liveUrl } from '@millrace/testkit'
import { afterEach } from 'vitest'
import { records, tableRows as rowsIn } from '../../sink-postgres/test/server.ts'
import { bucketsAt, connection } from '../../sink-s3/test/stand-in.ts'
import { columnOf } from '../src/columns.ts'
import { redshift } from '../src/sink.ts'
import type { Options } from '../src/options.ts'

/** The servers; undefined: they are not there. */
export const urls = (() => {
  const [warehouse, database, s3, glue] = ['REDSHIFT', 'POSTGRES', 'S3', 'GLUE'].map((name) => liveUrl(name))
  return warehouse && database && s3 && glue ? { warehouse, database, s3, glue } : undefined
})()

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** Options as a user typed them. */
export type Some = { readonly [K in keyof Options]?: unknown }

export const { signal } = new AbortController()

export interface Place {
  readonly schema: string
  readonly bucket: string
  readonly buckets: ReturnType<typeof bucketsAt>
  /** Break the connections to Redshift and to the bucket on demand. */
  readonly proxy: CuttingProxy
  readonly s3Proxy: CuttingProxy
  /** Resolved options, with the defaults. */
  options(more?: Some): Options
  /** By the driver alone, before the stand-in. */
  query(sql: string, values?: unknown[]): Promise<Row[]>
  /** By the driver alone, through the stand-in. */
  ask(sql: string): Promise<Row[]>
  /** The keys in the bucket. */
  keys(): Promise<string[]>
  /** A sink, opened; closed at the end of the test. */
  open(options: Some, record: RecordType, more?: Partial<OpenContext>): Promise<Sink>
}

/** A new schema and bucket, dropped at the end. */
export async function makePlace(
  defer: (cleanup: () => unknown) => void = (cleanup) => void cleanups.push(cleanup),
): Promise<Place> {
  const schema = `t_${randomUUID().slice(0, 8)}`
  const behind = new URL(urls!.database)
  behind.pathname = 'dev'
  const [direct, client] = [new Client(behind.href), new Client(urls!.warehouse)]
  await direct.connect()
  await client.connect()
  await client.query(`CREATE SCHEMA ${schema}`)
  defer(async () => {
    await direct.query(`DROP SCHEMA ${schema} CASCADE`)
    await direct.end()
    await client.end()
  })
  const buckets = bucketsAt(urls!.s3)
  const bucket = await buckets.create()
  defer(() => buckets.drop(bucket))
  const [proxy, s3Proxy] = await Promise.all(
    [urls!.warehouse, urls!.s3].map((url) => cuttingProxy(Number(new URL(url).port), new URL(url).hostname)),
  )
  const root = mkdtempSync(join(tmpdir(), 'millrace-redshift-'))
  defer(() => {
    rmSync(root, { recursive: true })
    return Promise.all([proxy!.close(), s3Proxy!.close()])
  })
  const options = (more: Some = {}): Options =>
    ({
      ...connection(`http://127.0.0.1:${s3Proxy!.port}`),
      url: `postgres://test@127.0.0.1:${proxy!.port}/dev`,
      schema,
      bucket,
      path: 'millrace/',
      iam_role: 'default',
      load: 'copy',
      write: 'append',
      existing: 'stop',
      create: true,
      max_text_bytes: 65_535,
      part_size: 65_536,
      compupdate: 'off',
      statupdate: 'off',
      after_load: 'delete',
      ...more,
    }) as Options
  return {
    schema,
    bucket,
    buckets,
    proxy: proxy!,
    s3Proxy: s3Proxy!,
    options,
    query: async (sql, values) => (await direct.query<Row>(sql, values)).rows,
    ask: async (sql) => (await client.query<Row>(sql)).rows,
    keys: () => buckets.keys(bucket),
    async open(more, record, context = {}) {
      const env = { root, home: root, profile: 'live', pipeline: 'p', id: 'out', resolve: (path: string) => path }
      const sink = redshift.create(options(more), { ...env, schema: record })
      defer(() => sink.close?.())
      await sink.open!({ signal, incarnation: 1, start: 's', instance: { i: 0, n: 1 }, warn: () => {}, ...context })
      return sink
    },
  }
}

export const write = async (sink: Sink, rows: readonly Row[], epoch = 1): Promise<void> =>
  sink.write(records(rows), { signal, epoch })

/** A flush with a roll, as it is after a save. */
export const flush = async (sink: Sink, epoch = 1): Promise<Flushed> =>
  JSON.parse(JSON.stringify(await sink.flush!({ signal, epoch, roll: true, end: false }))) as Flushed

export async function publish(sink: Sink, { stages }: Flushed): Promise<void> {
  for (const stage of stages ?? []) await sink.publish!(stage, { signal })
}

/** Everything of one epoch: written, flushed, loaded. */
export async function load(sink: Sink, rows: readonly Row[], epoch = 1): Promise<Flushed> {
  await write(sink, rows, epoch)
  const saved = await flush(sink, epoch)
  await publish(sink, saved)
  return saved
}

/** Rows of a table as rows in memory. */
export const tableRows = (place: Place, table: string, record: RecordType): Promise<Row[]> =>
  rowsIn(place, table, record, columnOf)
