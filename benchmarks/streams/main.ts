/**
 * `npm run bench:streams`: what Kafka and the embedded log cost compared with a floor measured in the same rounds:
 * JSON.parse of the same lines from memory, a bare loop that writes and fsyncs the same bytes, a bare read of the
 * lines, a kafkajs loop for Kafka to Kafka, a hand-written loop for Kafka to MongoDB, a bare fastify route for the
 * gateway. Needs servers: MILLRACE_TEST_KAFKA_URL and MILLRACE_TEST_MONGODB_URL
 * (`npm run services -- run -- npm run bench:streams`). Contestants take turns in each round, figures are medians, and
 * ratios count.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Admin } from '@platformatic/kafka'
import { buildSync } from 'esbuild'
import { MongoClient } from 'mongodb'
import { prepareInputs } from '../input.ts'
import { type Cost, measure, median } from '../measure.ts'
import { freePort } from '../../packages/testkit/src/port.ts'
import { gateway, type Load, type Server, underLoad } from './http.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    only: { type: 'string', multiple: true },
  },
})
const runs = Number(flags.runs ?? (flags.quick ? 1 : 5))
const broker = process.env['MILLRACE_TEST_KAFKA_URL']
if (!broker) throw new Error('MILLRACE_TEST_KAFKA_URL is not set: npm run services -- run -- npm run bench:streams')
const mongodb = process.env['MILLRACE_TEST_MONGODB_URL']
const wanted = (part: string) => !flags.only || flags.only.includes(part)
const out = join(import.meta.dirname, '../../out/bench-streams')
const pipe = join(import.meta.dirname, '../../packages/cli/bin/pipe.mjs')
const stamp = `bench-${process.pid}-${Date.now()}`
const partitions = 3

const fields =
  '{ InvoiceNo: string, StockCode: string, Description: string?, Quantity: integer, InvoiceDate: string, UnitPrice: number, CustomerID: string?, Country: string }'

const sourceOf = (stream: string): string => `source:
  type: kafka
  config: { stream: ${stream}, brokers: ["${broker}"], stop: end }
  schema: { fields: ${fields} }`

interface Told {
  readonly cpu: number
  readonly wall: number
  readonly records: number
  readonly peakMb: number
}

rmSync(join(out, 'work'), { recursive: true, force: true })
mkdirSync(join(out, 'work/log'), { recursive: true })
const inputs = await prepareInputs(join(out, 'input'), flags.quick ? 5000 : undefined)
for (const name of ['task', 'kafkajs-loop', 'mongodb-loop', 'load', 'fastify-bare']) {
  buildSync({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile: join(out, 'work', `${name}.mjs`),
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['@millrace/source'],
    external: ['@platformatic/*', 'kafkajs', 'mongodb', 'fastify'],
    logLevel: 'error',
  })
}
console.log(`${inputs.origin}; Node ${process.version}, median of ${runs}`)
const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [broker], retries: 10 })
const topics: string[] = []
async function topic(name: string): Promise<string> {
  await admin.createTopics({ topics: [name], partitions, replicas: 1 })
  topics.push(name)
  return name
}

const input = await topic(`${stamp}-in`)
let n = 0
/** One task in its own process; only its loop counts. */
async function task(name: string, env: Record<string, string> = {}): Promise<Told> {
  const program = {
    args: ['--expose-gc', join(out, 'work/task.mjs'), name],
    env: {
      BENCH_LINES: inputs.jsonl,
      BENCH_KAFKA: broker!,
      BENCH_TOPIC: input,
      BENCH_LOG: join(out, 'work/log'),
      ...env,
    },
  }
  const { output, peakBytes } = await measure(program)
  const told = JSON.parse(output) as Told
  const rows = Number(env['BENCH_ROWS'] ?? inputs.rows)
  if (told.records !== rows) throw new Error(`${name} had ${told.records} records, not ${rows}`)
  return { ...told, peakMb: peakBytes / 1e6 }
}

type Contestant = readonly [name: string, run: () => Promise<Told>]
async function compare(
  title: string,
  contestants: readonly Contestant[],
  rows = inputs.rows,
): Promise<Map<string, Told>> {
  const all = new Map(contestants.map(([name]) => [name, [] as Told[]]))
  for (let round = 0; round < runs; round++) for (const [name, run] of contestants) all.get(name)!.push(await run())
  const middle = (told: readonly Told[], part: keyof Told) => median(told.map((each) => each[part]))
  const medians = new Map(
    [...all].map(([name, told]) => [
      name,
      { cpu: middle(told, 'cpu'), wall: middle(told, 'wall'), records: rows, peakMb: middle(told, 'peakMb') },
    ]),
  )
  console.log(`\n${title}\n                CPU µs/record   records/s   peak MB`)
  for (const [name, { cpu, wall, peakMb }] of medians)
    console.log(
      `  ${name.padEnd(14)} ${((cpu / rows) * 1e6).toFixed(2).padStart(12)} ${Math.round(rows / wall)
        .toLocaleString('en')
        .padStart(11)} ${peakMb.toFixed(0).padStart(9)}`,
    )
  return medians
}
function judge(what: string, value: number, is: 'most' | 'least', limit: number): void {
  const passed = is === 'most' ? value <= limit : value >= limit
  console.log(
    `  ${flags.quick ? 'ran   ' : passed ? 'passed' : 'MISSED'}  ${what}: ${value.toFixed(2)}, at ${is} ${limit}`,
  )
}

try {
  // The topic that is read holds what the sink wrote.
  await task('kafka-write')
  if (wanted('kafka')) {
    const told = await compare('Kafka, at the source’s read and the sink’s write', [
      ['JSON.parse', () => task('parse')],
      ['read', () => task('kafka-read')],
      ['write', async () => task('kafka-write', { BENCH_TOPIC: await topic(`${stamp}-${n++}`) })],
    ])
    const floor = told.get('JSON.parse')!.cpu
    judge('source: CPU in JSON.parse of the same lines', told.get('read')!.cpu / floor, 'most', 3.2)
    judge('sink without stringify: CPU in JSON.parse of the same lines', told.get('write')!.cpu / floor, 'most', 5.5)
    judge('source: peak MB', told.get('read')!.peakMb, 'most', 350)
  }
  if (wanted('log')) {
    const logs = () => join(out, 'work/log', String(n++))
    const fresh = async (name: string) => {
      const folder = logs()
      mkdirSync(folder)
      try {
        return await task(name, { BENCH_LOG: folder })
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
    const kept = logs()
    mkdirSync(kept)
    await task('log-write', { BENCH_LOG: kept })
    const told = await compare('Embedded log', [
      ['append', () => fresh('log-write')],
      ['write, fsync', () => fresh('lines-write')],
      ['read', () => task('log-read', { BENCH_LOG: kept })],
      ['lines, parse', () => task('lines-read')],
    ])
    judge(
      'append: rate over a bare loop that writes and fsyncs the same bytes',
      told.get('write, fsync')!.wall / told.get('append')!.wall,
      'least',
      0.4,
    )
    judge(
      'read: rate over a bare read of JSON lines',
      told.get('lines, parse')!.wall / told.get('read')!.wall,
      'least',
      0.5,
    )
  }
  if (wanted('pipeline')) {
    const project = join(out, 'work/project')
    mkdirSync(project, { recursive: true })
    writeFileSync(join(project, 'millrace.yaml'), 'version: 1\n')
    const whole = (cost: Cost): Told => ({
      cpu: cost.cpu,
      wall: cost.wall,
      records: inputs.rows,
      peakMb: cost.peakBytes / 1e6,
    })
    const told = await compare('Kafka -> date, project -> Kafka, whole process', [
      [
        'millrace',
        async () => {
          rmSync(join(project, '.millrace'), { recursive: true, force: true })
          writeFileSync(join(project, 'job.yaml'), spec(input, await topic(`${stamp}-${n++}`)))
          return whole(await measure({ args: [pipe, 'run', 'job.yaml', '--json'], cwd: project, env: {} }))
        },
      ],
      [
        'kafkajs',
        async () => {
          const env = {
            BENCH_KAFKA: broker!,
            BENCH_IN: input,
            BENCH_OUT: await topic(`${stamp}-${n++}`),
            BENCH_RECORDS: String(inputs.rows),
          }
          return whole(await measure({ args: [join(out, 'work/kafkajs-loop.mjs')], env }))
        },
      ],
    ])
    judge('rate over kafkajs', told.get('kafkajs')!.wall / told.get('millrace')!.wall, 'least', 1.4)
    judge('CPU over kafkajs', told.get('millrace')!.cpu / told.get('kafkajs')!.cpu, 'most', 0.7)
  }
  if (wanted('mongodb') && mongodb) await compareMongodb(mongodb)
  if (wanted('http')) await compareHttp()
} finally {
  await admin.deleteTopics({ topics })
  await admin.close()
}

/** Kafka -> projection -> MongoDB. */
async function compareMongodb(url: string): Promise<void> {
  const rows = flags.quick ? inputs.rows : 100_000
  const from = await topic(`${stamp}-documents`)
  await task('kafka-write', { BENCH_TOPIC: from, BENCH_ROWS: String(rows) })
  const project = join(out, 'work/mongodb')
  mkdirSync(project, { recursive: true })
  writeFileSync(join(project, 'millrace.yaml'), 'version: 1\n')
  const client = new MongoClient(url)
  const database = stamp
  const lines = client.db(database).collection('lines')
  const once = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<Told> => {
    await lines.deleteMany({})
    rmSync(join(project, '.millrace'), { recursive: true, force: true })
    const cost = await measure({ args, cwd: project, env })
    if ((await lines.countDocuments()) !== rows)
      throw new Error(`${args.join(' ')} left ${await lines.countDocuments()} documents, not ${rows}`)
    return { cpu: cost.cpu, wall: cost.wall, records: rows, peakMb: cost.peakBytes / 1e6 }
  }
  writeFileSync(join(project, 'job.yaml'), documents(from, url, database))
  const byHand = {
    BENCH_KAFKA: broker!,
    BENCH_IN: from,
    BENCH_MONGODB: url,
    BENCH_DATABASE: database,
    BENCH_RECORDS: String(rows),
  }
  try {
    const told = await compare(
      'Kafka -> project -> MongoDB, upserts of 1,000, w: majority, whole process',
      [
        ['millrace', () => once([pipe, 'run', 'job.yaml', '--json'], {})],
        ['by hand', () => once([join(out, 'work/mongodb-loop.mjs')], byHand)],
      ],
      rows,
    )
    judge('time over the loop by hand', told.get('millrace')!.wall / told.get('by hand')!.wall, 'most', 1.2)
  } finally {
    await client.db(database).dropDatabase()
    await client.close()
  }
}

/** The gateway: single posts compared with a bare route, and bodies of many records with the sink fed from memory. */
async function compareHttp(): Promise<void> {
  const load = join(out, 'work/load.mjs')
  const measured = async (server: Server, given: Load): Promise<Told> => ({
    cpu: 0,
    wall: await underLoad(server, load, given),
    records: given.records,
    peakMb: 0,
  })
  const ours = (given: Load) => async () => measured(await gateway(pipe, join(out, 'work/gateway'), fields), given)
  const bare = (given: Load) => async () =>
    measured({ args: [join(out, 'work/fastify-bare.mjs')], port: await freePort() }, given)
  const single: Load = { lines: inputs.jsonl, records: flags.quick ? 2000 : 60_000, body: 1, connections: 256 }
  const posts = await compare(
    'HTTP, single posts over 256 connections',
    [
      ['gateway', ours(single)],
      ['bare fastify', bare(single)],
    ],
    single.records,
  )
  judge(
    'requests a second over bare fastify',
    posts.get('bare fastify')!.wall / posts.get('gateway')!.wall,
    'least',
    0.4,
  )
  const many: Load = { lines: inputs.jsonl, records: flags.quick ? 5000 : 300_000, body: 500, connections: 32 }
  const append = async () => {
    const folder = join(out, 'work/log', String(n++))
    mkdirSync(folder)
    try {
      return await task('log-write-json', { BENCH_LOG: folder, BENCH_ROWS: String(many.records) })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  const bodies = await compare(
    'HTTP, JSON lines of 500 records a body',
    [
      ['gateway', ours(many)],
      ['sink-log', append],
    ],
    many.records,
  )
  judge(
    'records a second over the sink fed from memory',
    bodies.get('sink-log')!.wall / bodies.get('gateway')!.wall,
    'least',
    0.3,
  )
}

function documents(from: string, url: string, database: string): string {
  return `version: 1
name: documents
${sourceOf(from)}
steps:
  - select: [InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, { country: Country }]
sinks:
  lines: { type: mongodb, config: { url: "${url}", database: ${database}, collection: lines } }
`
}

function spec(from: string, to: string): string {
  return `version: 1
name: copy
${sourceOf(from)}
steps:
  - parse_dates: { InvoiceDate: { formats: ["M/d/yyyy H:mm"], to: "yyyy-MM-dd HH:mm:ss" } }
  - select: [InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, { country: Country }]
sinks:
  copy: { type: kafka, config: { stream: ${to}, brokers: ["${broker}"], key: InvoiceNo } }
`
}
