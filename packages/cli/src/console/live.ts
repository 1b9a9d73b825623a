/**
 * What runs of pipelines are doing now, for browsers: a snapshot of counters and state a pipeline, made of what the
 * runs report. Those who watch hear of changes at most four times a second, always as whole snapshots, so that nothing
 * has to be added up, and a browser that was away has missed nothing.
 */
import type { Counters, Progress, RunEvent } from '@millrace/core'
import type { LivePipeline, LiveTrouble, NodeNumbers, Snapshot } from '@millrace/console/wire'
import type { LiveNumbers } from '../monitor/meter.ts'

/** What runs report, and who watches. */
export interface Live {
  observe(pipeline: string, event: RunEvent): void
  numbers(pipeline: string, live: LiveNumbers): void
  /** Its process has ended. */
  stopped(pipeline: string): void
  snapshot(): Snapshot
  /** Calls back after changes, at most every 250 ms. Returns how to end that. */
  watch(changed: () => void): () => void
}

const mostOften = 250

interface Known {
  counters: readonly Counters[]
  progress: Progress | undefined
  isRunning: boolean
  atMs: number
  lastSaveMs?: number
  process?: Pick<LiveNumbers, 'residentBytes' | 'loopDelay'>
  readonly troubles: Map<string, LiveTrouble>
}

/** Begins to listen. */
export function createLive(now: () => number = Date.now): Live {
  const all = new Map<string, Known>()
  const watchers = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined
  const of = (pipeline: string): Known => {
    let known = all.get(pipeline)
    if (!known) {
      known = { counters: [], progress: undefined, isRunning: false, atMs: now(), troubles: new Map() }
      all.set(pipeline, known)
    }
    return known
  }
  const changed = () => {
    if (watchers.size === 0) return
    timer ??= setTimeout(() => {
      timer = undefined
      for (const watcher of watchers) watcher()
    }, mostOften).unref()
  }
  return {
    observe(pipeline, event) {
      const known = of(pipeline)
      if (event.type === 'started') {
        Object.assign(known, { counters: event.counters, progress: event.progress, isRunning: true, atMs: now() })
        known.troubles.clear()
      } else if (event.type === 'saved') known.lastSaveMs = now()
      else if (event.type === 'retry' || event.type === 'stalled') {
        const { node, reason: code, message } = event
        const sinceMs = known.troubles.get(node)?.sinceMs ?? now()
        known.troubles.set(node, { node, code, message, sinceMs })
      } else if (event.type === 'recovered') known.troubles.delete(event.node)
      changed()
    },
    numbers(pipeline, { counters, progress, residentBytes, loopDelay }) {
      Object.assign(of(pipeline), { counters, progress, process: { residentBytes, loopDelay }, atMs: now() })
      changed()
    },
    stopped(pipeline) {
      const known = of(pipeline)
      known.isRunning = false
      known.troubles.clear()
      changed()
    },
    snapshot: () => Object.fromEntries([...all].map(([name, known]) => [name, shown(known)])),
    watch(watcher) {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
  }
}

const shown = ({ counters, progress, isRunning, atMs, lastSaveMs, process, troubles }: Known): LivePipeline => ({
  isRunning,
  atMs,
  nodes: nodesIn(counters),
  behind: progress?.behind,
  bytes: progress?.bytes,
  totalBytes: progress?.totalBytes,
  residentBytes: process?.residentBytes,
  loopDelay: process?.loopDelay.mean,
  lastSaveMs,
  troubles: [...troubles.values()],
})

/** The numbers of each node, over all components and workers. */
export function nodesIn(all: readonly Counters[]): Record<string, NodeNumbers> {
  const nodes: Record<string, NodeNumbers> = {}
  const add = (id: string, more: Omit<NodeNumbers, 'outputs'> & { readonly outputs?: NodeNumbers['outputs'] }) => {
    const known = nodes[id]
    nodes[id] = {
      in: more.in + (known?.in ?? 0),
      out: more.out + (known?.out ?? 0),
      failed: more.failed + (known?.failed ?? 0),
      filtered: more.filtered + (known?.filtered ?? 0),
      held: more.held + (known?.held ?? 0),
      outputs: sum(known?.outputs ?? {}, more.outputs ?? {}),
      codes: sum(known?.codes ?? {}, more.codes),
    }
  }
  for (const { sources, steps, sinks } of all) {
    for (const [id, c] of Object.entries(sources))
      add(id, { in: c.read, out: c.out, failed: c.failed, filtered: 0, held: 0, codes: c.codes })
    for (const [id, c] of Object.entries(steps)) {
      const { in: taken, out, failed, filtered, held, codes, sideOutputs: outputs } = c
      add(id, { in: taken, out, failed, filtered, held, codes, outputs })
    }
    for (const [id, c] of Object.entries(sinks))
      add(id, { in: c.in, out: c.delivered, failed: c.failed, filtered: c.superseded ?? 0, held: 0, codes: c.codes })
  }
  return nodes
}

function sum(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const all: Record<string, number> = { ...a }
  for (const [key, n] of Object.entries(b)) all[key] = (all[key] ?? 0) + n
  return all
}
