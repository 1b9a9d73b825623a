/**
 * What a flow left in its stores and streams, read by means other than ours (SQLite's own reader, the database's
 * driver, a consumer of the client library) and written as JSON lines: documents in the order of their keys, so the
 * exports of two profiles can be compared byte for byte; messages in the order of their partition.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { zstdDecompressSync } from 'node:zlib'
import { Consumer } from '@platformatic/kafka'
import { MongoClient } from 'mongodb'
import { dynamodbLines, kinesisMessages } from './aws.ts'

/** Where a flow ran. */
export interface Place {
  readonly profile: string
  readonly folder: string
  /** The variables of the profile. */
  readonly env: Readonly<Record<string, string>>
}

/** A message of a stream. */
export interface Message {
  readonly partition: number
  readonly key: string | null
  /** The id that it carries. */
  readonly id: string
  readonly value: unknown
}

/**
 * Exports a collection; `database`: its name without prefix. Returns the number of documents and the SHA-256 of the
 * file.
 */
export async function exportCollection(
  place: Place,
  database: string,
  collection: string,
  path: string,
): Promise<{ documents: number; sha256: string }> {
  mkdirSync(dirname(path), { recursive: true })
  const hash = createHash('sha256')
  let documents = 0
  const counted = new Transform({
    transform(line: Buffer, _encoding, done) {
      documents++
      hash.update(line)
      done(null, line)
    },
  })
  const lines = linesIn[place.profile]!(place, database, collection)
  await pipeline(Readable.from(lines), counted, createWriteStream(path))
  return { documents, sha256: hash.digest('hex') }
}

/** How each profile's store is read. */
const linesIn: Readonly<
  Record<string, (place: Place, database: string, collection: string) => Iterable<string> | AsyncIterable<string>>
> = { local: sqliteLines, 'kafka-mongo': mongoLines, aws: dynamodbLines }

function* sqliteLines({ folder }: Place, _database: string, collection: string): Generator<string> {
  const db = new DatabaseSync(join(folder, '.millrace/local/store.db'), { readOnly: true })
  try {
    for (const row of db.prepare(`SELECT id, doc FROM "${collection}" ORDER BY id`).iterate())
      yield `${JSON.stringify({ _id: row['id'], ...(JSON.parse(row['doc'] as string) as object) })}\n`
  } finally {
    db.close()
  }
}

async function* mongoLines({ env }: Place, database: string, collection: string): AsyncGenerator<string> {
  const client = new MongoClient(env['MONGODB_URL']!)
  try {
    const found = client
      .db(`${env['NAME_PREFIX'] ?? ''}${database}`)
      .collection(collection)
      .find({}, { sort: { _id: 1 }, batchSize: 5000 })
    for await (const document of found) yield `${JSON.stringify(document)}\n`
  } finally {
    await client.close()
  }
}

/** The messages of a stream, partition by partition, each in order. */
export async function messagesOf(place: Place, stream: string): Promise<Message[]> {
  const read = { local: logMessages, 'kafka-mongo': kafkaMessages, aws: kinesisMessages }[place.profile]!
  const messages = await read(place, stream)
  return messages.toSorted((a, b) => a.partition - b.partition)
}

function logMessages({ folder }: Place, stream: string): Message[] {
  const db = new DatabaseSync(join(folder, `.millrace/local/log/${stream}.db`), { readOnly: true })
  const unpacked = (bytes: unknown) => zstdDecompressSync(bytes as Uint8Array).toString()
  try {
    return db
      .prepare('SELECT partition, ids, keys, zstd, body FROM chunk ORDER BY partition, base')
      .all()
      .flatMap((row) => {
        const body = row['zstd'] ? unpacked(row['body']) : Buffer.from(row['body'] as Uint8Array).toString()
        const stored = JSON.parse(typeof row['ids'] === 'string' ? row['ids'] : unpacked(row['ids'])) as
          | string[]
          | { common: string; rests: string }
        const ids = Array.isArray(stored) ? stored : stored.rests.split(',').map((rest) => stored.common + rest)
        const keys = row['keys'] === null ? [] : (JSON.parse(row['keys'] as string) as (string | null)[])
        const values = body.trimEnd().split('\n')
        return values.map((value, i) => ({
          partition: Number(row['partition']),
          key: keys[i] ?? null,
          id: ids[i]!,
          value: JSON.parse(value) as unknown,
        }))
      })
  } finally {
    db.close()
  }
}

async function kafkaMessages({ env }: Place, stream: string): Promise<Message[]> {
  const topic = `${env['NAME_PREFIX'] ?? ''}${stream}`
  const consumer = new Consumer({
    clientId: 'accept',
    groupId: `accept-${process.pid}-${stream}`,
    bootstrapBrokers: env['KAFKA_BROKER']!.split(','),
  })
  try {
    const ends = (await consumer.listOffsets({ topics: [topic], timestamp: -1n })).get(topic)!
    let left = ends.reduce((sum, end) => sum + Number(end), 0)
    const messages: Message[] = []
    if (left === 0) return messages
    const reading = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false })
    for await (const { partition, key, value, headers } of reading) {
      const id = [...headers].find(([name]) => String(name) === 'millrace-id')?.[1]
      messages.push({
        partition,
        key: key?.toString() ?? null,
        id: String(id),
        value: JSON.parse(value!.toString()) as unknown,
      })
      if (--left === 0) break
    }
    await reading.close()
    return messages
  } finally {
    await consumer.close(true)
  }
}

/** The JSON lines of an export, one by one. */
export async function* linesOf<T>(path: string): AsyncGenerator<T> {
  for await (const line of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity }))
    yield JSON.parse(line) as T
}

/** The first `n` of them; default all. */
export async function collect<T>(values: AsyncIterable<T>, n = Number.POSITIVE_INFINITY): Promise<T[]> {
  const found: T[] = []
  for await (const value of values) if (found.push(value) >= n) break
  return found
}
