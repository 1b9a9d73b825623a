import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mulberry32 } from '../../src/retail.ts'
import { type Death, runUntilDone } from '../../src/until-done.ts'
import { crashJobs, crashProject, pipeFromSource } from './jobs.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-crash-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const random = mulberry32(5)
const points = ['before_save', 'mid_save', 'after_save', 'before_publish', 'after_publish']

// A small part of `npm run crash -- --kills 200`.
describe('pipe run, killed and started again, loses and duplicates nothing', () => {
  for (const job of crashJobs) {
    it(`${job.name}: at a series of points and times`, { timeout: 120_000 }, async () => {
      const project = crashProject(job, join(root, job.name), pipeFromSource, 30_000)
      const deaths: Death[] = [
        ...points.map((point) => ({ point, time: 1 }) as const),
        { afterMs: 300 + random() * 300 },
        { afterMs: 300 + random() * 300 },
      ]
      const { kills } = await runUntilDone(project.program, (start) => deaths[start] ?? 'lives', project)
      expect(kills).toBeGreaterThanOrEqual(points.length)
      await project.verify()
    })
  }
})
