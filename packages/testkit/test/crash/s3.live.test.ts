import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crashPoints } from '@millrace/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { liveUrl } from '../../src/live.ts'
import { mulberry32 } from '../../src/retail.ts'
import { runUntilDone } from '../../src/until-done.ts'
import { s3Job, type S3Job, s3Points } from './s3-job.ts'

const url = liveUrl('S3')
const random = mulberry32(11)
/** Points that this job does not pass: its source has no commit action. */
const elsewhere = ['after_commit_action', 'before_mark_done']

describe.skipIf(!url)('CSV to S3, killed at every point', () => {
  let root: string
  let job: S3Job
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'millrace-crash-s3-'))
    job = await s3Job(url!, 60_000, join(root, 'project'))
  })
  afterAll(async () => {
    await job?.close()
    rmSync(root, { recursive: true, force: true })
  })

  const points = [...crashPoints, ...s3Points].filter((point) => !elsewhere.includes(point))
  it.each(points)('%s: no object is lost, doubled, or half', { timeout: 120_000 }, async (point) => {
    job.reset()
    const deaths = [1, 2, 3].map((time) => ({ point, time }))
    const { firstKilled } = await runUntilDone(job.program, (start) => deaths[start] ?? 'lives', job)
    expect(firstKilled, `${point} was not passed`).toBe(true)
    await job.verify()
  })

  it('random times: no object is lost, doubled, or half', { timeout: 240_000 }, async () => {
    job.reset()
    const { kills } = await runUntilDone(
      job.program,
      (start) => (start < 8 ? { afterMs: 600 + random() * 1500 } : 'lives'),
      job,
    )
    expect(kills).toBeGreaterThan(0)
    await job.verify()
  })
})
