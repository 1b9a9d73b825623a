/** What a restart emits again of windows that have closed. */
import type { Row, Transform } from '@millrace/core'
import { savedMemory, saveChanges } from '@millrace/testkit'
import { expect, it } from 'vitest'
import { aggregate } from '../../src/aggregate/index.ts'
import { applyTo, recordsOf, recordType, stepContext } from '../step.ts'

const options = {
  by: ['g'],
  outputs: { n: 'count()' },
  max_groups: 100,
  emit: 'on_change',
  window: {
    sliding: 20,
    slide: 10,
    zone: 'UTC',
    offset: 0,
    allowed_lateness: 0,
    shape: 'fields',
    late: 'drop',
  },
} as never
const create = () =>
  aggregate.create(options, stepContext(recordType({ g: 'string' }), { times: { in: { maxOutOfOrderMs: 0 } } }))

/** What it emits while time advances to a watermark. */
function emitted(step: Transform, watermark: number): Row[] {
  const rows: Row[] = []
  const never = () => {
    throw new Error('only results are expected')
  }
  const out = { fail: never, side: never, result: (row: Row) => void rows.push(row), failResult: never }
  step.advance!({ watermark, clock: 0, end: false }, out)
  step.epochEnds!(out)
  return rows
}

it('nothing, though a pane of them is left that belongs to others too', () => {
  const step = create()
  const times = [1, 11, 25]
  applyTo(
    step,
    recordsOf(
      times.map(() => ({ g: 'a' })),
      { times },
    ),
  )
  // The windows from -10 and 0 close, and the pane of the first record is dropped.
  expect(emitted(step, 24)).toHaveLength(4)
  const memory = new Map()
  saveChanges(step, memory)
  const again = create()
  again.restore!(savedMemory(memory))
  const starts = emitted(again, 24).map((row) => row['window_start'])
  expect(starts).toEqual([10, 20])
})
