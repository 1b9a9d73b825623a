/** A run's events as JSON lines on standard error, for programs: each with time, level, pipeline and code. */
import { hiddenJson, type RunEvent } from '@millrace/core'
import type { Io } from '../io.ts'
import type { ProgressLine } from './progress.ts'

/** One line of a log, without its time and pipeline. */
export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  /** Its code: that of an error, or a word for what happened. */
  readonly name: string
  readonly node?: string
  readonly message?: string
  readonly [more: string]: unknown
}

/** The pipeline of a line that belongs to none. */
export const allPipelines = '*'

/** A line as JSON, with the time; secrets are hidden. */
export const logText = (pipeline: string, { level, name, ...more }: LogLine, nowMs = Date.now()): string =>
  `${hiddenJson({ time: new Date(nowMs).toISOString(), level, pipeline, code: name, ...more })}\n`

/** The line of an event; undefined: it is not logged. */
export function lineOf(event: RunEvent): LogLine | undefined {
  switch (event.type) {
    case 'started':
      return { level: 'info', name: 'started', run: event.incarnation, resumed: event.resumed }
    case 'retry': {
      const { type, forMs, ...call } = event
      return { level: 'warn', name: type, ...call, forMs: Number.isFinite(forMs) ? forMs : null }
    }
    case 'stalled':
    case 'recovered': {
      const { type, ...call } = event
      return { level: type === 'stalled' ? 'warn' : 'info', name: type, ...call }
    }
    case 'warning':
      return { level: 'warn', name: 'warning', node: event.node, message: event.message }
    case 'watermark': {
      const { type, ...step } = event
      return { level: 'info', name: type, ...step }
    }
    case 'stopping':
      return { level: 'info', name: 'stopping', message: event.reason }
    case 'ended':
      return { level: 'info', name: 'ended', ended: event.ended }
    case 'failed': {
      const { code, node, message, place, hint } = event
      return { level: 'error', name: code, node, message, place, hint }
    }
    default:
      return undefined
  }
}

/** How often progress is reported. */
const everyMs = 10_000

/** Prints events until closed. */
export function jsonEvents(io: Io): ProgressLine {
  const started = new Map<string, Extract<RunEvent, { type: 'started' }>>()
  const tell = (pipeline: string, line: LogLine) => io.err(logText(pipeline, line))
  const progress = () => {
    for (const [pipeline, { counters, progress: p }] of started) {
      const sources = counters.flatMap((c) => Object.values(c.sources))
      const records = sources.reduce((sum, { read }) => sum + read, 0)
      const lag = p.behind === undefined ? {} : { behind: p.behind }
      const watermarks = p.watermarks ? { watermarks: p.watermarks } : {}
      tell(pipeline, { level: 'info', name: 'progress', records, bytes: p.bytes, ...lag, ...watermarks })
    }
  }
  const timer = setInterval(progress, everyMs).unref()
  return {
    listens: (url) => tell(allPipelines, { level: 'info', name: 'listening', url }),
    warn: (message) => tell(allPipelines, { level: 'warn', name: 'warning', message }),
    observe(pipeline, event) {
      if (event.type === 'started') started.set(pipeline, event)
      const line = lineOf(event)
      if (line) tell(pipeline, line)
    },
    close: () => clearInterval(timer),
  }
}
