/**
 * The process of a pipeline under `serve`. It checks the spec itself, as it was accepted, and reports events, numbers
 * and its end. It drains when told to, by a message or by SIGTERM, and when `serve` is gone.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Counters, hiddenJson, type RunEvent, run, type Summary } from '@millrace/core'
import { startInThread } from '../parallel.ts'
import { described } from '../print/error.ts'

import type { RunCounts } from './run.ts'
import type { FromServed, ServedTask, ToServed } from './protocol.ts'
import { openPlan } from '../spec.ts'
import { keepYoungGenerationSmall } from '../young-generation.ts'

/** How often numbers are reported. */
const reportEveryMs = 2000
/** What has not drained by then is killed. */
const mostDrainMs = 19_500

const stop = new AbortController()
const nanoseconds = 1e9

process.on('message', (message: ToServed) => {
  if (message.type === 'stop') drain()
  else void serve(message.task)
})
process.on('disconnect', drain)
process.on('SIGTERM', drain)
// A terminal sends these to this process too; `serve` decides what happens.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})

function drain(): void {
  stop.abort()
  setTimeout(() => process.exit(1), mostDrainMs).unref()
}

/** Secrets stay in this process. */
function tell(message: FromServed): Promise<void> {
  const shown = JSON.parse(hiddenJson(message)) as FromServed
  return new Promise((resolve) => {
    if (!process.connected) return resolve()
    process.send!(shown, () => resolve())
  })
}

async function serve({ spec, texts, flags, sharedRun, untilCaughtUp }: ServedTask): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  try {
    const findings: string[] = []
    const io = {
      cwd: process.cwd(),
      env: process.env,
      out: (text: string) => void process.stdout.write(text),
      err: (text: string) => void findings.push(text),
      terminal: false,
      columns: 100,
      stopSignal: () => stop.signal,
    }
    const opened = await openPlan(spec, flags, io, { texts: new Map(texts) })
    if (!opened) throw Object.assign(new Error(findings.join('').trim()), { code: 'spec_refused', exitCode: 2 })
    const { plan, registry, workspace } = opened
    keepYoungGenerationSmall(plan.runs === 'whole')
    const summary = await run(plan, registry, {
      ...workspace,
      signal: stop.signal,
      observe(event) {
        void tell({ type: 'event', event })
        if (event.type === 'started' && !timer) timer = report(event)
      },
      ...(sharedRun ? { sharedRun } : {}),
      ...(untilCaughtUp ? { until: Promise.resolve() } : {}),
      worker: (copy, own) => startInThread(spec, flags, io, copy, own, new Map(texts)),
    })
    await tell({
      type: 'ended',
      isDone: summary.ended || summary.caughtUp,
      counts: countsOf(summary, plan.runs),
      imbalances: summary.imbalances,
    })
  } catch (error) {
    await tell({ type: 'error', error: described(error) })
  } finally {
    clearInterval(timer)
    process.exit()
  }
}

/** Reports the numbers of a run until its timer is cleared. */
function report({ counters, progress }: Extract<RunEvent, { type: 'started' }>): NodeJS.Timeout {
  const loop = monitorEventLoopDelay({ resolution: 20 })
  loop.enable()
  const numbers = () => {
    const { rss, heapUsed } = process.memoryUsage()
    const loopDelay = { mean: (loop.mean || 0) / nanoseconds, max: loop.max / nanoseconds }
    loop.reset()
    void tell({ type: 'live', live: { counters, progress, residentBytes: rss, heapBytes: heapUsed, loopDelay } })
  }
  numbers()
  return setInterval(numbers, reportEveryMs)
}

/** What the run did: a whole one since it began, whatever interrupted it, a continuing one in this process. */
function countsOf({ counters, thisRun }: Summary, runs: 'whole' | 'continue'): RunCounts {
  const all: readonly Counters[] = runs === 'whole' ? counters : thisRun
  const sum = (of: (c: Counters) => readonly number[]) => all.flatMap(of).reduce((a, b) => a + b, 0)
  return {
    read: sum(({ sources }) => Object.values(sources).map((c) => c.read)),
    written: sum(({ sinks }) => Object.values(sinks).map((c) => c.delivered)),
    failed: sum(({ sources, steps, sinks }) =>
      [...Object.values(sources), ...Object.values(steps), ...Object.values(sinks)].map((c) => c.failed),
    ),
  }
}
