/** A database of its own on the real server, for live tests. */
import { randomUUID } from 'node:crypto'
import { MongoClient } from 'mongodb'
import {
  batch,
  type OpenContext,
  type PartialWriteError,
  Records,
  type RecordType,
  type Row,
  type Sink,
  type WriteFailure,
} from '@millrace/core'
import { afterAll, afterEach } from 'vitest'
import definitions from '../src/index.ts'
import type { Options } from '../src/options.ts'

/** Of this file alone: the server knows clients by it, and fails those that a test names. */
export const pipeline = `p${randomUUID().slice(0, 8)}`

const [definition] = definitions
const clients: MongoClient[] = []
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})
afterAll(async () => {
  for (const client of clients) await client.close()
})

export interface Server {
  readonly url: string
  readonly client: MongoClient
  /** A new database, dropped at the end of the test. */
  database(): string
  /** Documents in the order of their keys, with the driver's own values. */
  documents(database: string, collection: string): Promise<Row[]>
  /** A sink, opened; closed at the end of the test. */
  open(
    options: Partial<Options> & { readonly collection: string },
    schema: RecordType,
    more?: { readonly url?: string },
  ): Promise<{ sink: Sink; database: string }>
}

export const resolved = (options: Partial<Options>): Options =>
  ({ write: 'upsert', nulls: 'write', ...options }) as Options

export function makeServer(url: string): Server {
  const client = new MongoClient(url, { useBigInt64: true })
  clients.push(client)
  const database = () => {
    const name = `test-${randomUUID().slice(0, 13)}`
    cleanups.push(() => client.db(name).dropDatabase())
    return name
  }
  return {
    url,
    client,
    database,
    documents: (name, collection) =>
      client
        .db(name)
        .collection(collection)
        .find({}, { sort: { _id: 1 } })
        .toArray() as Promise<Row[]>,
    async open(options, schema, more = {}) {
      const name = options.database ?? database()
      const env = { root: '/', home: '/', profile: 'live', pipeline, id: 'out', resolve: (path: string) => path }
      const sink = definition!.create(
        resolved({ url: more.url ?? url, database: name, ...options } as Partial<Options>),
        { ...env, schema },
      )
      cleanups.push(() => sink.close?.())
      await sink.open!(openContext())
      return { sink, database: name }
    },
  }
}

export const openContext = (): OpenContext => ({
  signal: new AbortController().signal,
  incarnation: 1,
  start: 'test',
  instance: { i: 0, n: 1 },
  warn: () => {},
})

export const writing = { signal: new AbortController().signal, epoch: 1 }

/** Rows as records at the positions `at`, `at + 1`, ... */
export const records = (rows: readonly Row[], at = 0): Records =>
  new Records({
    rows,
    from: [{ source: 'in', batch: batch({ split: 's', rows, positionAt: (i) => at + i }) }],
    pipeline: 'p',
  })

/** What failed in a write, in short. */
export async function failuresOf(
  written: Promise<void> | void,
): Promise<Pick<WriteFailure, 'index' | 'kind' | 'code'>[]> {
  try {
    await written
    return []
  } catch (error) {
    if ((error as Error).name !== 'PartialWriteError') throw error
    return (error as PartialWriteError).failures.map(({ index, kind, code }) => ({ index, kind, code }))
  }
}
