/** Fields that folders tell: `region=007/rows.csv`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Env, freshRead, isBatch, type Row } from '@millrace/core'
import { csvDefaults } from '@millrace/formats'
import { expect, it } from 'vitest'
import { live, schemaOf } from '../../formats/test/csv-read.ts'
import { sourceCsv } from '../src/index.ts'

it('folders tell the fields that files lack, also for records that are decoded again', async () => {
  const root = mkdtempSync(join(tmpdir(), 'millrace-partitions-'))
  try {
    mkdirSync(join(root, 'd/region=007'), { recursive: true })
    writeFileSync(join(root, 'd/region=007/a.csv'), 'id\n4\n')
    const env: Env = {
      root,
      home: root,
      profile: 'local',
      pipeline: 'p',
      id: 's',
      resolve: (path) => resolve(root, path),
    }
    const options = { ...csvDefaults, nulls: [''], path: 'd', after_read: 'keep' as const, watch: undefined }
    const ctx = { ...env, schema: schemaOf({ id: 'integer', region: 'string' }), unknownFields: 'error' as const }
    const rows: Row[] = []
    const again: Row[] = []
    const decode = sourceCsv.decoder!(options, ctx)
    for await (const batch of sourceCsv.create(options, ctx).read(freshRead(live))) {
      if (!isBatch(batch)) continue
      rows.push(...batch.rows)
      batch.rows.forEach((_, i) => again.push(decode(batch.rawAt!(i) as Uint8Array, batch.context)))
    }
    expect(rows).toEqual([{ id: 4, region: '007' }])
    expect(again).toEqual(rows)
    expect((await sourceCsv.infer!(options, env, live)).fields).toMatchObject({
      region: { type: { kind: 'string' }, optional: true },
    })
  } finally {
    rmSync(root, { recursive: true })
  }
})
