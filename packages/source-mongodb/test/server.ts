/** Collections to read on the real server. */
import { isBatch } from '@millrace/core'
import { randomUUID } from 'node:crypto'
import { type Document, MongoClient } from 'mongodb'
import type { Batch, Env, Json, RecordType, Row, SourceContext } from '@millrace/core'
import definitions from '../src/index.ts'
import type { Options } from '../src/source.ts'

export const [definition] = definitions

/** Makes a collection in a database of its own and returns its options; `drop` takes it away again. */
export async function putDocuments(
  url: string,
  documents: readonly Document[],
  drop: (cleanup: () => unknown) => void,
): Promise<Options> {
  const database = `read-${randomUUID().slice(0, 13)}`
  const client = new MongoClient(url)
  drop(async () => {
    await client.db(database).dropDatabase()
    await client.close()
  })
  const collection = client.db(database).collection('docs')
  if (documents.length > 0) await collection.insertMany(documents.map((document) => ({ ...document })))
  else await client.db(database).createCollection('docs')
  return { url, database, collection: 'docs' } as unknown as Options
}

const env: Env = { root: '/', home: '/', profile: 'live', pipeline: 'p', id: 'in', resolve: (path) => path }
export const contextOf = (schema: RecordType, more: Partial<SourceContext> = {}): SourceContext => ({
  ...env,
  schema,
  unknownFields: 'drop',
  ...more,
})

/** All batches from `at` on. */
export async function readAll(
  options: Options,
  schema: RecordType,
  more: { at?: Json; context?: Partial<SourceContext>; onBatch?: (batch: Batch) => unknown } = {},
): Promise<Batch[]> {
  const source = definition!.create(options, contextOf(schema, more.context))
  const batches: Batch[] = []
  const { signal } = new AbortController()
  for await (const batch of source.read({
    signal,
    resume: () => more.at,
    recall: () => undefined,
    recallAll: () => [],
    owns: () => true,
    wants: () => true,
    whenWanted: () => Promise.resolve(),
    instance: { i: 0, n: 1 },
    warn: () => {},
  })) {
    if (!isBatch(batch)) continue
    batches.push(batch)
    await more.onBatch?.(batch)
  }
  return batches
}

export const rowsOf = (batches: readonly Batch[]): readonly Row[] => batches.flatMap((batch) => batch.rows)
