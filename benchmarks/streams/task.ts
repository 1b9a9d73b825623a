/**
 * One contestant in its own process: `node task.ts NAME`. It prints what its loop cost, without the start of the
 * process, as JSON. BENCH_LINES: the JSON lines that are read or written; BENCH_KAFKA: a broker; BENCH_TOPIC: the
 * topic; BENCH_LOG: the folder of the embedded log.
 */
import { closeSync, createReadStream, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  freshRead,
  isBatch,
  batch,
  type Env,
  Records,
  type RecordType,
  type Row,
  type Source,
  type SourceDefinition,
  type SinkDefinition,
} from '@millrace/core'
import { keepYoungGenerationSmall } from '../../packages/cli/src/young-generation.ts'
import { sinkKafka } from '../../packages/sink-kafka/src/sink.ts'
import { sinkLog } from '../../packages/sink-log/src/sink.ts'
import { sourceKafka } from '../../packages/source-kafka/src/source.ts'
import { sourceLog } from '../../packages/source-log/src/source.ts'

const {
  BENCH_ROWS: most,
  BENCH_LINES: lines = '',
  BENCH_KAFKA: kafka = '',
  BENCH_TOPIC: topic = '',
  BENCH_LOG: folder = '',
} = process.env
const batchRows = 1000
const env: Env = { root: '/', home: '/', profile: 'bench', pipeline: 'bench', id: 'x', resolve: (path) => path }
const signal = new AbortController().signal
const text = { type: { kind: 'string' }, optional: false } as const
const optionalText = { type: { kind: 'string' }, optional: true } as const
const invoice: RecordType = {
  fields: {
    InvoiceNo: text,
    StockCode: text,
    Description: optionalText,
    Quantity: { type: { kind: 'integer' }, optional: false },
    InvoiceDate: text,
    UnitPrice: { type: { kind: 'number' }, optional: false },
    CustomerID: optionalText,
    Country: text,
  },
}
/** A value as it is, and its key: what a sink writes when it does not have to produce JSON. */
const encoded: RecordType = { fields: { InvoiceNo: text, value: { type: { kind: 'bytes' }, optional: false } } }

function values(): Buffer[] {
  const bytes = readFileSync(lines)
  const found: Buffer[] = []
  for (let at = 0; at < bytes.length && !(found.length === Number(most)); ) {
    const end = bytes.indexOf(10, at)
    found.push(bytes.subarray(at, end))
    at = end + 1
  }
  return found
}

/** The records of the lines, in batches, as a source passes them to a sink: as they are, or parsed. */
function batches(parsed = false): Records[] {
  const all = values()
  const made: Records[] = []
  for (let at = 0; at < all.length; at += batchRows) {
    const rows: Row[] = all.slice(at, at + batchRows).map((value) => {
      const row = JSON.parse(value.toString()) as { InvoiceNo: string }
      return parsed ? row : { InvoiceNo: row.InvoiceNo, value }
    })
    made.push(
      new Records({
        rows,
        pipeline: 'bench',
        from: [
          { source: 'source', batch: batch({ split: 'input.csv#0123456789abcdef', rows, positionAt: (i) => at + i }) },
        ],
      }),
    )
  }
  return made
}

/** What a task does before it is measured returns the function to measure, which returns the number of records. */
const tasks: Readonly<Record<string, () => Promise<() => Promise<number> | number>>> = {
  async parse() {
    const all = values()
    let sum = 0
    return () => {
      for (const value of all) sum += (JSON.parse(value as unknown as string) as { Quantity: number }).Quantity
      if (!Number.isFinite(sum)) throw new Error('sum')
      return all.length
    }
  },
  'kafka-read': async () =>
    readFrom(
      (sourceKafka as SourceDefinition).create(
        {
          stream: topic,
          brokers: [kafka],
          format: 'json',
          value_field: 'value',
          start: 'earliest',
          stop: 'end',
          on_gap: 'fail',
          max_bytes: 1 << 20,
          max_wait: 100,
        },
        { ...env, schema: invoice, unknownFields: 'drop' },
      ),
    ),
  'kafka-write': async () =>
    writeTo(
      (sinkKafka as SinkDefinition).create(
        {
          stream: topic,
          brokers: [kafka],
          format: 'bytes',
          value_field: 'value',
          key: 'InvoiceNo',
          order: 'strict',
          compression: 'zstd',
          in_flight: 4,
          max_message: 1 << 20,
          create: { partitions: 3, replicas: 1, config: {} },
        },
        { ...env, schema: encoded },
      ),
    ),
  'log-read': async () =>
    readFrom(
      (sourceLog as SourceDefinition).create(
        {
          stream: 'bench',
          path: folder,
          format: 'json',
          value_field: 'value',
          start: 'earliest',
          stop: 'end',
          on_gap: 'fail',
          poll: 20,
        },
        { ...env, schema: invoice, unknownFields: 'drop' },
      ),
    ),
  'log-write': async () =>
    writeTo(
      (sinkLog as SinkDefinition).create(
        {
          stream: 'bench',
          path: folder,
          format: 'bytes',
          value_field: 'value',
          key: 'InvoiceNo',
          order: 'strict',
          partitions: 1,
        },
        { ...env, schema: encoded },
      ),
    ),
  'log-write-json': async () =>
    writeTo(
      (sinkLog as SinkDefinition).create(
        {
          stream: 'bench',
          path: folder,
          format: 'json',
          value_field: 'value',
          key: 'InvoiceNo',
          order: 'strict',
          partitions: 1,
        },
        { ...env, schema: invoice },
      ),
      true,
    ),
  /** Lines from a file, as one would read them by hand. */
  'lines-read': async () => async () => {
    let n = 0
    for await (const line of createInterface({ input: createReadStream(lines), crlfDelay: Number.POSITIVE_INFINITY })) {
      JSON.parse(line)
      n++
    }
    return n
  },
  /** The same bytes in the same batches, each fsynced. */
  async 'lines-write'() {
    const bodies = batches().map((records) =>
      Buffer.concat(records.rows.map((row) => Buffer.concat([row['value'] as Buffer, Buffer.from('\n')]))),
    )
    const { length } = values()
    return () => {
      const file = openSync(`${folder}/bare.jsonl`, 'w')
      for (const body of bodies) {
        writeSync(file, body)
        fsyncSync(file)
      }
      closeSync(file)
      return length
    }
  },
}

function readFrom(source: Source): () => Promise<number> {
  return async () => {
    let n = 0
    let sum = 0
    for await (const given of source.read(freshRead(signal))) {
      if (!isBatch(given)) continue
      const { rows } = given
      for (const row of rows) sum += row['Quantity'] as number
      n += rows.length
    }
    await source.close?.()
    if (!Number.isFinite(sum)) throw new Error('sum')
    return n
  }
}

async function writeTo(sink: ReturnType<SinkDefinition['create']>, parsed = false): Promise<() => Promise<number>> {
  const all = batches(parsed)
  await sink.open?.({ signal, incarnation: 1, instance: { i: 0, n: 1 }, warn: () => {} } as never)
  return async () => {
    let n = 0
    for (const [i, records] of all.entries()) {
      await sink.write(records, { signal, epoch: 1 })
      n += records.rows.length
      if (i % 10 === 9) await sink.flush?.({ signal, epoch: 1, roll: false, end: false })
    }
    await sink.flush?.({ signal, epoch: 1, roll: false, end: true })
    await sink.close?.()
    return n
  }
}

// All contestants run the way the command does.
keepYoungGenerationSmall(false)
const run = await tasks[process.argv[2]!]!()
globalThis.gc?.()
const before = process.cpuUsage()
const started = performance.now()
const records = await run()
const { user, system } = process.cpuUsage(before)
console.log(JSON.stringify({ cpu: (user + system) / 1e6, wall: (performance.now() - started) / 1000, records }))
