/** CSV -> S3 -> S3 by the real command: objects in parts and small ones, killed at every point and at random times. */
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readStore } from '@millrace/core'
import { bucketsAt } from '../../../sink-s3/test/stand-in.ts'
import { mulberry32 } from '../../src/retail.ts'
import type { Restartable } from '../../src/until-done.ts'
import { pipeFromSource } from './jobs.ts'

/** Points of the sink. */
export const s3Points = ['mid_file', 'upload_begun', 'part_sent', 'object_stored', 'object_marked'] as const

export interface S3Job {
  readonly program: Restartable
  /** As if it had never run, in another place of the bucket. */
  reset(): void
  /** The run has come to its end and has recorded that. */
  isDone(): boolean
  /** The error it throws says what was lost, duplicated or left behind. */
  verify(): Promise<void>
  close(): Promise<void>
}

/** Makes a project with `count` records; `url`: the address of S3. */
export async function s3Job(url: string, count: number, folder: string): Promise<S3Job> {
  const buckets = bucketsAt(url)
  const bucket = await buckets.create()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  const random = mulberry32(7)
  // Text that does not compress, so that objects have several parts.
  const text = () => Array.from({ length: 45 }, () => Math.floor(random() * 0xffffffff).toString(36)).join('')
  const rows = Array.from({ length: count }, (_, n) => `${n},${text()}\n`)
  writeFileSync(join(folder, 'in.csv'), `n,text\n${rows.join('')}`)
  let place = 0
  const reset = () => {
    place++
    rmSync(join(folder, '.millrace'), { recursive: true, force: true })
    writeFileSync(join(folder, 'job.yaml'), specOf(url, bucket, `place-${place}`, Math.ceil(count / 3)))
  }
  reset()
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
      const schema = { fields: { n: field('integer'), text: field('string'), twice: field('integer') } } as const
      for (const sink of ['lines', 'columns']) {
        const seen = new Uint8Array(count)
        const found = await buckets.rows(bucket, `place-${place}/${sink}/`, schema)
        for (const { n, twice } of found) if (twice === 2 * Number(n)) seen[Number(n)]!++
        const lost = seen.filter((times) => times === 0).length
        const doubled = seen.filter((times) => times > 1).length
        if (lost || doubled) throw new Error(`${sink}: ${lost} lost, ${doubled} doubled of ${count}`)
      }
      const uploads = (await buckets.uploads(bucket)).filter((key) => key.startsWith(`place-${place}/`))
      if (uploads.length > 0) throw new Error(`parts are left of ${uploads.join(', ')}`)
      const local = globSync('.millrace/local/.uploads/**/*.part', { cwd: folder })
      if (local.length > 0) throw new Error(`left behind: ${local.join(', ')}`)
    },
    close: () => buckets.drop(bucket),
  }
}

const field = (kind: 'integer' | 'string') => ({ type: { kind }, optional: false }) as const

const specOf = (url: string, bucket: string, place: string, records: number): string => {
  const config = `bucket: ${bucket}, region: us-east-1, endpoint: "${url}", part_size: 5MiB, roll: { records: ${records} }`
  return `version: 1
name: numbers
delivery: effectively_once
source:
  type: csv
  config: { path: in.csv }
  schema: { fields: { n: integer, text: string } }
steps:
  - id: all
    set: { twice: "n * 2" }
sinks:
  lines: { from: all, type: s3, config: { ${config}, path: ${place}/lines/, format: jsonl } }
  columns: { from: all, type: s3, config: { ${config}, path: "${place}/columns/all.parquet" } }
`
}
