/**
 * How a run is going, on standard error: on a terminal one line that is redrawn four times a second, elsewhere a plain line every ten seconds.
 * The rate is that of the last five seconds, so that it follows a change; percent and time left are shown once the sizes of all splits are known.
 */
import type { Observer, Progress, RunEvent } from '@millrace/core'
import type { Io } from '../io.ts'
import { bytes, count, span } from './table.ts'

type Started = Extract<RunEvent, { type: 'started' }>

/** What was read at a moment; the rate is the difference of two. */
interface Reading {
  readonly atMs: number
  readonly records: number
  readonly bytes: number
}

export interface ProgressLine {
  readonly observe: Observer
  /** Takes the line off the terminal; to be called before anything else is printed, and at the end. */
  close(): void
}

export function showProgress(io: Io): ProgressLine {
  let started: Started | undefined
  let readings: Reading[] = []
  let drawn = false
  let timer: NodeJS.Timeout | undefined

  const erase = () => {
    if (drawn) io.err('\r\x1b[K')
    drawn = false
  }
  const say = (text: string) => {
    erase()
    io.err(`${text}\n`)
  }
  const tick = () => {
    if (!started) return
    const now = { atMs: performance.now(), records: recordsRead(started), bytes: started.progress.bytes }
    readings.push(now)
    readings = readings.filter((reading) => reading.atMs > now.atMs - 5_000 || reading === readings.at(-2))
    const line = progressText(started.progress, readings[0]!, now)
    if (!io.terminal) return say(line)
    io.err(`\r\x1b[K${line.slice(0, io.columns - 1)}`)
    drawn = true
  }
  return {
    observe(event) {
      switch (event.type) {
        case 'started':
          started = event
          readings = [{ atMs: performance.now(), records: recordsRead(event), bytes: event.progress.bytes }]
          if (event.resumed) say(`Going on from the last checkpoint: ${count(recordsRead(event))} records were done before.`)
          timer = setInterval(tick, io.terminal ? 250 : 10_000)
          timer.unref()
          return
        case 'retry':
          return say(`${event.node}: ${event.message}; try ${event.attempt + 1} in ${span(event.waitMs)}`)
        case 'warning':
          return say(`${event.node}: ${event.message}`)
        case 'stopping':
          return say(`Stopping: ${event.reason}`)
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

const recordsRead = (started: Started): number => started.counters.reduce((sum, c) => sum + Object.values(c.sources).reduce((n, s) => n + s.read, 0), 0)

/** `1,234,567 records  412,000/s  45.2 MiB  63 %  8.0 s left` */
export function progressText(progress: Progress, from: Reading, now: Reading): string {
  const seconds = Math.max(0.001, (now.atMs - from.atMs) / 1000)
  const parts = [`${count(now.records)} records`, `${count((now.records - from.records) / seconds)}/s`, bytes(now.bytes)]
  if (progress.complete && progress.totalBytes > 0) {
    parts.push(`${Math.min(100, Math.floor((now.bytes / progress.totalBytes) * 100))} %`)
    const rate = (now.bytes - from.bytes) / seconds
    if (rate > 0) parts.push(`${span((Math.max(0, progress.totalBytes - now.bytes) / rate) * 1000)} left`)
  }
  return parts.join('  ')
}
