/**
 * Record counts. Every edge is counted at both ends by different code, so that the balance (invariant 14) can be
 * checked: into a step = out of it + filtered + failed + held; into a sink = delivered + failed; what failed under the
 * policy `dead_letter` = what went into the dead letter. Counters are saved with each epoch as of its barrier, so they
 * cover the whole incarnation, across crashes.
 */
import type { Json } from '../record/index.ts'

/** Counts of a source. */
export interface SourceCounters {
  read: number
  out: number
  /** Could not be decoded. */
  failed: number
  /** The same by code. */
  codes: Record<string, number>
  /** Of these, refused to the sender. */
  refused: number
  /** Fields that are not in the schema and were left out of the records. */
  unknown: number
  /** Records without a value that its options leave out; not among those it has read. Absent: none. */
  skipped?: number
  bytes: number
  /** Dead letters that could not be decoded before and now can. */
  replayed: number
}
/** Counts of a step. */
export interface StepCounters {
  in: number
  out: number
  filtered: number
  /** Came too late for a window: filtered, or passed on by a side output. */
  late: number
  failed: number
  /** The same by code. */
  codes: Record<string, number>
  /** Of these, refused to the sender. */
  refused: number
  /** Held back at the gate: another record of their request was refused. */
  gated: number
  /** Taken into the step's memory; they come out as results. */
  held: number
  /** Output records beyond one per input record. */
  multiplied: number
  /** Results: records that no single input record became. */
  results: number
  /** Dead letters that entered here again, in addition to what its inputs deliver. */
  replayed: number
  sideOutputs: Record<string, number>
}
/** Counts of a sink. */
export interface SinkCounters {
  in: number
  delivered: number
  /** Of these, not written, since the store had newer ones. Absent: none. */
  superseded?: number
  failed: number
  /** The same by code. */
  codes: Record<string, number>
  /** Of these, reported to the sender, or dead letters that stay as they are. */
  refused: number
  /** Dead letters that entered here again, in addition to what its inputs deliver. */
  replayed: number
  /** Held back at the gate: another record of their request was refused. */
  gated: number
}

/** Counters of one component, by node id. */
export interface Counters {
  sources: Record<string, SourceCounters>
  steps: Record<string, StepCounters>
  sinks: Record<string, SinkCounters>
}

export const sourceCounters = (): SourceCounters => ({
  read: 0,
  out: 0,
  failed: 0,
  codes: {},
  refused: 0,
  unknown: 0,
  bytes: 0,
  replayed: 0,
})
export const stepCounters = (): StepCounters => ({
  in: 0,
  out: 0,
  filtered: 0,
  late: 0,
  failed: 0,
  codes: {},
  refused: 0,
  gated: 0,
  held: 0,
  multiplied: 0,
  results: 0,
  replayed: 0,
  sideOutputs: {},
})
export const sinkCounters = (): SinkCounters => ({
  in: 0,
  delivered: 0,
  failed: 0,
  codes: {},
  refused: 0,
  replayed: 0,
  gated: 0,
})

/** Counts a failure under its code. The number of failures itself is counted where the record is. */
export function countCode({ codes }: { readonly codes: Record<string, number> }, code: string): void {
  codes[code] = (codes[code] ?? 0) + 1
}

/** Restores saved counts for the nodes that still exist. */
export function restoreCounters(counters: Counters, saved: Readonly<Record<string, Json>>): void {
  for (const nodes of [counters.sources, counters.steps, counters.sinks])
    for (const [id, counts] of Object.entries(nodes)) Object.assign(counts, saved[id])
}

/** Current counts: of sources and steps, and for sinks those that do not depend on the progress of their writers. */
export function snapshot({ sources, steps, sinks }: Counters): Record<string, Json> {
  const atSinks = Object.entries(sinks).map(([id, { gated, replayed }]) => [id, { gated, replayed }] as const)
  return structuredClone({ ...sources, ...steps, ...Object.fromEntries(atSinks) }) as unknown as Record<string, Json>
}

/** The sums of all numbers of two counters. */
export function addCounters(a: Json | undefined, b: Json): Json {
  if (typeof b === 'number') return typeof a === 'number' ? a + b : b
  if (typeof b !== 'object' || b === null || Array.isArray(b)) return b
  const before = (a ?? {}) as Record<string, Json>
  return {
    ...before,
    ...Object.fromEntries(Object.entries(b).map(([key, value]) => [key, addCounters(before[key], value)])),
  }
}

const entered = (count: StepCounters | SinkCounters | undefined): number =>
  count ? count.in + count.gated - count.replayed : 0

/** An edge of the graph: `from` is the id of a source or step, or the name of a side output. */
export interface Edge {
  readonly from: string
  readonly to: string
}

/**
 * The edges that do not balance, in words; empty: all do. Exact only at the end of a run, when nothing is in flight.
 * `deadLettered`: the nodes whose failed records go to the dead letter; `deadLetter`: its id.
 */
export function imbalances(
  counters: Counters,
  edges: readonly Edge[],
  deadLettered: ReadonlySet<string>,
  deadLetter: string | undefined,
): string[] {
  const problems: string[] = []
  const expect = (what: string, left: number, right: number) => {
    if (left !== right) problems.push(`${what}: ${left} against ${right}`)
  }
  let failed = 0
  for (const [id, c] of Object.entries(counters.sources)) {
    expect(`${id}: read = out + failed`, c.read, c.out + c.failed)
    if (deadLettered.has(id)) failed += c.failed - c.refused
  }
  for (const [id, c] of Object.entries(counters.steps)) {
    const aside = Object.values(c.sideOutputs).reduce((a, b) => a + b, 0)
    expect(
      `${id}: in + multiplied + results = out + side outputs + filtered + failed + held`,
      c.in + c.multiplied + c.results,
      c.out + aside + c.filtered + c.failed + c.held,
    )
    if (deadLettered.has(id)) failed += c.failed - c.refused
  }
  for (const [id, c] of Object.entries(counters.sinks)) {
    expect(`${id}: in = delivered + failed`, c.in, c.delivered + c.failed)
    if (deadLettered.has(id)) failed += c.failed - c.refused
  }
  if (deadLetter) expect('failed = into the dead letter', failed, counters.sinks[deadLetter]?.in ?? 0)
  const outOf = (name: string): number => {
    if (counters.sources[name]) return counters.sources[name].out + counters.sources[name].replayed
    if (counters.steps[name]) return counters.steps[name].out
    for (const c of Object.values(counters.steps)) if (c.sideOutputs[name] !== undefined) return c.sideOutputs[name]
    return 0
  }
  const into = new Map<string, number>()
  for (const { from, to } of edges) into.set(to, (into.get(to) ?? 0) + outOf(from))
  for (const [to, sum] of into)
    expect(`into ${to} = out of its inputs`, entered(counters.steps[to] ?? counters.sinks[to]), sum)
  return problems
}
