import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { liveUrl } from '../../src/live.ts'
import { killRelay } from './relay-job.ts'

const mongodb = liveUrl('MONGODB')

// A small part of `npm run crash:relay -- --kills 500`.
describe.skipIf(!mongodb)('a gateway that posts to a gateway, then log and MongoDB, all killed on the way', () => {
  it.each(['array', 'json_lines'] as const)('loses and doubles nothing: %s', { timeout: 300_000 }, async (body) => {
    const root = mkdtempSync(join(tmpdir(), 'millrace-relay-'))
    try {
      const { acknowledged } = await killRelay(6, 3000, body, mongodb!, join(root, 'project'))
      expect(acknowledged).toBeGreaterThan(0)
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
})
