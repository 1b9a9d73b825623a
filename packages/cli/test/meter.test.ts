/** What the metrics say of counters that only some sinks have. */
import type { Counters, RunEvent } from '@millrace/core'
import { expect, it } from 'vitest'
import { createMeter } from '../src/monitor/meter.ts'

const counters = (delivered: number, superseded?: number): readonly Counters[] => [
  {
    sources: {},
    steps: {},
    sinks: {
      out: {
        in: delivered,
        delivered,
        failed: 0,
        codes: {},
        refused: 0,
        replayed: 0,
        gated: 0,
        ...(superseded === undefined ? {} : { superseded }),
      },
    },
  },
]

it('records that a store had newer ones of are counted, but not those before the run', () => {
  const meter = createMeter()
  const started = { type: 'started', before: counters(10, 4), counters: counters(15, 6), progress: {} }
  meter.observe('orders', started as unknown as RunEvent)
  const labels = { pipeline: 'orders', node: 'out' }
  expect(meter.samples().get('written')).toEqual([{ labels, value: 5 }])
  expect(meter.samples().get('superseded')).toEqual([{ labels, value: 2 }])
  meter.stopped('orders')
  expect(meter.samples().get('superseded')).toEqual([{ labels, value: 2 }])
})

it('a sink that overwrites in any case has no such series', () => {
  const meter = createMeter()
  const started = { type: 'started', before: counters(0), counters: counters(5), progress: {} }
  meter.observe('orders', started as unknown as RunEvent)
  expect(meter.samples().has('superseded')).toBe(false)
})
