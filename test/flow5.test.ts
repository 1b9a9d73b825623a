/**
 * Flow 5 on 20,000 generated lines: everything that it leaves follows from its file, as other readers find it. That the
 * other profiles leave the same is in swap.live.test.ts.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { retailSample } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from '../packages/cli/test/terminal.ts'
import { accept } from '../scripts/accept/flow.ts'
import { acceptFlow5 } from '../scripts/accept/flow5.ts'
import { collect } from '../scripts/accept/stores.ts'
import { rowsOf } from '../scripts/accept/warehouse.ts'
import { flows } from '../scripts/flow/flows.ts'
import { copyProject } from '../scripts/flow/run.ts'

describe('the flow aws-oltp-olap', () => {
  it('is right on every profile', async () => {
    const project = join(import.meta.dirname, '../pipelines/aws-oltp-olap')
    expect(await pipe(['check', '--all-profiles'], project)).toMatchObject({ code: 0, err: '' })
  })

  it('removes raw objects only once all that came of them is published', { timeout: 60_000 }, async () => {
    const folder = freshFolder()
    const place = { profile: 'local', folder, env: {} }
    copyProject(flows['aws-oltp-olap']!, folder)
    mkdirSync(join(folder, 'raw'))
    const line = {
      InvoiceNo: '1',
      StockCode: 'A',
      Quantity: 1,
      InvoiceDate: '1/1/2011 8:00',
      UnitPrice: 1,
      Country: 'Malta',
    }
    writeFileSync(join(folder, 'raw/one.json'), JSON.stringify([line, line]))
    // Nothing can be staged below a file.
    writeFileSync(join(folder, 'staging'), '')
    expect((await pipe(['run', 'batch'], folder)).code).not.toBe(0)
    expect(existsSync(join(folder, 'raw/one.json'))).toBe(true)
    rmSync(join(folder, 'staging'))
    expect(await pipe(['run', 'batch'], folder)).toMatchObject({ code: 0 })
    expect(existsSync(join(folder, 'raw/one.json'))).toBe(false)
    expect(readdirSync(join(folder, 'staging')).filter((name) => name.endsWith('.csv'))).toHaveLength(1)
    expect(await collect(rowsOf(place, 'bulkimport', ['InvoiceNo', 'Quantity']))).toEqual(
      [line, line].map(({ InvoiceNo, Quantity }) => ({ InvoiceNo, Quantity })),
    )
  })

  it('leaves what follows from its file, and loads nothing twice', { timeout: 900_000 }, async () => {
    const folder = freshFolder()
    const input = join(folder, 'retail.csv')
    writeFileSync(input, retailSample({ rows: 20_000, badDates: 0 }))
    const job = accept('', folder, 'local')
    await acceptFlow5(job, input, false)
    expect(job.right).toBe(true)
  })
})
