/** CSV -> S3 -> Redshift by the real command: rows added and merged, killed at every point and at random times. */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { readStore } from '@millrace/core'
import { bucketsAt } from '../../../sink-s3/test/stand-in.ts'
import type { Restartable } from '../../src/until-done.ts'
import { pipeFromSource } from './jobs.ts'

/** Points of the sink. */
export const redshiftPoints = [
  'redshift_written',
  'redshift_part_sent',
  'redshift_staged',
  'redshift_copied',
  'redshift_loaded',
  'redshift_discarded',
] as const

export interface RedshiftJob {
  readonly program: Restartable
  /** As if it had never run, in another schema. */
  reset(): Promise<void>
  /** The run has come to its end and has recorded that. */
  isDone(): boolean
  /** The error it throws says what was lost, duplicated or left behind. */
  verify(): Promise<void>
  close(): Promise<void>
}

/** Makes a project with `count` records; every key comes twice, and one text in a thousand is too long. */
export async function redshiftJob(
  urls: { readonly warehouse: string; readonly s3: string },
  count: number,
  folder: string,
): Promise<RedshiftJob> {
  const buckets = bucketsAt(urls.s3)
  const bucket = await buckets.create()
  const client = new Client(urls.warehouse)
  await client.connect()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  const text = (n: number) => (n % 1000 === 500 ? 'ü'.repeat(30) : `t${n}`)
  const rows = Array.from({ length: count }, (_, n) => `${n},${n % (count / 2)},${text(n)}\n`)
  writeFileSync(join(folder, 'in.csv'), `n,k,text\n${rows.join('')}`)
  const sound = Array.from({ length: count }, (_, n) => n).filter((n) => n % 1000 !== 500)
  const name = `crash_${Date.now()}`
  let place = 0
  const schema = () => `${name}_${place}`
  const reset = async () => {
    if (place > 0) await client.query(`DROP SCHEMA ${schema()} CASCADE`)
    place++
    await client.query(`CREATE SCHEMA ${schema()}`)
    rmSync(join(folder, '.millrace'), { recursive: true, force: true })
    rmSync(join(folder, 'bad.jsonl'), { force: true })
    writeFileSync(join(folder, 'job.yaml'), specOf(urls, bucket, schema(), Math.ceil(count / 4)))
  }
  return {
    program: {
      command: process.execPath,
      args: [...pipeFromSource, 'run', 'job.yaml', '--json'],
      cwd: folder,
      env: {
        NODE_OPTIONS: '',
        NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled'),
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
      },
    },
    reset,
    isDone() {
      const store = readStore(join(folder, '.millrace/local/numbers'))
      const ended = store?.run()?.ended === true
      store?.close()
      return ended
    },
    async verify() {
      const read = async (table: string) =>
        (await client.query<{ n: string; k: string }>(`SELECT n, k FROM ${schema()}.${table}`)).rows
      const added = (await read('added')).map(({ n }) => Number(n))
      const seen = new Set(added)
      const doubled = added.length - seen.size
      const lost = sound.filter((n) => !seen.has(n)).length
      if (lost || doubled || added.length !== sound.length)
        throw new Error(`added: ${lost} lost, ${doubled} doubled of ${sound.length}`)
      const last = new Map(sound.map((n) => [n % (count / 2), n]))
      const merged = await read('merged')
      const wrong = merged.filter(({ n, k }) => last.get(Number(k)) !== Number(n)).length
      if (wrong || merged.length !== last.size)
        throw new Error(`merged: ${wrong} wrong, ${merged.length} of ${last.size} keys`)
      // Each of them once for each sink, at least.
      const letters = readFileSync(join(folder, 'bad.jsonl'), 'utf8').trimEnd().split('\n').length
      if (letters < 2 * (count - sound.length))
        throw new Error(`${letters} dead letters for ${count - sound.length} rows`)
      const keys = await buckets.keys(bucket)
      if (keys.length > 0) throw new Error(`files are left: ${keys.join(', ')}`)
      const local = globSync('.millrace/local/.loads/**/*.json', { cwd: folder })
      if (local.length > 0) throw new Error(`left behind: ${local.join(', ')}`)
    },
    async close() {
      if (place > 0) await client.query(`DROP SCHEMA ${schema()} CASCADE`)
      await client.end()
      await buckets.drop(bucket)
    },
  }
}

const specOf = (urls: { warehouse: string; s3: string }, bucket: string, schema: string, records: number): string => {
  const config = `url: "${urls.warehouse}", schema: ${schema}, bucket: ${bucket}, region: us-east-1, endpoint: "${urls.s3}", iam_role: default, max_text_bytes: 20, part_size: 64KiB, roll: { records: ${records} }`
  return `version: 1
name: numbers
source:
  type: csv
  config: { path: in.csv }
  schema: { fields: { n: integer, k: integer, text: string } }
steps:
  - id: all
    where: "n >= 0"
sinks:
  added: { type: redshift, config: { ${config}, table: added } }
  merged: { type: redshift, config: { ${config}, table: merged, write: merge, key: k } }
on_error: { data: dead_letter }
dead_letter: { type: files, config: { path: bad.jsonl } }
`
}
