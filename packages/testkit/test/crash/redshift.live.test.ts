import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crashPoints } from '@millrace/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { liveUrl } from '../../src/live.ts'
import { mulberry32 } from '../../src/retail.ts'
import { runUntilDone } from '../../src/until-done.ts'
import { redshiftJob, type RedshiftJob, redshiftPoints } from './redshift-job.ts'

const [warehouse, s3] = [liveUrl('REDSHIFT'), liveUrl('S3')]
const random = mulberry32(13)
/** Points that this job does not pass: its source has no commit action. */
const elsewhere = ['after_commit_action', 'before_mark_done']

describe.skipIf(!warehouse || !s3)('CSV to Redshift, killed at every point', () => {
  let root: string
  let job: RedshiftJob
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'millrace-crash-redshift-'))
    job = await redshiftJob({ warehouse: warehouse!, s3: s3! }, 20_000, join(root, 'project'))
  })
  afterAll(async () => {
    await job?.close()
    rmSync(root, { recursive: true, force: true })
  })

  const points = [...crashPoints, ...redshiftPoints].filter((point) => !elsewhere.includes(point))
  it.each(points)('%s: no row is lost or doubled, though no key is enforced', { timeout: 120_000 }, async (point) => {
    await job.reset()
    const deaths = [1, 2, 3].map((time) => ({ point, time }))
    const { firstKilled } = await runUntilDone(job.program, (start) => deaths[start] ?? 'lives', job)
    expect(firstKilled, `${point} was not passed`).toBe(true)
    await job.verify()
  })

  it('random times: no row is lost or doubled, though no key is enforced', { timeout: 240_000 }, async () => {
    await job.reset()
    const { kills } = await runUntilDone(
      job.program,
      (start) => (start < 8 ? { afterMs: 300 + random() * 900 } : 'lives'),
      job,
    )
    expect(kills).toBeGreaterThan(0)
    await job.verify()
  })
})
