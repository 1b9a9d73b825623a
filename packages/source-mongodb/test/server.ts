/** Collections to read on the real server. */
import {
  type Batch,
  type Env,
  freshRead,
  isBatch,
  type Json,
  type RecordType,
  type Row,
  type SourceContext,
} from '@millrace/core'
import { randomUUID } from 'node:crypto'
import { type Document, MongoClient } from 'mongodb'
import definitions from '../src/index.ts'
import type { Options } from '../src/options.ts'

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

/** The collection is dropped and recreated, with the same documents. */
export async function makeAnew(options: Options, documents: readonly Document[]): Promise<void> {
  const client = new MongoClient(options.url as unknown as string)
  const collection = client.db(options.database).collection(options.collection)
  await collection.drop()
  await collection.insertMany(documents.map((document) => ({ ...document })))
  await client.close()
}

/** The collection's UUID, as positions name it. */
export async function uuidOf(options: Options): Promise<string> {
  const client = new MongoClient(options.url as unknown as string)
  const [found] = await client.db(options.database).listCollections({ name: options.collection }).toArray()
  await client.close()
  return (found as unknown as { info: { uuid: { toHexString(dashes: boolean): string } } }).info.uuid.toHexString(false)
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
  for await (const batch of source.read(freshRead(signal, { resume: () => more.at }))) {
    if (!isBatch(batch)) continue
    batches.push(batch)
    await more.onBatch?.(batch)
  }
  return batches
}

export const rowsOf = (batches: readonly Batch[]): readonly Row[] => batches.flatMap((batch) => batch.rows)
