/** A bad record stands among the rows of its batch where its position says, although its source does not. */
import { expect, it } from 'vitest'
import { batch, type Batch } from '../../src/record/index.ts'
import { highsOf } from '../../src/record/highs.ts'
import { timeReader } from '../../src/run/event-time.ts'
import { splitBatch } from '../../src/run/split-batch.ts'
import { systemClock } from '../../src/clock.ts'

/** Rows at these positions, with the bad record 2 among them. */
const around = (...positions: readonly number[]): Batch => ({
  ...batch({ split: 's', rows: positions.map((at) => ({ at })) }),
  positionAt: (i) => positions[i]!,
  bad: [{ position: 2, bytes: Buffer.from('{"at":50}'), code: 'bad_json' }],
})

it('its time counts for the records after it, and not for those before', () => {
  const schema = { fields: { at: { type: { kind: 'timestamp' }, optional: false } } } as const
  const time = { field: 'at', zone: 'UTC', maxOutOfOrderMs: 0 }
  const reader = timeReader(time, 'at', schema, (bytes) => JSON.parse(Buffer.from(bytes).toString()))
  const timed = reader.timed(around(0, 1, 3, 4), systemClock)
  expect([...highsOf(timed)]).toEqual([Number.NEGATIVE_INFINITY, 0, 50, 50])
})

it('it is counted where it stood when a batch is split at a number of records', () => {
  const [first, rest] = splitBatch(around(0, 1, 3, 4, 5), 4, 4)
  expect(first.rows).toEqual([{ at: 0 }, { at: 1 }, { at: 3 }])
  expect(first.bad).toHaveLength(1)
  expect(rest.rows).toEqual([{ at: 4 }, { at: 5 }])
  expect(rest.bad).toEqual([])
})
