/**
 * Kinesis -> a table of SQLite, in which the order of rows is that of writing, and documents of DynamoDB, by the real
 * command, killed while the stream is written to and resharded, and between two starts.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DeleteTableCommand, DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { type Json, readStore } from '@millrace/core'
import { type Death, startOnce } from '../../src/until-done.ts'
import { pipeFromSource } from './jobs.ts'
import { changingStream } from './kinesis-stream.ts'
import { tableRows } from './oracle.ts'

/** What happened in the starts so far. */
export interface KinesisTally {
  kills: number
  /** Kills after the end of a shard was saved, and before the first record of a child that has some. */
  between: number
}

export interface KinesisJob {
  readonly tally: KinesisTally
  /** Changes the stream, starts the command, changes the stream again, and kills the command. */
  killOnce(): Promise<void>
  /** Reads to the end. The error it throws says what was lost, duplicated, or out of order. */
  verify(): Promise<void>
  /** In words. */
  told(): string
  close(): Promise<void>
}

/** Points of the engine that are passed once or more for each epoch. */
const points = ['after_read', 'before_write', 'after_write', 'before_save', 'mid_save', 'after_save', 'after_commit']

export async function kinesisJob(
  urls: { readonly kinesis: string; readonly dynamodb: string },
  folder: string,
  random: () => number,
): Promise<KinesisJob> {
  const stream = await changingStream(urls.kinesis, random)
  const prefix = `crash-${process.pid}-${Date.now()}-`
  const table = `${prefix}numbers`
  const client = new DynamoDBClient({
    endpoint: urls.dynamodb,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  makeProject(folder, urls, stream.name, prefix)
  const start = (more: readonly string[], death: Death) =>
    startOnce(
      {
        command: process.execPath,
        args: [...pipeFromSource, 'run', 'job.yaml', '--json', ...more],
        cwd: folder,
        env: { NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled') },
      },
      death,
    )
  const tally = { kills: 0, between: 0 }
  const some = () => Math.floor(random() * 12)
  let withRecords = await stream.withRecords()
  const change = async () => {
    await stream.put(some())
    await stream.reshard()
    await stream.put(4 + some())
    withRecords = await stream.withRecords()
  }
  const isBetweenNow = () => isBetween(folder, withRecords)
  /** A third each: at a named point of an early epoch, between a parent and its child, at any time. */
  const nextDeath = (): Death => {
    const kind = Math.floor(random() * 3)
    if (kind === 0) {
      const point = points[Math.floor(random() * points.length)]!
      return { point, time: 1 + Math.floor(random() * 8), afterMs: 10_000 }
    }
    const afterMs = 1500 + random() * 3000
    return kind === 1 ? { when: isBetweenNow, afterMs: 2 * afterMs } : { afterMs }
  }
  return {
    tally,
    async killOnce() {
      if (random() < 0.7) await change()
      else await stream.put(some())
      const running = start([], nextDeath())
      const changing = async () => {
        await sleep(1000 + random() * 1500)
        if (random() < 0.6) await change()
      }
      const [{ killed }] = await Promise.all([running, changing()])
      if (!killed) throw new Error('it ended by itself')
      tally.kills++
      if (isBetweenNow()) tally.between++
    },
    async verify() {
      // A child is found when its parent has ended, so the end that is seen at the start may have to be seen twice.
      for (let time = 0; time < 3; time++) await start(['--until', 'caught_up'], 'lives')
      const rows = tableRows(join(folder, 'out.db'), 'numbers').map((row) => ({
        n: Number(row['n']),
        key: String(row['key']),
      }))
      const documents: number[] = []
      for await (const { Items } of paginateScan({ client }, { TableName: table, ConsistentRead: true }))
        documents.push(...(Items ?? []).map((item) => Number(item['n']!.N)))
      const found = { rows: rows.map(({ n }) => n), documents }
      for (const [where, numbers] of Object.entries(found)) {
        const distinct = new Set(numbers).size
        if (distinct !== stream.count || numbers.length !== distinct)
          throw new Error(
            `${where}: ${stream.count - distinct} lost, ${numbers.length - distinct} doubled of ${stream.count}`,
          )
      }
      for (const [key, of] of Map.groupBy(rows, (row) => row.key)) {
        const at = of.findIndex(({ n }, k) => k > 0 && n < of[k - 1]!.n)
        if (at > 0) throw new Error(`${key}: record ${of[at]!.n} comes after ${of[at - 1]!.n}`)
      }
    },
    told: () =>
      `${stream.count} records, ${stream.splits()} splits, ${stream.merges()} merges, ${tally.kills} kills, ${tally.between} of them between a parent's end and its child's first saved record`,
    async close() {
      await stream.remove()
      await client.send(new DeleteTableCommand({ TableName: table })).catch(() => {})
      client.destroy()
    },
  }
}

/** Whether a shard that has records waits to be read, all its parents being saved as read to their end. */
function isBetween(folder: string, withRecords: ReadonlyMap<string, readonly string[]>): boolean {
  const store = readStore(join(folder, '.millrace', 'local', 'numbers'))
  if (!store) return false
  try {
    const done = (shard: string) => store.recall('source', `done:${shard}`) !== undefined
    const begun = new Set(
      store
        .positions('source')
        .filter(({ ended, position }) => ended || (position as { readonly after?: Json } | null)?.after !== undefined)
        .map(({ split }) => split),
    )
    return [...withRecords].some(
      ([shard, parents]) => parents.length > 0 && parents.every(done) && !done(shard) && !begun.has(shard),
    )
  } finally {
    store.close()
  }
}

function makeProject(
  folder: string,
  { kinesis, dynamodb }: { readonly kinesis: string; readonly dynamodb: string },
  stream: string,
  prefix: string,
): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  const at = (endpoint: string) =>
    `region: us-east-1, endpoint: "${endpoint}", credentials: { access_key_id: test, secret_access_key: test }`
  writeFileSync(
    join(folder, 'job.yaml'),
    `version: 1
name: numbers
source:
  type: kinesis
  config: { stream: ${stream}, max_records: 3, ${at(kinesis)} }
  schema: { fields: { n: integer, key: string } }
sinks:
  rows: { type: sqlite, config: { path: out.db, table: numbers } }
  documents: { type: dynamodb, config: { collection: numbers, table_prefix: "${prefix}", ${at(dynamodb)} } }
`,
  )
}
