/**
 * Flow 4 with a pinned seed and clock: its analyses equal tables that DuckDB makes of the same events, and running it
 * again changes nothing; with real servers up also on these.
 */
import { describe, expect, it } from 'vitest'
import { liveUrl } from '@millrace/testkit'
import { freshFolder, pipe } from '../packages/cli/test/terminal.ts'
import { accept } from '../scripts/accept/flow.ts'
import { acceptFlow4 } from '../scripts/accept/flow4.ts'
import { join } from 'node:path'

const [kafka, mongodb] = [liveUrl('KAFKA'), liveUrl('MONGODB')]
const project = join(import.meta.dirname, '../pipelines/ecommerce-website')

describe('the flow ecommerce-website', () => {
  it('is right on every profile', async () => {
    for (const profile of ['local', 'kafka-mongo'])
      expect(await pipe(['check', '--profile', profile], project)).toMatchObject({ code: 0, err: '' })
  })

  it('makes the analyses that DuckDB makes of its events', { timeout: 300_000 }, async () => {
    const job = accept('', freshFolder(), 'local')
    await acceptFlow4(job)
    expect(job.right).toBe(true)
  })

  it.skipIf(!kafka || !mongodb)('makes them on Kafka and MongoDB as well', { timeout: 300_000 }, async () => {
    const job = accept('', freshFolder(), 'kafka-mongo')
    await acceptFlow4(job)
    expect(job.right).toBe(true)
  })
})
