/**
 * Kafka -> date, project -> Kafka as one writes it by hand on kafkajs: `eachBatch`, dayjs, sends of 1,000, offsets
 * committed through the group.
 */
import dayjs from 'dayjs'
import customParseFormat from 'dayjs/plugin/customParseFormat.js'
import { Kafka, logLevel, Partitioners } from 'kafkajs'

dayjs.extend(customParseFormat)
process.removeAllListeners('warning').on('warning', () => {})
const {
  BENCH_KAFKA: broker,
  BENCH_IN: from,
  BENCH_OUT: to,
  BENCH_RECORDS: records,
} = process.env as Record<string, string>
const kafka = new Kafka({ clientId: 'loop', brokers: [broker!], logLevel: logLevel.NOTHING })
// kafkajs has no built-in zstd; Node has.
const { CompressionCodecs } = (await import('kafkajs')).default
const zlib = await import('node:zlib')
CompressionCodecs[4] = () => ({
  compress: async (encoder: { buffer: Buffer }) => zlib.zstdCompressSync(encoder.buffer),
  decompress: async (bytes: Buffer) => zlib.zstdDecompressSync(bytes),
})
const producer = kafka.producer({
  idempotent: true,
  maxInFlightRequests: 1,
  createPartitioner: Partitioners.DefaultPartitioner,
})
const consumer = kafka.consumer({ groupId: `loop-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 100 })
await Promise.all([producer.connect(), consumer.connect()])
await consumer.subscribe({ topics: [from!], fromBeginning: true })
let seen = 0
const done = Promise.withResolvers<void>()
await consumer.run({
  eachBatch: async ({ batch }) => {
    const messages = batch.messages.map(({ value, headers }) => {
      const row = JSON.parse(value!.toString()) as Record<string, string | number | null>
      const { InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, Country } = row
      const date = dayjs(InvoiceDate as string, 'M/D/YYYY H:mm', true)
      if (!date.isValid()) throw new Error(`no date: ${InvoiceDate}`)
      const made = {
        InvoiceNo,
        StockCode,
        Description,
        Quantity,
        InvoiceDate: date.format('YYYY-MM-DD HH:mm:ss'),
        UnitPrice,
        country: Country,
      }
      return { key: String(InvoiceNo), value: JSON.stringify(made), headers: headers ?? {} }
    })
    // The cost of a send grows with the square of its number of messages.
    for (let at = 0; at < messages.length; at += 1000)
      await producer.send({ topic: to!, acks: -1, compression: 4, messages: messages.slice(at, at + 1000) })
    seen += messages.length
    if (seen >= Number(records)) done.resolve()
  },
})
await done.promise
await consumer.disconnect()
await producer.disconnect()
