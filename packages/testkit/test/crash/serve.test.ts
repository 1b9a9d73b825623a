/** A few kills of `npm run crash:serve`. */
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { mulberry32 } from '../../src/retail.ts'
import { serveJob } from './serve-job.ts'

it('a served project whose processes are killed loses and doubles no run', { timeout: 400_000 }, async () => {
  const folder = join(tmpdir(), `millrace-crash-serve-test-${process.pid}`)
  try {
    const random = mulberry32(7)
    const job = await serveJob(folder, 6, (n) => Math.floor(random() * n))
    expect(job.serveKills + job.childKills).toBe(6)
    expect(job.rows).toBeGreaterThan(0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
