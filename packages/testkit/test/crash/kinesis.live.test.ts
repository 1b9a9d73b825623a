import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { liveUrl } from '../../src/live.ts'
import { mulberry32 } from '../../src/retail.ts'
import { kinesisJob } from './kinesis-job.ts'

const [kinesis, dynamodb] = [liveUrl('KINESIS'), liveUrl('DYNAMODB')]

// A small part of `npm run crash:kinesis -- --kills 100`.
describe.skipIf(!kinesis || !dynamodb)('Kinesis to SQLite and DynamoDB, killed while the stream is resharded', () => {
  it('loses and doubles nothing, and keeps the order of each key', { timeout: 300_000 }, async () => {
    const root = mkdtempSync(join(tmpdir(), 'millrace-crash-kinesis-'))
    const job = await kinesisJob({ kinesis: kinesis!, dynamodb: dynamodb! }, join(root, 'project'), mulberry32(3))
    try {
      for (let n = 0; n < 5; n++) await job.killOnce()
      expect(job.tally.kills).toBe(5)
      await job.verify()
    } finally {
      await job.close()
      rmSync(root, { recursive: true, force: true })
    }
  })
})
