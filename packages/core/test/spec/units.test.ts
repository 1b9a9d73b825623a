import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { durationText, parseDuration, parseSize, sizeText } from '../../src/index.ts'

it('durations and sizes are written as they could be typed', () => {
  expect([0, 20, 1500, 30_000, 5_400_000, 86_400_000].map(durationText)).toEqual([
    '0s',
    '20ms',
    '1500ms',
    '30s',
    '90m',
    '1d',
  ])
  expect([0, 500, 1500, 1024, 1 << 20, 5_000_000].map(sizeText)).toEqual(['0B', '500B', '1500B', '1KiB', '1MiB', '5MB'])
  fc.assert(fc.property(fc.nat(), (n) => parseDuration(durationText(n)) === n && parseSize(sizeText(n)) === n))
})
