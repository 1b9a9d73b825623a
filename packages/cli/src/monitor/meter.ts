/**
 * What the metrics say, from the events and the live counters of runs. Nothing is done for a record: values are made
 * when somebody asks. Counters begin at 0 with the command, not with a run: they go on over restarts of a pipeline's
 * process, and never go back, as Prometheus expects.
 *
 * Decision: docs/decisions/20261202-telemetry-is-a-package.md
 */
import type { Counters, Progress, RunEvent } from '@millrace/core'
import { measureProcess, type ProcessNumbers } from './process-numbers.ts'
import type { Label, MetricKey } from './table.ts'
import { version } from '../version.ts'

/** One value of a metric. */
export interface Sample {
  readonly labels: Readonly<Partial<Record<Label, string>>>
  readonly value: number
}

/** The values of all metrics, but histograms. */
export type Samples = ReadonlyMap<MetricKey, readonly Sample[]>

/** What an event says for histograms, in seconds. */
export function durationsIn(event: RunEvent): readonly (readonly [MetricKey, seconds: number])[] {
  if (event.type !== 'saved') return []
  return [
    ['epoch', event.durationMs / 1000],
    ['save', event.saveMs / 1000],
  ]
}

/** Keeps what the metrics of a command are made of. */
export interface Meter {
  observe(pipeline: string, event: RunEvent): void
  /** The current numbers of a pipeline's own process. */
  live(pipeline: string, live: LiveNumbers): void
  /** The process of a pipeline has ended. */
  stopped(pipeline: string): void
  /** A run has ended, or was left out. */
  ran(pipeline: string, outcome: 'succeeded' | 'failed' | 'skipped' | 'cancelled'): void
  /** The pipelines that are served, and of these the ones with an edit that is not in effect. */
  refused(served: ReadonlySet<string>, refused: ReadonlyMap<string, string>): void
  samples(): Samples
}

/** What the process of a pipeline sends from time to time. */
export interface LiveNumbers extends ProcessNumbers {
  readonly counters: readonly Counters[]
  readonly progress: Progress
}

/** A sum of counts, by metric and then by labels. */
type Sums = Map<MetricKey, Map<string, Sample>>

interface Metered {
  /** Counts of processes that have ended, and what is counted by event. */
  readonly sums: Sums
  readonly failing: Map<string, number>
  lastSaveMs?: number
  running?: { counters: readonly Counters[]; before: readonly Counters[]; progress: Progress } | undefined
  process?: ProcessNumbers | undefined
}

/** Begins to measure. */
export function createMeter(): Meter {
  const all = new Map<string, Metered>()
  const own = measureProcess()
  let edits: readonly Sample[] = []
  const of = (pipeline: string): Metered => {
    let known = all.get(pipeline)
    if (!known) all.set(pipeline, (known = { sums: new Map(), failing: new Map() }))
    return known
  }
  return {
    observe(pipeline, event) {
      const metered = of(pipeline)
      switch (event.type) {
        case 'started':
          metered.running = { counters: event.counters, before: event.before, progress: event.progress }
          return
        case 'saved':
          metered.lastSaveMs = Date.now()
          return
        case 'stalled':
          metered.failing.set(event.node, 1)
          return
        case 'retry':
          metered.failing.set(event.node, 1)
          return add(metered.sums, 'retries', { pipeline, node: event.node, code: event.reason }, 1)
        case 'recovered':
          metered.failing.set(event.node, 0)
          return
        default:
      }
    },
    live(pipeline, { counters, progress, ...numbers }) {
      const metered = of(pipeline)
      metered.process = numbers
      if (metered.running) metered.running = { ...metered.running, counters, progress }
    },
    stopped(pipeline) {
      const metered = of(pipeline)
      addCounts(metered.sums, pipeline, metered)
      metered.running = metered.process = undefined
      for (const node of metered.failing.keys()) metered.failing.set(node, 0)
    },
    ran: (pipeline, outcome) => add(of(pipeline).sums, 'runs', { pipeline, outcome }, 1),
    refused(served, refused) {
      // One that has not run yet is down.
      for (const pipeline of served) of(pipeline)
      edits = [...served].map((pipeline) => ({ labels: { pipeline }, value: refused.has(pipeline) ? 1 : 0 }))
    },
    samples() {
      const sums: Sums = new Map()
      add(sums, 'build', { version }, 1)
      addProcess(sums, {}, own())
      for (const { labels, value } of edits) add(sums, 'refused', labels, value)
      for (const [pipeline, metered] of all) {
        for (const [key, samples] of metered.sums)
          for (const { labels, value } of samples.values()) add(sums, key, labels, value)
        addCounts(sums, pipeline, metered)
        addGauges(sums, pipeline, metered)
      }
      return new Map([...sums].map(([key, samples]) => [key, [...samples.values()]]))
    },
  }
}

function add(sums: Sums, key: MetricKey, labels: Sample['labels'], value: number): void {
  const samples = sums.get(key) ?? new Map<string, Sample>()
  const name = JSON.stringify(labels)
  samples.set(name, { labels, value: (samples.get(name)?.value ?? 0) + value })
  sums.set(key, samples)
}

/** What the process that runs has counted, in addition to what it resumed with. */
function addCounts(sums: Sums, pipeline: string, { running }: Metered): void {
  if (!running) return
  for (const [k, { sources, steps, sinks }] of running.counters.entries()) {
    const before = running.before[k]!
    for (const [node, c] of Object.entries(sources)) {
      const was = before.sources[node]
      add(sums, 'read', { pipeline, node }, c.read - (was?.read ?? 0))
      add(sums, 'readBytes', { pipeline, node }, c.bytes - (was?.bytes ?? 0))
      addCodes(sums, { pipeline, node }, c.codes, was?.codes)
    }
    for (const [node, c] of Object.entries(steps)) {
      const was = before.steps[node]
      add(sums, 'filtered', { pipeline, node }, c.filtered - (was?.filtered ?? 0))
      add(sums, 'late', { pipeline, node }, c.late - (was?.late ?? 0))
      addCodes(sums, { pipeline, node }, c.codes, was?.codes)
    }
    for (const [node, c] of Object.entries(sinks)) {
      const was = before.sinks[node]
      add(sums, 'written', { pipeline, node }, c.delivered - (was?.delivered ?? 0))
      const superseded = (c.superseded ?? 0) - (was?.superseded ?? 0)
      if (superseded > 0) add(sums, 'superseded', { pipeline, node }, superseded)
      addCodes(sums, { pipeline, node }, c.codes, was?.codes)
    }
  }
}

function addCodes(
  sums: Sums,
  labels: Sample['labels'],
  codes: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>> = {},
): void {
  for (const [code, n] of Object.entries(codes)) add(sums, 'failed', { ...labels, code }, n - (before[code] ?? 0))
}

function addGauges(sums: Sums, pipeline: string, { running, failing, lastSaveMs, process }: Metered): void {
  add(sums, 'up', { pipeline }, running ? 1 : 0)
  if (process) addProcess(sums, { pipeline }, process)
  if (lastSaveMs !== undefined) add(sums, 'lastSave', { pipeline }, lastSaveMs / 1000)
  for (const [node, value] of failing) add(sums, 'failing', { pipeline, node }, value)
  const { behind, arrivedMs, watermarks = [], requests = {} } = running?.progress ?? {}
  for (const [node, { waiting, remembered }] of Object.entries(requests)) {
    add(sums, 'waitingRequests', { pipeline, node }, waiting)
    add(sums, 'rememberedKeys', { pipeline, node }, remembered)
  }
  if (behind !== undefined) {
    add(sums, 'lag', { pipeline }, behind)
    const ageMs = behind > 0 && arrivedMs !== undefined ? Math.max(0, Date.now() - arrivedMs) : 0
    add(sums, 'lagSeconds', { pipeline }, ageMs / 1000)
  }
  // Each worker has a watermark of its own: the slowest counts.
  for (const [step, own] of Map.groupBy(watermarks, (each) => each.step)) {
    const known = own.flatMap(({ watermarkMs }) => watermarkMs ?? [])
    if (known.length === own.length) add(sums, 'watermark', { pipeline, node: step }, Math.min(...known) / 1000)
    for (const { waiting } of own) if (waiting) add(sums, 'windows', { pipeline, node: step }, waiting.windows)
  }
}

function addProcess(
  sums: Sums,
  labels: Sample['labels'],
  { residentBytes, heapBytes, loopDelay }: ProcessNumbers,
): void {
  add(sums, 'memory', labels, residentBytes)
  add(sums, 'heap', labels, heapBytes)
  add(sums, 'loopMean', labels, loopDelay.mean)
  add(sums, 'loopMax', labels, loopDelay.max)
}
