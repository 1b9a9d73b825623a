/**
 * Decides when pipelines run, and keeps them running. It starts nothing itself: `launch` does, and says how it ended.
 *
 * A scheduled run is written down when it is due, and its attempts when they begin and end (ledger.ts), so a `serve`
 * that is killed finds on its return what was waiting, what was tried again, and what it left running. That run goes
 * on: its pipeline resumes the same incarnation, or finds that it has ended. A process that was killed is started again
 * without using up a retry. One pipeline runs once at a time.
 *
 * Decision: docs/decisions/20261202-when-a-schedule-is-due.md
 */
import { type Clock, type Cron, cron } from '@millrace/core'
import { findDue } from './due.ts'
import type { Ledger } from './ledger.ts'
import { type NewRun, openStates, type Run, type RunCounts, type Why } from './run.ts'
import type { Decision, Ending, Launch, Scheduled } from './scheduled.ts'

/** What a scheduler works with. */
export interface SchedulerContext {
  readonly clock: Clock
  readonly ledger: Ledger
  readonly launch: Launch
  readonly decided: (pipeline: string, decision: Decision) => void
}

/** Runs pipelines when they are due. */
export interface Scheduler {
  /** What is to run from now on. Those that are gone, or `changed` while they stay up, are drained first. */
  set(pipelines: readonly Scheduled[], changed?: ReadonlySet<string>): void
  /** Runs one now, or once it is free. `request`: the same one makes no second run. */
  trigger(pipeline: string, request: string, askedMs: number): void
  /** Ends a run that is not over: what it has saved stays. What stays up is held until somebody asks for it. */
  cancel(run: number): void
  /** Drains all, and starts nothing more. */
  stop(): Promise<void>
}

/** The clock may be set, so it is looked at this often. */
const lookEveryMs = 30_000
const firstCrashWaitMs = 1000
const longestCrashWaitMs = 60_000
/** What has been up for this long starts with short waits again. */
const steadyMs = 60_000
/** A process that is killed so often in a row counts as a failed attempt. */
const mostCrashes = 10
const longestRetryWaitMs = 3_600_000

interface Served {
  readonly of: Scheduled
  readonly cron?: Cron
  /** When it is due next; undefined: never. */
  dueMs?: number | undefined
  /** It is held until its spec is changed, or somebody asks for it. */
  isHeld: boolean
  failures: number
  notBeforeMs: number
}

interface Active {
  readonly run: number
  readonly stop: AbortController
  readonly ended: Promise<void>
}

/** Begins to serve: what a `serve` before it left running goes on. */
export function createScheduler({ clock, ledger, launch, decided }: SchedulerContext): Scheduler {
  const served = new Map<string, Served>()
  const active = new Map<string, Active>()
  /** Runs that somebody has ended, while their processes drain. */
  const cancelled = new Set<number>()
  let isStopping = false
  let cancelWake = () => {}
  ledger.interruptAll()
  ledger.endStreams(clock.now())

  function set(pipelines: readonly Scheduled[], changed: ReadonlySet<string> = new Set()): void {
    for (const [name, { of }] of served) {
      const next = pipelines.find((each) => each.name === name)
      if (!next || (changed.has(name) && (of.staysUp || next.staysUp))) active.get(name)?.stop.abort()
    }
    const before = new Map(served)
    served.clear()
    for (const of of pipelines) {
      const start = of.schedule?.start
      const old = changed.has(of.name) ? undefined : before.get(of.name)
      served.set(of.name, {
        of,
        ...(start && 'cron' in start ? { cron: cron(start.cron, start.timezone) } : {}),
        isHeld: old?.isHeld ?? false,
        failures: old?.failures ?? 0,
        notBeforeMs: old?.notBeforeMs ?? 0,
      })
      const each = served.get(of.name)!
      if (start && each.cron) each.dueMs = each.cron.next(ledger.lookedUntil(of.name, start, clock.now()))
      if (start && 'after' in start) ledger.followFromNow(of.name, start.after)
    }
    look()
  }

  /** Writes down what is due, starts what can start, and sleeps until the next moment of interest. */
  function look(): void {
    if (isStopping) return
    cancelWake()
    const nowMs = clock.now()
    let wakeMs = nowMs + lookEveryMs
    const soon = (ms: number | undefined) => {
      if (ms !== undefined) wakeMs = Math.min(wakeMs, ms)
    }
    // All that is due is known before anything is started: what reads waits for what writes.
    for (const each of served.values()) {
      if (each.dueMs === undefined) continue
      if (each.dueMs <= nowMs) writeDown(each, nowMs)
      soon(each.dueMs)
    }
    for (const each of served.values()) {
      if (active.has(each.of.name)) continue
      if (each.of.staysUp) {
        if (each.isHeld) continue
        if (each.notBeforeMs > nowMs) soon(each.notBeforeMs)
        else startStream(each, nowMs)
        continue
      }
      const run = nextOf(each.of.name)
      if (!run) continue
      if (run.state === 'retrying' && run.nextMs! > nowMs) soon(run.nextMs!)
      else if (!each.of.readsAfter.some((name) => isAhead(name, run))) start(each, run, nowMs)
    }
    cancelWake = clock.after(Math.max(1, wakeMs - nowMs), look)
  }

  function writeDown(each: Served, nowMs: number): void {
    const { name, schedule } = each.of
    const { start } = schedule!
    const fromMs = ledger.lookedUntil(name, start, nowMs)
    const due = findDue(each.cron!, schedule!, fromMs, nowMs, ledger.openOf(name).length > 0)
    each.dueMs = each.cron!.next(due.untilMs)
    const runs = due.runs.map(
      ({ dueMs, skipped }): NewRun => ({
        pipeline: name,
        cause: 'schedule',
        dueMs,
        state: skipped ? 'skipped' : 'waiting',
      }),
    )
    ledger.found(name, start, due.untilMs, runs, nowMs)
    if (due.missed) decided(name, { type: 'missed', firstMs: due.missed[0], lastMs: due.missed[1] })
    for (const run of runs) decided(name, { type: run.state === 'skipped' ? 'skipped' : 'due', run })
    ledger.trim(name)
  }

  /** What was begun goes on before anything new. */
  function nextOf(name: string): Run | undefined {
    const open = ledger.openOf(name)
    return open.find(({ state }) => state === 'interrupted' || state === 'retrying') ?? open[0]
  }

  /** A pipeline is at it, or has a run to do that was due no later than this one. */
  const isAhead = (name: string, { dueMs }: Run): boolean =>
    active.has(name) || ledger.openOf(name).some((open) => open.dueMs <= dueMs)

  function startStream(each: Served, nowMs: number): void {
    const { name } = each.of
    for (const run of ledger.openOf(name)) ledger.ended(run.id, { state: 'succeeded' }, nowMs)
    const id = ledger.begin({ pipeline: name, cause: 'stream', dueMs: nowMs, state: 'running' }, nowMs)
    ledger.trim(name)
    process(each, ledger.get(id)!, (run, ending) => {
      const endedMs = clock.now()
      const isSteady = endedMs - run.startedMs! >= steadyMs
      each.failures = isSteady ? 0 : each.failures + 1
      const why = 'why' in ending ? ending.why : undefined
      const isDone = ending.type === 'succeeded' || ending.type === 'stopped'
      ledger.ended(
        id,
        { state: isDone ? 'succeeded' : 'failed', ...(why ? { why } : {}), counts: countsOf(ending) },
        endedMs,
      )
      if (ending.type === 'stopped') {
        each.failures = 0
        return decided(name, { type: 'interrupted', run })
      }
      if (ending.type === 'failed' && ending.isFinal) {
        each.isHeld = true
        return decided(name, { type: 'run_failed', run, why: ending.why })
      }
      const waitMs = crashWait(each.failures)
      each.notBeforeMs = endedMs + waitMs
      decided(name, { type: 'retrying', run, waitMs, why: why ?? { code: 'killed', message: 'it ended by itself' } })
    })
  }

  function start(each: Served, run: Run, nowMs: number): void {
    const { name, schedule } = each.of
    // Going on after an interruption or a crash is the same attempt.
    const goesOn = run.state === 'interrupted' || (run.state === 'retrying' && run.crashes > 0)
    ledger.started(run.id, goesOn && run.attempts > 0 ? run.attempts : run.attempts + 1, nowMs)
    process(each, ledger.get(run.id)!, (attempt, ending) => {
      const endedMs = clock.now()
      const fail = (why: Why, isFinal: boolean, counts?: RunCounts) => {
        const retries = schedule?.retries ?? 0
        if (isFinal || attempt.attempts > retries) {
          ledger.ended(run.id, { state: 'failed', why, counts }, endedMs)
          return decided(name, { type: 'run_failed', run: attempt, why })
        }
        const first = schedule!.backoffMs
        const waitMs = Math.min(first * 2 ** (attempt.attempts - 1), Math.max(first, longestRetryWaitMs))
        ledger.retry(run.id, endedMs + waitMs, attempt.attempts, 0, why)
        decided(name, { type: 'retrying', run: attempt, waitMs, why })
      }
      switch (ending.type) {
        case 'succeeded':
          ledger.ended(run.id, { state: 'succeeded', counts: ending.counts }, endedMs, followersOf(name))
          return decided(name, { type: 'succeeded', run: attempt })
        case 'stopped':
          ledger.interrupted(run.id)
          return decided(name, { type: 'interrupted', run: attempt })
        case 'failed':
          return fail(ending.why, ending.isFinal === true, ending.counts)
        case 'killed': {
          const crashes = attempt.crashes + 1
          if (crashes >= mostCrashes) return fail(ending.why, false)
          const waitMs = crashWait(crashes)
          ledger.retry(run.id, endedMs + waitMs, attempt.attempts, crashes, ending.why)
          return decided(name, { type: 'retrying', run: attempt, waitMs, why: ending.why })
        }
      }
    })
  }

  function process(each: Served, run: Run, end: (run: Run, ending: Ending) => void): void {
    const stop = new AbortController()
    decided(each.of.name, { type: 'starting', run })
    const ended = launch(run, stop.signal)
      .catch((error: unknown): Ending => ({ type: 'killed', why: { code: 'internal', message: String(error) } }))
      .then((ending) => {
        active.delete(each.of.name)
        // One that was done before it could be ended is done.
        if (cancelled.delete(run.id) && ending.type !== 'succeeded') endCancelled(ledger.get(run.id)!, ending)
        else end(ledger.get(run.id)!, ending)
        look()
      })
    active.set(each.of.name, { run: run.id, stop, ended })
  }

  function endCancelled(run: Run, ending?: Ending): void {
    ledger.ended(run.id, { state: 'cancelled', counts: ending && countsOf(ending) }, clock.now())
    decided(run.pipeline, { type: 'cancelled', run })
  }

  const followersOf = (name: string) =>
    [...served.values()].flatMap(({ of }) => {
      const start = of.schedule?.start
      return start && 'after' in start && start.after.includes(name)
        ? [{ pipeline: of.name, after: start.after, overlap: of.schedule!.overlap }]
        : []
    })

  return {
    set,
    trigger(pipeline, request, askedMs) {
      const each = served.get(pipeline)
      if (!each) return
      each.isHeld = false
      if (!each.of.staysUp)
        ledger.begin({ pipeline, cause: 'trigger', dueMs: askedMs, state: 'waiting', request }, clock.now())
      look()
    },
    cancel(id) {
      const run = ledger.get(id)
      if (!run || !openStates.includes(run.state)) return
      const each = served.get(run.pipeline)
      if (each?.of.staysUp) each.isHeld = true
      const process = active.get(run.pipeline)
      if (process?.run !== id) return endCancelled(run)
      cancelled.add(id)
      process.stop.abort()
    },
    async stop() {
      isStopping = true
      cancelWake()
      for (const { stop } of active.values()) stop.abort()
      await Promise.all([...active.values()].map(({ ended }) => ended))
    },
  }
}

const countsOf = (ending: Ending): RunCounts | undefined => ('counts' in ending ? ending.counts : undefined)

const crashWait = (n: number): number => Math.min(longestCrashWaitMs, firstCrashWaitMs * 2 ** Math.min(n - 1, 10))
