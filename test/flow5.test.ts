/**
 * Flow 5 on 20,000 generated lines: everything that it leaves follows from its file, as other readers find it; with real
 * servers up also on these.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { liveUrl, retailSample } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from '../packages/cli/test/terminal.ts'
import { accept } from '../scripts/accept/flow.ts'
import { acceptFlow5 } from '../scripts/accept/flow5.ts'

const [kafka, mongodb, postgres] = [liveUrl('KAFKA'), liveUrl('MONGODB'), liveUrl('POSTGRES')]

async function isRight(profile: string): Promise<boolean> {
  const folder = freshFolder()
  const input = join(folder, 'retail.csv')
  writeFileSync(input, retailSample({ rows: 20_000, badDates: 0 }))
  const job = accept('', folder, profile)
  await acceptFlow5(job, input, false)
  return job.right
}

describe('the flow aws-oltp-olap', () => {
  it('leaves what follows from its file, and loads nothing twice', { timeout: 240_000 }, async () => {
    expect(await isRight('local')).toBe(true)
  })

  it.skipIf(!kafka || !mongodb || !postgres)(
    'does so on Kafka, MongoDB and PostgreSQL as well',
    { timeout: 240_000 },
    async () => {
      expect(await isRight('kafka-mongo')).toBe(true)
    },
  )
})
