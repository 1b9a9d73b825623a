/**
 * One process of a case: the engine runs the plan with the sources and sinks of the case in place of the real ones,
 * until the script is over or the process is killed. After a kill nothing it still does takes effect: every later crash
 * point throws, so the engine saves nothing more, and the sinks refuse every call.
 */
import { systemClock } from '../clock.ts'
import type { ReadContext, SinkContext, SourceContext, StepContext } from '../connector/index.ts'
import { onCrashPoint } from '../crash.ts'
import { MillraceError } from '../errors/index.ts'
import type { Plan } from '../plan/index.ts'
import { registryOf, type Registered, type Registry } from '../registry/index.ts'
import { run, type Summary } from '../run/index.ts'
import type { VirtualClock } from './clock.ts'
import { batchOf, createFeed, type PlacedRecords, type Feed, placed, sideSource } from './feed.ts'
import type { Outbox } from './outbox.ts'
import type { ScriptEntry, ScriptRecord } from './script.ts'

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
}

/** How one process runs. */
export interface ProcessOptions {
  readonly clock: VirtualClock
  /** Called at each crash point that is passed; true: the process is killed there. */
  readonly kills: (point: string) => boolean
}

/** How a process ended. */
export interface ProcessEnd {
  readonly killed: boolean
  readonly summary?: Summary
  readonly error?: MillraceError
}

/** How long nothing may happen before the case goes on, and before it is given up, in real ms. */
const patienceMs = 250
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
  const progress = { count: 0, hasEnded: false }
  const advance = () => void progress.count++
  const feeds = feedsOf(play, advance)
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
    observe: ({ type }) => type === 'saved' && advance(),
  }).then(
    (summary): ProcessEnd => ({ killed, ...(killed ? {} : { summary }) }),
    (error: unknown): ProcessEnd => ({ killed, ...(killed ? {} : { error: asMillraceError(error) }) }),
  )
  const ended = running.finally(() => (progress.hasEnded = true))
  try {
    const directing = direct(play, feeds, options.clock, progress, stop)
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

function feedsOf({ plan, entries }: Play, advance: () => void): ReadonlyMap<string, Feed> {
  const main = plan.sources.filter(({ side }) => !side)
  return new Map(
    main.map(({ id, capabilities }) => {
      const splits = new Set(
        entries.flatMap((entry) => (entry.kind === 'records' && entry.source === id ? entry.split : [])),
      )
      return [id, createFeed(capabilities.answers ? undefined : splits.size > 0 ? [...splits] : ['given'], advance)]
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

interface PlayProgress {
  /** Epochs saved and requests answered. */
  count: number
  hasEnded: boolean
}

/** Plays the script from where the state stands, and then ends the input or stops the run. */
async function direct(
  play: Play,
  feeds: ReadonlyMap<string, Feed>,
  clock: VirtualClock,
  progress: PlayProgress,
  stop: AbortController,
): Promise<void> {
  const contexts = new Map<string, ReadContext>()
  for (const [id, feed] of feeds) void feed.opened.then((ctx) => contexts.set(id, ctx))
  const isOver = () => progress.hasEnded
  while (contexts.size < feeds.size && !isOver()) await settled(() => contexts.size === feeds.size || isOver(), clock)
  if (isOver()) return
  const entries = placed(play.entries)
  const rest = entries.map((entry) =>
    entry.kind === 'records' ? remaining(entry, contexts.get(entry.source)!, play.plan) : undefined,
  )
  const isTaken = (i: number) => entries[i]!.kind === 'records' && rest[i]!.records.length === 0
  // What stands before the last record that was saved has happened.
  const firstOpen = entries.findIndex((entry, i) => entry.kind === 'records' && !isTaken(i))
  const first = entries.findLastIndex((_, i) => isTaken(i) && (firstOpen < 0 || i < firstOpen)) + 1
  for (const [i, entry] of entries.entries()) {
    if (i < first || isTaken(i)) continue
    await clock.moveTo(entry.atMs, isOver)
    const feed = feeds.get(entry.source)
    if (entry.kind === 'time' || !feed) await turns(5)
    else if (entry.kind === 'caught_up') {
      feed.push({ caughtUp: entry.split === undefined ? splitsOf(entries, entry.source) : [entry.split] })
      await turns(5)
    } else {
      const { split, records, from } = rest[i]!
      const answers = play.plan.sources.find(({ id }) => id === entry.source)!.capabilities.answers === true
      const before = progress.count
      if (answers) feed.push({ splits: [{ id: split }] })
      feed.push(batchOf(split, records, from, entry.atMs, answers))
      await settled(() => progress.count > before || isOver(), clock)
    }
    if (isOver()) return
  }
  const unbounded = play.plan.sources.filter(({ side, capabilities }) => !side && !capabilities.bounded)
  for (const { id } of unbounded) feeds.get(id)!.push({ caughtUp: splitsOf(entries, id) })
  await turns(5)
  if (unbounded.length > 0) stop.abort()
  for (const feed of feeds.values()) feed.end()
}

const splitsOf = (entries: ReturnType<typeof placed>, source: string): string[] => {
  const named = entries.flatMap((entry) => (entry.kind === 'records' && entry.source === source ? entry.split : []))
  return named.length > 0 ? [...new Set(named)] : ['given']
}

/** What of a batch is not saved yet. */
function remaining(entry: PlacedRecords, ctx: ReadContext, plan: Plan): PlacedRecords {
  const { capabilities } = plan.sources.find(({ id }) => id === entry.source)!
  if (capabilities.answers) return ctx.recall(entry.split) === true ? { ...entry, records: [] } : entry
  const saved = (ctx.resume(entry.split) as number | undefined) ?? 0
  const done = Math.min(entry.records.length, Math.max(0, saved - entry.from))
  return done === 0 ? entry : { ...entry, from: entry.from + done, records: entry.records.slice(done) }
}

async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await systemClock.turn()
}

/** Waits for the engine. If nothing happens, somebody may be asleep before another attempt: time goes on for them. */
async function settled(isDone: () => boolean, clock: VirtualClock): Promise<void> {
  let sinceMs = systemClock.monotonic()
  while (!isDone()) {
    await systemClock.turn()
    if (systemClock.monotonic() - sinceMs < patienceMs) continue
    const wakeMs = clock.nextWakeMs()
    if (wakeMs === undefined) return
    await clock.moveTo(wakeMs)
    sinceMs = systemClock.monotonic()
  }
  // What follows from it, up to the next epoch.
  await turns(5)
}

function withinLimit(running: Promise<ProcessEnd>): Promise<ProcessEnd> {
  const { promise, resolve } = Promise.withResolvers<ProcessEnd>()
  const message = `the run has not ended ${limitMs / 1000} s after its input`
  const cancel = systemClock.after(limitMs, () =>
    resolve({ killed: false, error: new MillraceError('abandoned', message) }),
  )
  return Promise.race([running, promise]).finally(cancel)
}
