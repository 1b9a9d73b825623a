import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Death } from '../../src/until-done.ts'
import { killGateway } from './gateway-job.ts'

// A small part of `npm run crash:gateway -- --kills 300`.
it('the gateway, killed between accept and answer, loses no 201, and the store after its stream holds nothing twice', {
  timeout: 120_000,
}, async () => {
  const root = mkdtempSync(join(tmpdir(), 'millrace-gateway-'))
  const deaths: Exclude<Death, 'lives'>[] = [
    { point: 'after_read', time: 3 },
    { point: 'after_write', time: 2 },
    { point: 'mid_save', time: 2 },
    { point: 'after_save', time: 4 },
    { afterMs: 150 },
  ]
  try {
    const told = await killGateway(deaths.length, (start) => deaths[start % deaths.length]!, join(root, 'project'))
    expect(told.acknowledged).toBeGreaterThan(deaths.length)
    expect(told.resent).toBeGreaterThan(0)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
