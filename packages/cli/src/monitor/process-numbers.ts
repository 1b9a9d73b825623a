/** The memory of this process, and the delay of its event loop. */
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** The numbers of a process. */
export interface ProcessNumbers {
  readonly residentBytes: number
  readonly heapBytes: number
  /** Since they were last asked for, in seconds: mean and longest. */
  readonly loopDelay: { readonly mean: number; readonly max: number }
}

const nanoseconds = 1e9
/**
 * How often the delay is measured; a measurement is late by as much. Each wakes the process, so an idle one has few: a
 * shorter delay is seen where it meets one.
 */
const resolutionMs = 1000

/** Begins to measure; each call returns the numbers since the last one. */
export function measureProcess(): () => ProcessNumbers {
  const loop = monitorEventLoopDelay({ resolution: resolutionMs })
  loop.enable()
  return () => {
    const { rss, heapUsed } = process.memoryUsage()
    const { mean, max } = loop
    loop.reset()
    const delay = (ns: number) => Math.max(0, (ns || 0) / nanoseconds - resolutionMs / 1000)
    return { residentBytes: rss, heapBytes: heapUsed, loopDelay: { mean: delay(mean), max: delay(max) } }
  }
}
