/**
 * Kafka -> projection -> MongoDB as one writes it by hand on the same two clients: a consumer's stream, upserts of
 * 1,000, offsets committed after each.
 */
import { Consumer } from '@platformatic/kafka'
import { MongoClient } from 'mongodb'

const {
  BENCH_KAFKA: broker,
  BENCH_IN: from,
  BENCH_MONGODB: url,
  BENCH_DATABASE: database,
  BENCH_RECORDS: records,
} = process.env as Record<string, string>
const client = new MongoClient(url!)
const collection = client.db(database).collection<{ _id: string }>('lines')
const consumer = new Consumer({
  clientId: 'loop',
  groupId: `loop-${process.pid}-${Date.now()}`,
  bootstrapBrokers: [broker!],
})
const stream = await consumer.consume({
  topics: [from!],
  mode: 'earliest',
  autocommit: false,
  maxWaitTime: 100,
  maxBytes: 1 << 20,
})
let seen = 0
let batch: { _id: string }[] = []
for await (const { value, partition, offset } of stream) {
  const { InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, Country } = JSON.parse(
    value as unknown as string,
  ) as Record<string, unknown>
  batch.push({
    _id: `${partition}-${offset}`,
    InvoiceNo,
    StockCode,
    Description,
    Quantity,
    InvoiceDate,
    UnitPrice,
    country: Country,
  } as { _id: string })
  seen++
  if (batch.length < 1000 && seen < Number(records)) continue
  await collection.bulkWrite(
    batch.map((doc) => ({ replaceOne: { filter: { _id: doc._id }, replacement: doc, upsert: true } })),
    { ordered: false, writeConcern: { w: 'majority', journal: true } },
  )
  await consumer.commit({ offsets: [{ topic: from!, partition, offset: offset + 1n, leaderEpoch: -1 }] })
  batch = []
  if (seen === Number(records)) break
}
await consumer.close(true)
await client.close()
