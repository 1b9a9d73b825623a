/** A run's events as JSON lines on standard error, for programs: each with time, level, pipeline and code. */
import { hiddenJson, type RunEvent } from '@millrace/core'
import type { Io } from '../io.ts'
import type { ProgressLine } from './progress.ts'

/** How often progress is reported. */
const everyMs = 10_000

/** Prints events until closed. */
export function jsonEvents(io: Io): ProgressLine {
  const started = new Map<string, Extract<RunEvent, { type: 'started' }>>()
  const tell = (pipeline: string, level: 'info' | 'warn' | 'error', code: string, more: object) =>
    io.err(`${hiddenJson({ time: new Date().toISOString(), level, pipeline, code, ...more })}\n`)
  const progress = () => {
    for (const [pipeline, { counters, progress: p }] of started) {
      const sources = counters.flatMap((c) => Object.values(c.sources))
      const records = sources.reduce((sum, { read }) => sum + read, 0)
      const lag = p.behind === undefined ? {} : { behind: p.behind }
      const watermarks = p.watermarks ? { watermarks: p.watermarks } : {}
      tell(pipeline, 'info', 'progress', { records, bytes: p.bytes, ...lag, ...watermarks })
    }
  }
  const timer = setInterval(progress, everyMs).unref()
  return {
    observe(pipeline, event) {
      switch (event.type) {
        case 'started':
          started.set(pipeline, event)
          return tell(pipeline, 'info', 'started', { run: event.incarnation, resumed: event.resumed })
        case 'retry': {
          const { node, doing, message, attempt, waitMs, sinceMs, forMs } = event
          const times = { attempt, waitMs, sinceMs, forMs: Number.isFinite(forMs) ? forMs : null }
          return tell(pipeline, 'warn', 'retry', { node, doing, message, ...times })
        }
        case 'warning':
          return tell(pipeline, 'warn', 'warning', { node: event.node, message: event.message })
        case 'watermark': {
          const { type, ...step } = event
          return tell(pipeline, 'info', type, step)
        }
        case 'stopping':
          return tell(pipeline, 'info', 'stopping', { message: event.reason })
        case 'ended':
          return tell(pipeline, 'info', 'ended', { ended: event.ended })
        case 'failed': {
          const { code, message, place, hint } = event
          return tell(pipeline, 'error', code, { message, place, hint })
        }
        default:
          return
      }
    },
    close: () => clearInterval(timer),
  }
}
