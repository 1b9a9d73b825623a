/**
 * The process of a pipeline under `serve`. It checks the spec itself, as it was accepted, and reports events, numbers
 * and its end. It drains when told to, by a message or by SIGTERM, and when `serve` is gone.
 */
import {
  type Contact,
  type Counters,
  createContact,
  hiddenJson,
  type RunEvent,
  run,
  type Summary,
} from '@millrace/core'
import { measureProcess } from '../monitor/process-numbers.ts'
import { startInThread } from '../parallel.ts'
import { described } from '../print/error.ts'

import type { RunCounts } from './run.ts'
import type { FromServed, ServedTask, ToServed } from './protocol.ts'
import { openPlan } from '../spec.ts'
import { keepYoungGenerationSmall } from '../young-generation.ts'

/** How often numbers are reported. */
const reportEveryMs = 2000
/** The same while no counter changes. */
const idleReportMs = 15_000
/** What has not drained by then is killed. */
const mostDrainMs = 19_500

const stop = new AbortController()
let contact: Contact | undefined

process.on('message', (message: ToServed) => {
  if (message.type === 'stop') drain()
  else if (message.type === 'start') void serve(message.task)
  else void answer(message.question)
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

async function answer(question: number): Promise<void> {
  await tell({ type: 'reached', question, outOfReach: (await contact?.outOfReach()) ?? [] })
}

async function serve({ spec, texts, flags, sharedRun, untilCaughtUp }: ServedTask): Promise<void> {
  let report: Report | undefined
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
    const watched = (contact = createContact(plan, registry, workspace))
    const summary = await run(plan, registry, {
      ...workspace,
      signal: stop.signal,
      observe(event) {
        watched.observe(event)
        void tell({ type: 'event', event })
        if (event.type === 'started' && !report) report = reportNumbers(event)
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
    await report?.end()
    process.exit()
  }
}

/** What is reported of a run from time to time. */
interface Report {
  /** Reports once more, and no more. */
  end(): Promise<void>
}

function reportNumbers({ counters, progress }: Extract<RunEvent, { type: 'started' }>): Report {
  const measure = measureProcess()
  let told = ''
  let toldMs = 0
  const numbers = () => tell({ type: 'live', live: { counters, progress, ...measure() } })
  const report = () => {
    const text = JSON.stringify(counters)
    if (text === told && performance.now() - toldMs < idleReportMs) return
    told = text
    toldMs = performance.now()
    void numbers()
  }
  report()
  const timer = setInterval(report, reportEveryMs)
  return {
    end() {
      clearInterval(timer)
      return numbers()
    },
  }
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
