import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { mulberry32 } from '../../src/retail.ts'
import { windowsJob } from './windows-job.ts'
import { logStream } from './windows-streams.ts'

// A small part of `npm run crash:windows -- --kills 200`.
it('windows over the embedded log are right though writer and reader are killed', { timeout: 180_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'millrace-crash-windows-'))
  try {
    const found = await windowsJob(join(root, 'job'), logStream, mulberry32(3)).run(12_000)
    expect(found.writerKills).toBeGreaterThan(1)
    expect(found.readerKills).toBeGreaterThan(1)
    expect(found.windows).toBeGreaterThan(20)
    expect(found.late).toBeGreaterThan(0)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
