import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { liveUrl } from '../../src/live.ts'
import { kafkaJob } from './kafka-job.ts'

const [broker, mongodb] = [liveUrl('KAFKA'), liveUrl('MONGODB')]

// A small part of `npm run crash:kafka -- --kills 200`.
describe.skipIf(!broker || !mongodb)('Kafka to MongoDB, the command and the broker killed on the way', () => {
  it('loses and doubles nothing', { timeout: 300_000 }, async () => {
    const root = mkdtempSync(join(tmpdir(), 'millrace-crash-kafka-'))
    const job = await kafkaJob(mongodb!, 60_000, join(root, 'project'))
    try {
      let start = 0
      const { kills, brokerKills } = await job.run(() => (++start < 6 ? 1500 + 400 * start : 100_000), 1)
      expect(kills).toBeGreaterThanOrEqual(1)
      expect(brokerKills).toBe(1)
      await job.verify()
    } finally {
      await job.close()
      rmSync(root, { recursive: true, force: true })
    }
  })
})
