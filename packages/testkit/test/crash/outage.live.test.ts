import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { liveUrl } from '../../src/live.ts'
import { outage } from './outage-job.ts'

// A small part of `npm run crash:outage`.
describe.skipIf(!liveUrl('KAFKA'))('a gateway whose broker dies', () => {
  it('is not ready until the broker is back, and loses no 201', { timeout: 300_000 }, async () => {
    const root = mkdtempSync(join(tmpdir(), 'millrace-outage-'))
    try {
      const told = await outage(15_000, join(root, 'project'))
      expect(told.acknowledged).toBeGreaterThan(0)
      expect(told.readyMeanwhile).toBe(0)
      expect(told.peakBytes).toBeLessThan(400e6)
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
})
