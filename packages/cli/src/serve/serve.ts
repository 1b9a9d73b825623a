/**
 * Serves a project: reads its specs, hands them to the scheduler, starts the processes that it asks for, and logs what
 * happens, for all on the output and for each run in its own file.
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Clock, hasEnded, holdFolder, MillraceError, type Plan, sharedRunOf, systemClock } from '@millrace/core'
import type { Io } from '../io.ts'
import { type Address } from '../monitor/server.ts'
import { allPipelines, lineOf, type LogLine, logText } from '../print/events.ts'
import { printFindings } from '../print/finding.ts'
import { logLineText } from '../print/log-line.ts'
import { textOf } from '../project.ts'
import { inboxOf, takeRequests } from './inbox.ts'
import { openLedger, serveFolder } from './ledger.ts'
import type { Run } from './run.ts'
import { monitorServe } from './monitor.ts'
import { type Heard, runProcess } from './process.ts'
import type { ServedTask } from './protocol.ts'
import { appendLog } from './run-log.ts'
import { createScheduler, type Decision, type Scheduled } from './scheduler.ts'
import { type Accepted, createSpecs, type SpecsRead } from './specs.ts'
import { createWatch } from './watch.ts'

/** What is served, and how. */
export interface ServeOptions {
  /** The project's folder, and the spec files in it: as they are whenever asked. */
  readonly root: string
  readonly files: () => readonly string[]
  readonly flags: ServedTask['flags']
  readonly stateDir: string
  /** Lines of the log are JSON, or text for people. */
  readonly json: boolean
  /** Where metrics and health are served; undefined: nowhere. */
  readonly monitor: Address | undefined
  readonly clock?: Clock
}

/** Requests are looked for this often, should the folder's watch miss one. */
const inboxEveryMs = 2000

/** Serves until it is told to stop; returns the exit code. */
export async function serve(options: ServeOptions, io: Io): Promise<number> {
  const { stateDir, clock = systemClock } = options
  mkdirSync(inboxOf(stateDir), { recursive: true, mode: 0o700 })
  const letGo = holdFolder(serveFolder(stateDir), 'this project is already served')
  const ledger = openLedger(stateDir)
  try {
    const log = (pipeline: string, line: LogLine, run?: number) => {
      const nowMs = clock.now()
      const text = logText(pipeline, line, nowMs)
      io.out(options.json ? text : logLineText(text))
      if (run !== undefined) appendLog(stateDir, pipeline, run, text)
    }
    const readSpecs = createSpecs(options.files, options.flags, io, ledger, stateDir)
    let reading = await readSpecs()
    printFindings(reading.findings, 'text', io, (file) => textOf(options.root, file))
    if (reading.accepted.length === 0) return 2
    const names = (those: readonly Accepted[]) => new Set(those.map(({ name }) => name))
    const monitor = await monitorServe(options.monitor, {
      served: () => names(reading.accepted),
      staysUp: () => names(reading.accepted.filter(({ plan }) => staysUp(plan))),
      refused: () => reading.refused,
      root: options.root,
      env: io.env,
      warn: (message) => log(allPipelines, { level: 'warn', name: 'warning', message }),
    })
    if (monitor.url) log(allPipelines, { level: 'info', name: 'listening', url: monitor.url })
    const scheduler = createScheduler({
      clock,
      ledger,
      launch: (run, signal) => launch(run, acceptedAs(reading, run.pipeline), signal),
      decided(pipeline, decision) {
        monitor.decided(pipeline, decision)
        log(pipeline, decisionLine(decision), 'run' in decision && 'id' in decision.run ? decision.run.id : undefined)
        // A whole run has ended: an edit that had to wait for that may now be possible.
        if (decision.type === 'succeeded' && reading.refused.has(pipeline)) void reload()
      },
    })

    function launch(run: Run, { plan, file, texts }: Accepted, signal: AbortSignal) {
      let { incarnation } = run
      if (plan.runs === 'whole' && !incarnation) ledger.incarnate(run.id, (incarnation = sharedRunOf(plan, stateDir)))
      if (incarnation && hasEnded(plan, stateDir, incarnation)) return Promise.resolve({ type: 'succeeded' } as const)
      const task: ServedTask = {
        spec: file,
        texts: [...texts],
        flags: options.flags,
        sharedRun: incarnation ?? undefined,
        untilCaughtUp: plan.runs === 'continue' && !staysUp(plan),
      }
      const { pipeline } = run
      const heard: Heard = {
        began: (outOfReach) => monitor.began(pipeline, outOfReach),
        message(message) {
          if (message.type === 'live') return monitor.live(pipeline, message.live)
          monitor.event(pipeline, message.event)
          const line = lineOf(message.event)
          if (line) log(pipeline, line, run.id)
        },
        printed: (message) => log(pipeline, { level: 'info', name: 'output', message }, run.id),
      }
      return runProcess(task, { cwd: options.root, env: io.env }, heard, signal).finally(() =>
        monitor.stopped(pipeline),
      )
    }

    const watch = createWatch(() => void reload())
    const watchAll = () =>
      watch.watch(
        new Set([
          options.root,
          ...options.files().map(dirname),
          ...reading.accepted.flatMap(({ texts }) => [...texts.keys()].map(dirname)),
        ]),
      )
    let busy: Promise<void> = Promise.resolve()
    /** Reads all specs again, one reading after the other. */
    function reload(): Promise<void> {
      busy = busy.then(async () => {
        const before = reading
        reading = await readSpecs()
        for (const name of reading.changed) log(name, { level: 'info', name: 'spec_accepted' })
        tellRefused(before.refused)
        for (const { name } of before.accepted)
          if (!reading.accepted.some((each) => each.name === name)) log(name, { level: 'info', name: 'spec_removed' })
        scheduler.set(reading.accepted.map(scheduledOf), reading.changed)
        watchAll()
      })
      return busy
    }
    const tellRefused = (before: SpecsRead['refused']) => {
      for (const [name, message] of reading.refused) {
        const isServed = reading.accepted.some((each) => each.name === name)
        const hint = isServed ? 'the spec as it was goes on' : 'it is not served'
        if (before.get(name) !== message) log(name, { level: 'error', name: 'spec_refused', message, hint })
      }
    }

    const requests = () =>
      takeRequests(stateDir, ({ id, pipeline, askedMs }) => scheduler.trigger(pipeline, id, askedMs))
    tellRefused(new Map())
    scheduler.set(reading.accepted.map(scheduledOf))
    watchAll()
    requests()
    const inboxTimer = setInterval(requests, inboxEveryMs)
    const onHangup = () => void reload()
    process.on('SIGHUP', onHangup)
    try {
      await stopped(io.stopSignal(options.json))
      log(allPipelines, { level: 'info', name: 'stopping', message: 'stop requested: draining' })
    } finally {
      process.off('SIGHUP', onHangup)
      clearInterval(inboxTimer)
      watch.close()
      await busy
      await scheduler.stop()
      await monitor.close()
    }
    return 0
  } finally {
    ledger.close()
    letGo()
  }
}

const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
  )

const acceptedAs = ({ accepted }: SpecsRead, name: string): Accepted => {
  const found = accepted.find((each) => each.name === name)
  if (!found) throw new MillraceError('internal', `${name} is not served`)
  return found
}

/** A pipeline that reads an endless input, and has no schedule. */
const staysUp = (plan: Plan): boolean =>
  !plan.schedule && plan.sources.some(({ side, capabilities }) => !side && !capabilities.bounded)

const scheduledOf = ({ name, plan }: Accepted): Scheduled => ({ name, staysUp: staysUp(plan), schedule: plan.schedule })

function decisionLine(decision: Decision): LogLine {
  const time = (ms: number) => new Date(ms).toISOString()
  switch (decision.type) {
    case 'missed':
      return { level: 'warn', name: 'missed', from: time(decision.firstMs), to: time(decision.lastMs) }
    case 'due':
    case 'skipped':
      return { level: 'info', name: decision.type, due: time(decision.run.dueMs) }
    case 'starting':
      return { level: 'info', name: 'starting', id: decision.run.id, attempt: decision.run.attempts }
    case 'retrying':
      return {
        level: 'warn',
        name: 'retrying',
        id: decision.run.id,
        waitMs: decision.waitMs,
        reason: decision.why.code,
        message: decision.why.message,
      }
    case 'succeeded':
    case 'interrupted':
      return { level: 'info', name: decision.type, id: decision.run.id }
    case 'run_failed':
      return {
        level: 'error',
        name: 'run_failed',
        id: decision.run.id,
        reason: decision.why?.code,
        message: decision.why?.message ?? '',
      }
  }
}
