/**
 * Serves a project: reads its specs, hands them to the scheduler, starts the processes that it asks for, and logs what
 * happens, for all on the output and for each run in its own file.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Clock, hasEnded, holdFolder, MillraceError, sharedRunOf, systemClock } from '@millrace/core'
import { createLive } from '../console/live.ts'
import { routesOf } from '../console/routes.ts'
import { type Console, startConsole } from '../console/server.ts'
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
import type { Decision, Ending } from './scheduled.ts'
import { createScheduler } from './scheduler.ts'
import { type Accepted, createSpecs, type SpecsRead } from './specs.ts'
import { findOrder, type Ordered, staysUp } from './order.ts'
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
  /** Where the console listens, and whether it may change anything; undefined: nowhere. */
  readonly console?: { readonly address: Address; readonly isReadOnly: boolean } | undefined
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
    const readSpecs = createSpecs(options.root, options.files, options.flags, io, ledger, stateDir)
    let reading = await readSpecs()
    printFindings(reading.findings, 'text', io, (file) => textOf(options.root, file))
    if (reading.accepted.length === 0) return 2
    const names = (those: readonly Accepted[]) => new Set(those.map(({ name }) => name))
    const monitor = await monitorServe(options.monitor, {
      served: () => names(reading.accepted),
      staysUp: () => names(reading.accepted.filter(({ plan }) => staysUp(plan))),
      refused: () => new Map(reading.refused.map(({ spec, reason }) => [spec, reason])),
      root: options.root,
      env: io.env,
      warn: (message) => log(allPipelines, { level: 'warn', name: 'warning', message }),
    })
    if (monitor.url) log(allPipelines, { level: 'info', name: 'listening', url: monitor.url })
    const live = createLive(clock.now)
    const orderOf = ({ accepted }: SpecsRead): Ordered => findOrder(accepted, options.root, stateDir)
    let ordered = orderOf(reading)
    const scheduler = createScheduler({
      clock,
      ledger,
      launch: async (run, signal) => launch(run, acceptedAs(reading, run.pipeline), signal),
      decided(pipeline, decision) {
        monitor.decided(pipeline, decision)
        log(pipeline, decisionLine(decision), 'run' in decision && 'id' in decision.run ? decision.run.id : undefined)
        // A whole run has ended: an edit that had to wait for that may now be possible.
        if (decision.type === 'succeeded' && reading.refused.some(({ spec }) => spec === pipeline)) void reload()
      },
    })

    async function launch(run: Run, { plan, file, texts, flags }: Accepted, signal: AbortSignal): Promise<Ending> {
      let { incarnation } = run
      if (plan.runs === 'whole' && !incarnation) ledger.incarnate(run.id, (incarnation = sharedRunOf(plan, stateDir)))
      if (incarnation && hasEnded(plan, stateDir, incarnation)) return { type: 'succeeded' }
      const task: ServedTask = {
        spec: file,
        texts: [...texts],
        flags,
        sharedRun: incarnation ?? undefined,
        untilCaughtUp: plan.runs === 'continue' && !staysUp(plan),
      }
      const { pipeline } = run
      const heard: Heard = {
        began: (outOfReach) => monitor.began(pipeline, outOfReach),
        message(message) {
          if (message.type === 'live') {
            live.numbers(pipeline, message.live)
            return monitor.live(pipeline, message.live)
          }
          monitor.event(pipeline, message.event)
          live.observe(pipeline, message.event)
          const line = lineOf(message.event)
          if (line) log(pipeline, line, run.id)
        },
        printed: (message) => log(pipeline, { level: 'info', name: 'output', message }, run.id),
      }
      return runProcess(task, { cwd: options.root, env: io.env }, heard, signal).finally(() => {
        monitor.stopped(pipeline)
        live.stopped(pipeline)
      })
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
      const read = async () => {
        const before = reading
        reading = await readSpecs()
        ordered = orderOf(reading)
        for (const name of reading.changed) log(name, { level: 'info', name: 'spec_accepted' })
        tellRefused(before.refused)
        tellUnfinished(reading.changed)
        for (const { name } of before.accepted)
          if (!reading.accepted.some((each) => each.name === name)) log(name, { level: 'info', name: 'spec_removed' })
        scheduler.set(ordered.scheduled, reading.changed)
        watchAll()
      }
      // Whatever prevents the reading, what is served goes on.
      const failed = (error: unknown) =>
        log(allPipelines, {
          level: 'error',
          name: 'specs_unread',
          message: String(error),
          hint: 'all specs as they were go on',
        })
      busy = busy.then(() => read().catch(failed))
      return busy
    }
    const tellRefused = (before: SpecsRead['refused']) => {
      for (const { spec, reason, served } of reading.refused) {
        if (before.some((each) => each.spec === spec && each.reason === reason)) continue
        const hint = served ? 'the spec as it was goes on' : 'it is not served'
        log(spec, { level: 'error', name: 'spec_refused', message: reason, hint })
      }
    }

    const tellUnfinished = (names: ReadonlySet<string>) => {
      for (const [name, writer] of ordered.unfinished) {
        const message = `it reads to the end of what ${writer} writes, which stays up: each run reads what is there then`
        if (names.has(name)) log(name, { level: 'warn', name: 'reads_unfinished', message })
      }
    }

    const requests = () =>
      takeRequests(stateDir, ({ id, pipeline, askedMs, cancel }) => {
        if (cancel !== undefined) scheduler.cancel(cancel)
        else if (reading.accepted.some(({ name }) => name === pipeline)) scheduler.trigger(pipeline, id, askedMs)
        else log(pipeline, { level: 'warn', name: 'not_served', message: 'a run was asked for, but it is not served' })
      })
    tellRefused([])
    tellUnfinished(new Set(reading.accepted.map(({ name }) => name)))
    scheduler.set(ordered.scheduled)
    watchAll()
    requests()
    let shown: Console | undefined
    if (options.console) {
      const { address, isReadOnly } = options.console
      const routes = routesOf({
        root: options.root,
        stateDir,
        profile: options.flags.profile ?? 'local',
        flags: options.flags,
        isReadOnly,
        io,
        ledger,
        live,
        reading: () => reading,
        isServed: () => true,
        trigger: (pipeline) => scheduler.trigger(pipeline, randomUUID(), clock.now()),
        cancel: (run) => scheduler.cancel(run.id),
      })
      shown = await startConsole(address, { live, routes, isReadOnly })
      // The token is for whoever started this, not for whoever reads the log.
      io.err(`console: ${shown.url}\n`)
    }
    log(allPipelines, { level: 'info', name: 'serving', pipelines: reading.accepted.length })
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
      await shown?.close()
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
    case 'cancelled':
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
