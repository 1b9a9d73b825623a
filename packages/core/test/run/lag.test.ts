import { expect, it } from 'vitest'
import type { Batch, Progress } from '../../src/index.ts'
import { lagOf } from '../../src/run/lag.ts'

const batch = (split: string, behind?: number, arrivedMs?: number): Batch => ({
  split,
  rows: [],
  bytes: 0,
  positionAt: () => 0,
  ...(behind === undefined ? {} : { behind }),
  ...(arrivedMs === undefined ? {} : { arrivals: Float64Array.of(1, arrivedMs) }),
})

it('lag is the sum of what is left in all splits, and the arrival of the last record of the source that is furthest behind', () => {
  const progress: Progress = { bytes: 0, totalBytes: 0, complete: false, answeredMs: {} }
  const saw = lagOf(progress)
  saw('files', batch('a.csv'))
  expect(progress.behind).toBeUndefined()
  saw('stream', batch('0', 100, 5000))
  saw('stream', batch('1', 50, 6000))
  saw('other', batch('0', 7, 5500))
  expect(progress).toMatchObject({ behind: 157, arrivedMs: 5500 })
  saw('stream', batch('0', 10, 7000))
  saw('other', batch('0', 0, 9000))
  expect(progress).toMatchObject({ behind: 60, arrivedMs: 7000 })
})
