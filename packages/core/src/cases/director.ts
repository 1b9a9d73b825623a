/**
 * Plays the script of a case to one process: from where its state stands, one entry after the other, each when the
 * engine has finished with the one before. A crash takes no virtual time: what was not saved comes again at the times
 * at which it came first. It is available at once, as it would be in a real source, so a split is not caught up before.
 */
import { systemClock } from '../clock.ts'
import type { ReadContext } from '../connector/index.ts'
import type { Plan, PlanSource } from '../plan/index.ts'
import type { Counters } from '../run/index.ts'
import type { VirtualClock } from './clock.ts'
import { batchOf, type Feed, placed, type PlacedRecords } from './feed.ts'
import type { ScriptEntry } from './script.ts'

/** What the processes of a case leave behind. */
export interface Trail {
  /** The last entry of the script that any of them was given, from 0. */
  last: number
}

/** How far a process is. */
export interface PlayProgress {
  /** Epochs saved and requests answered. */
  count: number
  hasEnded: boolean
  /** Live, once the process reads. */
  counters: readonly Counters[]
}

/** What is played, to whom. */
export interface Playing {
  readonly plan: Plan
  readonly entries: readonly ScriptEntry[]
  readonly feeds: ReadonlyMap<string, Feed>
  readonly clock: VirtualClock
  readonly progress: PlayProgress
  readonly trail: Trail
  /** Ends a run whose input does not end. */
  readonly stop: AbortController
}

/** How long to wait for the engine in real ms: if somebody is asleep until another attempt, and otherwise. */
const sleeperMs = 50
const patienceMs = 2000

/** Resolves when the script is over, or the run. */
export async function direct(ctx: Playing): Promise<void> {
  const { plan, feeds, clock, progress, trail } = ctx
  const isOver = () => progress.hasEnded
  const contexts = new Map<string, ReadContext>()
  for (const [id, feed] of feeds) void feed.opened.then((opened) => contexts.set(id, opened))
  while (contexts.size < feeds.size && !isOver()) await settled(() => contexts.size === feeds.size || isOver(), clock)
  if (isOver()) return
  const entries = placed(ctx.entries)
  const open = entries.map((entry) =>
    entry.kind === 'records' ? unsaved(entry, contexts.get(entry.source)!, sourceOf(plan, entry.source)) : undefined,
  )
  const isSaved = (i: number) => open[i]?.records.length === 0
  // What stands before the last record that was saved has happened.
  const firstOpen = entries.findIndex((entry, i) => entry.kind === 'records' && !isSaved(i))
  const first = entries.findLastIndex((_, i) => isSaved(i) && (firstOpen < 0 || i < firstOpen)) + 1
  if (first > 0) clock.moveBackTo(entries[first - 1]!.atMs)
  for (const [i, entry] of entries.entries()) {
    if (i < first || isSaved(i)) continue
    await clock.moveTo(entry.atMs, isOver)
    const feed = feeds.get(entry.source)!
    const source = sourceOf(plan, entry.source)
    if (entry.kind === 'caught_up') {
      const available = entries.flatMap((each, k) => (k > i && k <= trail.last && each.kind === 'records' ? each : []))
      const isCaughtUp = (split: string) => !available.some((each) => each.source === source.id && each.split === split)
      const splits = entry.split === undefined ? splitsOf(entries, source.id) : [entry.split]
      feed.push({ caughtUp: splits.filter(isCaughtUp) })
    } else if (entry.kind === 'records') {
      trail.last = Math.max(trail.last, i)
      const { split, records, from } = open[i]!
      const answers = source.capabilities.answers === true
      const before = progress.count
      if (answers) feed.push({ splits: [{ id: split }] })
      feed.push(batchOf(split, records, from, entry.atMs, answers))
      await settled(() => progress.count > before || isOver(), clock)
    }
    await turns(5)
    await settled(() => isOver() || isWritten(plan, progress.counters), clock)
    if (isOver()) return
  }
  const unbounded = plan.sources.filter(({ side, capabilities }) => !side && !capabilities.bounded)
  for (const { id } of unbounded) feeds.get(id)!.push({ caughtUp: splitsOf(entries, id) })
  await turns(5)
  if (unbounded.length > 0) ctx.stop.abort()
  for (const feed of feeds.values()) feed.end()
}

const sourceOf = (plan: Plan, id: string): PlanSource => plan.sources.find((source) => source.id === id)!

const splitsOf = (entries: ReturnType<typeof placed>, source: string): string[] => {
  const named = entries.flatMap((entry) => (entry.kind === 'records' && entry.source === source ? entry.split : []))
  return named.length > 0 ? [...new Set(named)] : ['given']
}

/** What of a batch is not saved yet. */
function unsaved(entry: PlacedRecords, ctx: ReadContext, { capabilities }: PlanSource): PlacedRecords {
  if (capabilities.answers) return ctx.recall(entry.split) === true ? { ...entry, records: [] } : entry
  const saved = (ctx.resume(entry.split) as number | undefined) ?? 0
  const done = Math.min(entry.records.length, Math.max(0, saved - entry.from))
  return done === 0 ? entry : { ...entry, from: entry.from + done, records: entry.records.slice(done) }
}

/** Everything that came out of sources and steps has reached its sinks. */
function isWritten(plan: Plan, counters: readonly Counters[]): boolean {
  const outs = new Map<string, number>()
  for (const { sources, steps } of counters) {
    for (const [id, count] of [...Object.entries(sources), ...Object.entries(steps)]) outs.set(id, count.out)
    for (const { sideOutputs } of Object.values(steps))
      for (const [name, n] of Object.entries(sideOutputs)) outs.set(name, n)
  }
  return plan.sinks.every(({ id, from }) => {
    const count = counters.map(({ sinks }) => sinks[id]).find((each) => each !== undefined)
    const due = from.reduce((sum, name) => sum + (outs.get(name) ?? 0), 0)
    return !count || due === count.delivered + count.failed + count.gated
  })
}

async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await systemClock.turn()
}

/** Waits for the engine. If nothing happens, somebody may be asleep before another attempt: time goes on for them. */
async function settled(isDone: () => boolean, clock: VirtualClock): Promise<void> {
  let sinceMs = systemClock.monotonic()
  while (!isDone()) {
    await systemClock.turn()
    const wakeMs = clock.nextWakeMs()
    if (systemClock.monotonic() - sinceMs < (wakeMs === undefined ? patienceMs : sleeperMs)) continue
    if (wakeMs === undefined) return
    await clock.moveTo(wakeMs)
    sinceMs = systemClock.monotonic()
  }
}
