/**
 * The start of a run: every sink is opened, then what was left of the last save is done (stages are published, duties
 * done), and that is recorded; only then anything is read (invariant 3).
 */
import type { Observer } from './observe.ts'
import { MillraceError } from '../errors/index.ts'
import type { SavedRun, Store } from '../store/index.ts'
import { crashPoint } from '../crash.ts'
import { doneAt } from './epoch.ts'
import { allSinks, type Component, type SinkNode } from './nodes.ts'
import type { Calls } from './retry.ts'

export interface OpeningContext {
  readonly components: readonly Component[]
  readonly store: Store
  readonly run: SavedRun
  readonly calls: Calls
  /** Aborted when the run is stopped: nothing is under way yet that would have to be drained. */
  readonly signal: AbortSignal
  readonly observe: Observer
  readonly existing?: 'stop' | 'replace' | 'keep' | undefined
  readonly instance: { readonly i: number; readonly n: number }
  /** All instances were started together. */
  readonly joined: boolean
  readonly whole: boolean
}

/** Opens all sinks; each is in `opened` from its first try on, to be closed. */
export async function openSinks(ctx: OpeningContext, opened: SinkNode[]): Promise<void> {
  for (const node of ctx.components.flatMap(allSinks)) {
    opened.push(node)
    // What has nothing to open has answered nothing yet.
    if (!node.sink.open) continue
    const restore = ctx.store.resume(node.id)
    // Another number of instances has written what is there: it belongs to this run.
    const existing = restore === undefined && ctx.store.hasWritten(node.id) ? 'keep' : ctx.existing
    const open = () =>
      node.sink.open!({
        signal: ctx.signal,
        incarnation: ctx.run.incarnation,
        ...(ctx.joined ? { run: ctx.run.id } : {}),
        start: ctx.store.start,
        instance: ctx.instance,
        whole: ctx.whole,
        warn: (message) => ctx.observe({ type: 'warning', node: node.id, message }),
        ...(restore === undefined ? {} : { restore }),
        ...(existing ? { existing } : {}),
      })
    await ctx.calls.call(node, 'opening', open, ctx.signal)
  }
}

/** Publishes what was staged and does the duties that were left, in the order of their epochs. */
export async function finishLeftovers({ components, store, calls, signal }: OpeningContext): Promise<void> {
  const sinks = new Map(components.flatMap(allSinks).map((node) => [node.id, node]))
  const sources = new Map(components.flatMap((c) => c.sources).map((node) => [node.id, node]))
  const published: number[] = []
  for (const { id, sink, stage } of store.stages()) {
    const node = sinks.get(sink)
    if (!node?.sink.publish) throw left(sink)
    crashPoint('before_publish')
    await calls.call(node, 'publishing what was staged before', () => node.sink.publish!(stage, { signal }), signal)
    crashPoint('after_publish')
    published.push(id)
  }
  const done: number[] = []
  for (const duty of store.duties()) {
    done.push(duty.id)
    const node = sources.get(duty.source)
    // The spec asks for it no more.
    if (!node?.source.commit) continue
    await calls.call(node, 'a duty that was left', () => node.source.commit!([doneAt(duty)], { signal }), signal)
    crashPoint('after_duty')
  }
  store.recordDone(published, done)
}

const left = (sink: string): MillraceError =>
  new MillraceError(
    'stage_left',
    `a finished result of sink ${sink} waits to be published, but the spec has no such sink any more`,
    {
      place: sink,
      hint: `run once with the old spec; or, where the sink was renamed: pipe state move PIPELINE ${sink} NEW; or give it up: pipe state reset PIPELINE`,
      exitCode: 2,
    },
  )
