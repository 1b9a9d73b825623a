/**
 * The start of a run: every sink is opened, then whatever the last save left over is finished (stages are published,
 * commit actions carried out) and recorded as done. Only then is anything read (invariant 3).
 */
import type { Observer } from './observe.ts'
import { MillraceError } from '../errors/index.ts'
import type { SavedRun, Store } from '../store/index.ts'
import { crashPoint } from '../crash.ts'
import { progressOf } from './epoch.ts'
import { allSinks, type Component, type SinkNode } from './nodes.ts'
import type { Calls } from './retry.ts'

export interface OpeningContext {
  readonly components: readonly Component[]
  readonly store: Store
  readonly run: SavedRun
  /** See `RunStart`. */
  readonly formerly: Readonly<Record<string, string>>
  readonly calls: Calls
  /** Aborted when the run is stopped: there is nothing to drain yet. */
  readonly signal: AbortSignal
  readonly observe: Observer
  readonly existing?: 'stop' | 'replace' | 'keep' | undefined
  readonly instance: { readonly i: number; readonly n: number }
  /** All instances were started together. */
  readonly joined: boolean
  readonly whole: boolean
}

/** Opens all sinks. Each is added to `opened` before its first attempt, so that it is closed in any case. */
export async function openSinks(ctx: OpeningContext, opened: SinkNode[]): Promise<void> {
  const nodes = ctx.components.flatMap(allSinks)
  const ids = new Set(nodes.map(({ id }) => id))
  for (const node of nodes) {
    opened.push(node)
    // A sink that has nothing to open has not contacted its system yet.
    if (!node.sink.open) continue
    const restore = ctx.store.resume(node.id)
    // Its former id may now belong to another sink, and a saved `resume` already identifies its own output.
    const former = Object.hasOwn(ctx.formerly, node.id) ? ctx.formerly[node.id]! : undefined
    const formerly = restore !== undefined || former === undefined || ids.has(former) ? undefined : former
    // Existing results were written by a different number of instances: they belong to this run.
    const existing = restore === undefined && ctx.store.hasWritten(node.id) ? 'keep' : ctx.existing
    const open = () =>
      node.sink.open!({
        signal: ctx.signal,
        incarnation: ctx.run.incarnation,
        run: ctx.joined ? ctx.run.id : undefined,
        start: ctx.store.start,
        instance: ctx.instance,
        whole: ctx.whole,
        warn: (message) => ctx.observe({ type: 'warning', node: node.id, message }),
        restore,
        formerly,
        existing,
      })
    await ctx.calls.call(node, 'opening', open, ctx.signal)
  }
}

/** Publishes leftover stages and carries out leftover commit actions, in the order of their epochs. */
export async function finishLeftovers({ components, store, calls, signal }: OpeningContext): Promise<void> {
  const sinks = new Map(components.flatMap(allSinks).map((node) => [node.id, node]))
  const sources = new Map(components.flatMap((c) => c.sources).map((node) => [node.id, node]))
  const published: number[] = []
  for (const { id, sink, stage } of store.stages()) {
    const node = sinks.get(sink)
    if (!node?.sink.publish) throw stageLeft(sink)
    crashPoint('before_publish')
    await calls.call(node, 'publishing a stage of the last run', () => node.sink.publish!(stage, { signal }), signal)
    crashPoint('after_publish')
    published.push(id)
  }
  const done: number[] = []
  for (const action of store.commitActions()) {
    done.push(action.id)
    const node = sources.get(action.source)
    // The edited spec no longer has this commit action.
    if (!node?.source.commit) continue
    await calls.call(
      node,
      'a commit action of the last run',
      () => node.source.commit!([progressOf(action)], { signal }),
      signal,
    )
    crashPoint('after_commit_action')
  }
  store.markDone(published, done)
}

const stageLeft = (sink: string): MillraceError =>
  new MillraceError(
    'stage_left',
    `sink ${sink} has a finished result to publish, but the spec no longer has that sink`,
    {
      place: sink,
      hint: `run once with the old spec. If the sink was renamed: pipe state move PIPELINE ${sink} NEW. To discard the result: pipe state reset PIPELINE`,
      exitCode: 2,
    },
  )
