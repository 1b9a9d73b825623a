/**
 * The progress of runs, on standard error: on a terminal one line that is redrawn four times a second, elsewhere a
 * plain line every ten seconds. The rate is that of the last five seconds, so that it follows changes; percent and time
 * left are shown once the sizes of all splits are known.
 */
import { hide, type RunEvent, type RunPipelinesOptions } from '@millrace/core'
import type { Io } from '../io.ts'
import { bytes, count, span } from './table.ts'

type Started = Extract<RunEvent, { type: 'started' }>

/** What all pipelines had read at a moment; the rate is the difference of two. */
export interface Reading {
  readonly atMs: number
  readonly records: number
  readonly bytes: number
  /** 0: unknown. */
  readonly totalBytes: number
  /** Lag in records, and the age of the last record read; undefined: no source reports it. */
  readonly lag?: { readonly records: number; readonly ms: number } | undefined
}

/** The line of one command. */
export interface ProgressLine {
  readonly observe: NonNullable<RunPipelinesOptions['observe']>
  /** Says where metrics and health are served. */
  listens(url: string): void
  /** Warns of something that concerns no single pipeline. */
  warn(message: string): void
  /** Clears the line from the terminal; to be called before anything else is printed, and at the end. */
  close(): void
}

/** Shows progress until closed. */
export function showProgress(io: Io): ProgressLine {
  const running = new Map<string, Started>()
  let readings: Reading[] = []
  const saidMs = new Map<string, number>()
  let drawn = false
  let timer: NodeJS.Timeout | undefined

  const erase = () => {
    if (drawn) io.err('\r\x1b[K')
    drawn = false
  }
  const say = (pipeline: string, text: string) => {
    erase()
    io.err(`${pipeline}: ${hide(text)}\n`)
  }
  /**
   * Reports what has been failing for a second, and again once a minute: two pipelines that start together may wait for
   * each other for a moment.
   */
  const retried = (pipeline: string, event: Extract<RunEvent, { type: 'retry' }>) => {
    const { node, doing, message, attempt, waitMs, sinceMs, forMs } = event
    const key = `${pipeline}\0${node}\0${doing}`
    const now = performance.now()
    const lastMs = saidMs.get(key) ?? Number.NEGATIVE_INFINITY
    const isSaid = lastMs >= now - sinceMs && now - lastMs < 60_000
    if (sinceMs < 1000 || isSaid) return
    saidMs.set(key, now)
    const until = Number.isFinite(forMs) ? `; giving up after ${span(forMs)}` : ''
    say(pipeline, `${node}, ${doing}: ${message}, for ${span(sinceMs)}; try ${attempt + 1} in ${span(waitMs)}${until}`)
  }
  const tick = () => {
    const now = readingOf([...running.values()])
    readings.push(now)
    readings = readings.filter((reading) => reading.atMs > now.atMs - 5_000 || reading === readings.at(-2))
    const line = progressText(readings[0]!, now)
    erase()
    io.err(io.terminal ? line.slice(0, io.columns - 1) : `${line}\n`)
    drawn = io.terminal
  }
  return {
    listens: (url) => say('metrics', `${url}/metrics`),
    warn: (message) => say('warning', message),
    observe(pipeline, event) {
      switch (event.type) {
        case 'started':
          running.set(pipeline, event)
          readings = [readingOf([...running.values()])]
          if (event.resumed)
            say(pipeline, `resuming from the last checkpoint; ${count(recordsOf(event))} records were processed before`)
          timer ??= setInterval(tick, io.terminal ? 250 : 10_000).unref()
          return
        case 'retry':
          return retried(pipeline, event)
        case 'warning':
          return say(pipeline, `${event.node}: ${event.message}`)
        case 'stopping':
          return say(pipeline, event.reason)
        default:
          return
      }
    },
    close() {
      clearInterval(timer)
      erase()
    },
  }
}

const recordsOf = (started: Started): number =>
  started.counters.flatMap((c) => Object.values(c.sources)).reduce((sum, source) => sum + source.read, 0)

function readingOf(running: readonly Started[]): Reading {
  const sum = (of: (started: Started) => number) => running.reduce((total, started) => total + of(started), 0)
  const isKnown = running.every(({ progress }) => progress.complete && progress.totalBytes > 0)
  const measured = running.filter(({ progress }) => progress.behind !== undefined)
  const oldest = Math.min(
    ...measured.filter(({ progress }) => progress.behind! > 0).map(({ progress }) => progress.arrivedMs ?? Infinity),
  )
  return {
    atMs: performance.now(),
    records: sum(recordsOf),
    bytes: sum((s) => s.progress.bytes),
    totalBytes: isKnown ? sum((s) => s.progress.totalBytes) : 0,
    lag: measured.length
      ? {
          records: measured.reduce((total, { progress }) => total + progress.behind!, 0),
          ms: Math.max(0, Number.isFinite(oldest) ? Date.now() - oldest : 0),
        }
      : undefined,
  }
}

/** `1,234,567 records  412,000/s  45.2 MiB  63 %  8.0 s left`, or `…  lag 12,345 records, 3.2 s` */
export function progressText(from: Reading, now: Reading): string {
  const seconds = Math.max(0.001, (now.atMs - from.atMs) / 1000)
  const parts = [
    `${count(now.records)} records`,
    `${count((now.records - from.records) / seconds)}/s`,
    bytes(now.bytes),
  ]
  if (now.totalBytes > 0) {
    parts.push(`${Math.min(100, Math.floor((now.bytes / now.totalBytes) * 100))} %`)
    const rate = (now.bytes - from.bytes) / seconds
    if (rate > 0) parts.push(`${span(Math.max(1, (now.totalBytes - now.bytes) / rate) * 1000)} left`)
  }
  if (now.lag) parts.push(`lag ${count(now.lag.records)} records${now.lag.ms >= 1000 ? `, ${span(now.lag.ms)}` : ''}`)
  return parts.join('  ')
}
