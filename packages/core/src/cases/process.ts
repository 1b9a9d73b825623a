/**
 * One process of a case: the engine runs the plan with the sources and sinks of the case in place of the real ones,
 * until the script is over or the process is killed. After a kill nothing it still does takes effect: every later crash
 * point throws, so the engine saves nothing more, and the sinks refuse every call.
 *
 * Decision: docs/decisions/20261202-cases-are-played-by-the-engine.md
 */
import { systemClock } from '../clock.ts'
import type { Done, SinkContext, SourceContext, StepContext } from '../connector/index.ts'
import { onCrashPoint } from '../crash.ts'
import { MillraceError } from '../errors/index.ts'
import type { Plan } from '../plan/index.ts'
import { registryOf, type Registered, type Registry } from '../registry/index.ts'
import { run, type Summary } from '../run/index.ts'
import { answersOf } from './answers.ts'
import type { VirtualClock } from './clock.ts'
import { direct, type PlayProgress, type Trail } from './director.ts'
import { createFeed, type Feed, sideSource } from './feed.ts'
import type { Outbox } from './outbox.ts'
import type { ScriptEntry, ScriptRecord } from './script.ts'
import type { Plain } from './rows.ts'

/** What a case plays. */
export interface Play {
  readonly plan: Plan
  readonly registry: Registry
  readonly root: string
  /** An empty folder for the state. */
  readonly home: string
  readonly entries: readonly ScriptEntry[]
  /** Side inputs that the case gives, by source. */
  readonly sides: ReadonlyMap<string, readonly ScriptRecord[]>
  readonly outboxes: ReadonlyMap<string, Outbox>
  /** The answers so far. */
  readonly answers: Plain[]
}

/** How one process runs. */
export interface ProcessOptions {
  readonly clock: VirtualClock
  /** Shared by all processes of a case. */
  readonly trail: Trail
  /** Called at each crash point that is passed; true: the process is killed there. */
  readonly kills: (point: string) => boolean
}

/** How a process ended. */
export interface ProcessEnd {
  readonly killed: boolean
  readonly summary?: Summary
  readonly error?: MillraceError
}

/** How long a run may take after its input, in real ms. */
const limitMs = 60_000

/** How many there were, so that each has a number of its own. */
let processes = 0

class Killed extends Error {
  override readonly name = 'Killed'
}

/** Runs one process. One at a time: crash points have a single listener. */
export async function runProcess(play: Play, options: ProcessOptions): Promise<ProcessEnd> {
  const { plan } = play
  let killed = false
  const check = () => {
    if (killed) throw new Killed('the process was killed')
  }
  const progress: PlayProgress = { count: 0, hasEnded: false, counters: [] }
  const feeds = feedsOf(play, progress)
  onCrashPoint((point) => {
    check()
    killed = options.kills(point)
    // A reader that was killed waits for the answer to its last poll.
    if (killed) for (const feed of feeds.values()) feed.end()
    check()
  })
  const stop = new AbortController()
  const running = run({ ...plan, parallelism: 1 }, replaced(play, feeds, check, ++processes), {
    root: play.root,
    home: play.home,
    // Connectors that take secrets are replaced.
    secrets: () => 'secret',
    clock: options.clock,
    // Each batch of the script is an epoch, so that what a case shows does not depend on the speed of the machine.
    bounds: { minRecords: 1, rollRecords: 1 },
    existing: 'keep',
    signal: stop.signal,
    observe(event) {
      if (event.type === 'saved') progress.count++
      else if (event.type === 'started') progress.counters = event.counters
    },
  }).then(
    (summary): ProcessEnd => ({ killed, ...(killed ? {} : { summary }) }),
    (error: unknown): ProcessEnd => ({ killed, ...(killed ? {} : { error: asMillraceError(error) }) }),
  )
  const ended = running.finally(() => (progress.hasEnded = true))
  try {
    const directing = direct({ ...play, ...options, feeds, progress, stop })
    await Promise.race([ended, directing])
    const end = await withinLimit(ended)
    await directing
    return end
  } finally {
    onCrashPoint(undefined)
  }
}

const asMillraceError = (error: unknown): MillraceError => {
  if (error instanceof Error && error.name === 'MillraceError') return error as MillraceError
  return new MillraceError('internal', error instanceof Error ? (error.stack ?? error.message) : String(error))
}

function feedsOf({ plan, entries, answers }: Play, progress: PlayProgress): ReadonlyMap<string, Feed> {
  const main = plan.sources.filter(({ side }) => !side)
  return new Map(
    main.map((source) => {
      const { id, capabilities } = source
      const splits = new Set(
        entries.flatMap((entry) => (entry.kind === 'records' && entry.source === id ? entry.split : [])),
      )
      const onCommit = (done: readonly Done[]) => {
        progress.count++
        if (capabilities.answers) answers.push(...answersOf(plan, source, done))
      }
      return [id, createFeed(capabilities.answers ? undefined : splits.size > 0 ? [...splits] : ['given'], onCommit)]
    }),
  )
}

/** The registry with the sources and sinks of the case; code of the user is loaded anew in each process. */
function replaced(play: Play, feeds: ReadonlyMap<string, Feed>, check: () => void, process: number): Registry {
  const { outboxes, sides } = play
  return registryOf(
    play.registry.all.map(({ definition, package: name }): Registered => {
      if (definition.kind === 'source') {
        const { create } = definition
        const own = (id: string) => feeds.get(id)?.source ?? (sides.has(id) ? sideSource(sides.get(id)!) : undefined)
        return {
          package: name,
          definition: {
            ...definition,
            create: (config: unknown, ctx: SourceContext) => own(ctx.id) ?? create.call(definition, config, ctx),
          },
        }
      }
      if (definition.kind === 'sink') {
        // With several components each has a dead letter of its own.
        const own = (id: string) => outboxes.get(id) ?? outboxes.get(id.replace(/_\d+$/, ''))
        const open = (_config: unknown, ctx: SinkContext) => own(ctx.id)!.open(check)
        return { package: name, definition: { ...definition, create: open } }
      }
      const { create } = definition
      return {
        package: name,
        definition: {
          ...definition,
          create: (config: unknown, ctx: StepContext) => create.call(definition, config, { ...ctx, process }),
        },
      }
    }),
  )
}

function withinLimit(running: Promise<ProcessEnd>): Promise<ProcessEnd> {
  const { promise, resolve } = Promise.withResolvers<ProcessEnd>()
  const message = `the run has not ended ${limitMs / 1000} s after its input`
  const cancel = systemClock.after(limitMs, () =>
    resolve({ killed: false, error: new MillraceError('abandoned', message) }),
  )
  return Promise.race([running, promise]).finally(cancel)
}
