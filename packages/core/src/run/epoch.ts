/**
 * The end of an epoch, in order (invariants 2 and 3): the writers reach the barrier, the sinks flush, one transaction
 * saves the epoch, stages are published, sources commit. component.ts gives the reasons, and what a kill leaves behind
 * at each point.
 *
 * A publish that may take long (`slowPublish`) runs concurrently with the next epochs, in order; at most two epochs
 * wait for it.
 *
 * Decision: docs/decisions/20261130-publishing-beside-the-next-epoch.md
 */
import type { Clock } from '../clock.ts'
import type { Done } from '../connector/index.ts'
import { crashPoint } from '../crash.ts'
import type { Json } from '../record/index.ts'
import type { SavedPosition, SaveIds, Store } from '../store/index.ts'
import { outcomeOf } from './answers.ts'
import type { Barrier } from './barrier.ts'
import type { Halt } from './halt.ts'
import type { Component, SinkNode, SourceNode } from './nodes.ts'
import { allSinks } from './nodes.ts'
import type { Replays } from './replays.ts'
import type { Calls } from './retry.ts'

export interface EpochContext {
  readonly clock: Clock
  readonly component: Component
  readonly store: Store
  readonly calls: Calls
  readonly halt: Halt
  readonly signal: AbortSignal
  readonly replays: Replays
  /** Resolves when every writer has reached the barrier. */
  reachBarrier(barrier: Barrier): Promise<void>
  published(sink: string): void
  warn(node: string, message: string): void
}

/** Ends epochs, one after the other. */
export interface Epochs {
  /** Resolves when the epoch is saved and the writers may continue: with how long the save took, ms. */
  finish(barrier: Barrier): Promise<number>
  /** Stages published and commit actions carried out that are not recorded as such yet. */
  takeDone(): { readonly stages: readonly number[]; readonly commitActions: readonly number[] }
  /** Resolves when no publish is running any more. */
  whenPublished(): Promise<void>
}

interface NewStage {
  readonly node: SinkNode
  readonly stage: Json
  readonly id: number
}

const maxPublishing = 2

export function createEpochs(ctx: EpochContext): Epochs {
  const { component, store, calls, halt, signal } = ctx
  const sinks = allSinks(component)
  let donePublishing: number[] = []
  let doneCommitActions: number[] = []
  /** The slow publishes that are running, chained in the order of their epochs. */
  let slow: Promise<void> = Promise.resolve()
  let publishing = 0
  let onSlotFree = () => {}

  const finish: Epochs['finish'] = async (barrier) => {
    await ctx.reachBarrier(barrier)
    while (barrier.roll && publishing >= maxPublishing) await new Promise<void>((resolve) => (onSlotFree = resolve))

    crashPoint('before_flush')
    const flushed = await flushAll(barrier)
    crashPoint('after_flush')

    const answered = component.sources.map(({ id }) => barrier.requests.filter((r) => r.source === id).map(outcomeOf))
    const startedMs = ctx.clock.monotonic()
    const ids = saveAll(barrier, flushed, answered)
    const saveMs = ctx.clock.monotonic() - startedMs

    const stages = flushed.stages.map((stage, k): NewStage => ({ ...stage, id: ids.stages[k]! }))
    const quick = stages.filter(({ node }) => !node.capabilities.slowPublish)
    for (const stage of quick) await publish(stage)
    const isSlow = quick.length < stages.length
    const commitSources = () => commit(barrier, answered, ids)
    if (!isSlow) {
      if (publishing === 0) await commitSources()
      // Sources must be told about epochs in order.
      else afterPublishes(commitSources)
    } else afterPublishes(() => publishAll(stages.filter((s) => !quick.includes(s))).then(commitSources))
    crashPoint('after_commit')
    return saveMs
  }

  /** Runs after what is already being published. */
  const afterPublishes = (work: () => Promise<void>) => {
    publishing++
    slow = slow
      .then(() => (halt.isHalted ? undefined : work()))
      .catch(halt.fail)
      .finally(() => {
        publishing--
        onSlotFree()
      })
  }

  const flushAll = async (barrier: Barrier) => {
    const resumes: { sink: string; resume: Json }[] = []
    const unfinished: string[] = []
    const stages: { node: SinkNode; stage: Json }[] = []
    await Promise.all(
      sinks.map(async (node) => {
        const { id, sink, capabilities } = node
        const roll = barrier.roll || barrier.end || sink.full?.() === true
        if (!sink.flush || (capabilities.checkpointsOnRoll && !roll)) return
        const left = await calls.call(node, 'flushing', () =>
          sink.flush!({ signal, epoch: barrier.epoch, roll, end: barrier.end }),
        )
        if (left.resume !== undefined) resumes.push({ sink: id, resume: left.resume })
        if (left.unfinished) unfinished.push(id)
        for (const stage of left.stages ?? []) stages.push({ node, stage })
      }),
    )
    return { resumes, stages, unfinished }
  }

  /**
   * All writers have reached the barrier: what came before it is delivered or failed, and nothing that came after it
   * is.
   */
  const saveAll = (
    barrier: Barrier,
    flushed: Awaited<ReturnType<typeof flushAll>>,
    answered: readonly (readonly Done[])[],
  ): SaveIds => {
    if (halt.isHalted) throw halt.failure
    const atSinks = Object.fromEntries(
      sinks.map(({ count, id }) => {
        const { gated = 0, replayed = 0 } = (barrier.counters[id] ?? {}) as { gated?: number; replayed?: number }
        return [id, { ...count, in: count.delivered + count.failed, gated, replayed }]
      }),
    )
    const answers = component.sources.flatMap(({ id, source }, k) =>
      (source.remember?.(answered[k]!) ?? []).map(([key, value]) => ({ source: id, key, value })),
    )
    const done = takeDone()
    return store.save({
      epoch: barrier.epoch,
      counters: { ...barrier.counters, ...atSinks },
      positions: barrier.positions,
      lanes: barrier.lanes,
      memory: answers.length ? [...barrier.memory, ...answers] : barrier.memory,
      changes: barrier.changes,
      resumes: flushed.resumes,
      unfinished: flushed.unfinished,
      stages: flushed.stages.map(({ node, stage }) => ({ sink: node.id, stage })),
      commitActions: barrier.commitActions,
      published: done.stages,
      commitActionsDone: done.commitActions,
      letters: ctx.replays.outcomes(),
      ordered: barrier.ordered,
    })
  }

  const publish = async ({ node, stage, id }: NewStage): Promise<void> => {
    crashPoint('before_publish')
    await calls.call(node, 'publishing', () => node.sink.publish!(stage, { signal }))
    crashPoint('after_publish')
    donePublishing.push(id)
    ctx.published(node.id)
  }
  const publishAll = async (stages: readonly NewStage[]): Promise<void> => {
    for (const stage of stages) await publish(stage)
  }

  /** Commits what is durable and published. A commit action must succeed; a report may fail, with a warning. */
  const commit = async (barrier: Barrier, answered: readonly (readonly Done[])[], ids: SaveIds): Promise<void> => {
    for (const [k, node] of component.sources.entries()) {
      const { id, source, capabilities } = node
      if (!source.commit) continue
      if (capabilities.answers) await commitTo(node, answered[k]!, capabilities.commit === 'action')
      else if (capabilities.commit === 'action') {
        const own = barrier.commitActions.flatMap((action, i) =>
          action.source === id ? [{ action, id: ids.commitActions[i]! }] : [],
        )
        await commitTo(
          node,
          own.map(({ action }) => progressOf(action)),
          true,
        )
        doneCommitActions.push(...own.map((each) => each.id))
        if (own.length > 0) crashPoint('after_commit_action')
      } else await commitTo(node, barrier.positions.filter((p) => p.source === id).map(progressOf), false)
    }
  }
  const commitTo = async (node: SourceNode, done: readonly Done[], isRequired: boolean): Promise<void> => {
    if (done.length === 0) return
    const report = () => node.source.commit!(done, { signal })
    if (isRequired) return calls.call(node, 'its commit action', report)
    await report().catch((error: Error) => ctx.warn(node.id, `reporting progress failed: ${error.message}`))
  }

  const takeDone = () => {
    const done = { stages: donePublishing, commitActions: doneCommitActions }
    donePublishing = []
    doneCommitActions = []
    return done
  }
  return { finish, takeDone, whenPublished: () => slow }
}

/** A saved position in the form that `Source.commit` accepts. */
export const progressOf = ({ split, position, ended }: SavedPosition): Done => ({
  split,
  position,
  ended,
})
