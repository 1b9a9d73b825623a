/**
 * Files and S3, given the same records by the same spec under two profiles, hold the same rows under the same names.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { liveUrl, sameSet } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { freshFolder, pipe } from '../packages/cli/test/terminal.ts'
import { bucketsAt } from '../packages/sink-s3/test/stand-in.ts'

const url = liveUrl('S3')
const buckets = bucketsAt(url ?? 'http://127.0.0.1:1')
const types = '{ fields: { n: integer, city: string?, at: timestamp } }'

describe.skipIf(!url)('a profile that binds objects to S3', () => {
  test.each(['jsonl', 'json', 'csv', 'parquet', 'arrow'])(
    'leaves the same as files: %s, there and back',
    async (format) => {
      const bucket = await buckets.create()
      const folder = freshFolder()
      const file = (name: string, text: string) => writeFileSync(join(folder, name), text)
      mkdirSync(join(folder, 'profiles'))
      file('millrace.yaml', 'name: swap\nconnections: { lake: objects }\n')
      const config = `bucket: ${bucket}, region: us-east-1, endpoint: "${url}"`
      const key = 'credentials: { access_key_id: "${env:KEY}", secret_access_key: "${env:KEY}" }'
      file('profiles/aws.yaml', `connections:\n  lake: { type: s3, config: { ${config}, ${key} } }\n`)
      const cities = ['Köln', 'x-y', 'a/b', '..']
      const rows = Array.from({ length: 500 }, (_, n) => `${n},${cities[n % 4]},2024-03-0${1 + (n % 5)}T08:00:00.000Z`)
      file('in.csv', `n,city,at\n${rows.join('\n')}\n`)
      const path = '"out/{city}/day={at:yyyy-MM-dd}/"'
      const header = 'version: 1\nruns: whole\n'
      file(
        'there.yaml',
        `${header}name: there\nsource: { type: csv, config: { path: in.csv }, schema: ${types} }\nsinks:\n  out: { connection: lake, config: { path: ${path}, format: ${format} } }\n`,
      )
      file(
        'back.yaml',
        `${header}name: back\nsource: { connection: lake, config: { path: out/ }, schema: ${types} }\nsinks:\n  out: { connection: lake, config: { path: back/all.jsonl } }\n`,
      )
      const env = { KEY: 'test' }
      for (const profile of ['local', 'aws'])
        for (const spec of ['there', 'back']) {
          const { code, out, err } = await pipe(['run', `${spec}.yaml`, '--profile', profile], folder, env)
          expect(code, `${profile} ${spec}: ${out}${err}`).toBe(0)
        }
      const files = globSync('{out,back}/**/*.*', { cwd: folder }).toSorted()
      expect(await buckets.keys(bucket)).toEqual(files)
      for (const name of files.filter((each) => !/\.(parquet|arrow)$/.test(each)))
        if (name.startsWith('out/'))
          expect(Buffer.from(await buckets.bytes(bucket, name))).toEqual(readFileSync(join(folder, name)))
      const local = readFileSync(join(folder, 'back/all.jsonl'), 'utf8').trimEnd().split('\n')
      const remote = Buffer.from(await buckets.bytes(bucket, 'back/all.jsonl'))
        .toString()
        .trimEnd()
        .split('\n')
      expect(local).toHaveLength(500)
      sameSet(
        remote.map((line) => JSON.parse(line) as object),
        local.map((line) => JSON.parse(line) as object),
        'read back from S3',
      )
      await buckets.drop(bucket)
    },
  )
})
