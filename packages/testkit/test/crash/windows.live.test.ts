import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { liveUrl } from '../../src/live.ts'
import { mulberry32 } from '../../src/retail.ts'
import { windowsJob } from './windows-job.ts'
import { kafkaStream } from './windows-streams.ts'

const broker = liveUrl('KAFKA')

// A small part of `npm run crash:windows -- --kills 200 --kafka`.
describe.skipIf(!broker)('windows over a topic of Kafka', () => {
  it('are right though writer and reader are killed', { timeout: 240_000 }, async () => {
    const root = mkdtempSync(join(tmpdir(), 'millrace-crash-windows-'))
    const stream = await kafkaStream(broker!, `windows-${randomUUID().slice(0, 8)}`)
    try {
      const found = await windowsJob(join(root, 'job'), stream, mulberry32(4)).run(12_000)
      expect(found.writerKills).toBeGreaterThan(1)
      expect(found.readerKills).toBeGreaterThan(1)
      expect(found.windows).toBeGreaterThan(20)
      expect(found.late).toBeGreaterThan(0)
    } finally {
      await stream.close()
      rmSync(root, { recursive: true, force: true })
    }
  })
})
