/**
 * What the states of pipelines say, for a console beside runs that others started: numbers as of the last save, and
 * whether somebody runs them. It is looked at while somebody watches.
 */
import type { LivePipeline } from '@millrace/console/wire'
import { type Counters, instanceFolders, type Json, type Plan, readStore } from '@millrace/core'
import { type Live, nodesIn } from './live.ts'

/** How often states are looked at. */
const everyMs = 1000

/** Numbers of these plans. */
export function savedLive(plans: () => readonly Plan[], stateDir: string): Pick<Live, 'snapshot' | 'watch'> {
  const snapshot = () =>
    Object.fromEntries(
      plans().flatMap((plan) => {
        const saved = savedPipeline(plan, stateDir)
        return saved ? [[plan.name, saved]] : []
      }),
    )
  return {
    snapshot,
    watch(changed) {
      let before = ''
      const timer = setInterval(() => {
        const now = JSON.stringify(snapshot(), (key, value: unknown) => (key === 'atMs' ? undefined : value))
        if (now !== before) changed()
        before = now
      }, everyMs).unref()
      return () => clearInterval(timer)
    },
  }
}

/** Its numbers; undefined: it has not run yet. */
function savedPipeline(plan: Plan, stateDir: string): LivePipeline | undefined {
  const counters: Counters[] = []
  let isRunning = false
  let hasEnded = true
  for (const { folder } of instanceFolders(stateDir, plan.name)) {
    const store = readStore(folder)
    const run = store?.run()
    if (store && run) {
      counters.push(sorted(store.counters(), plan))
      isRunning ||= store.holder() !== undefined
      hasEnded &&= run.ended
    }
    store?.close()
  }
  if (counters.length === 0) return undefined
  const note = isRunning
    ? 'It is running; numbers are as of its last save'
    : hasEnded
      ? 'Its last run has ended'
      : 'It was stopped; the next run goes on from its last save'
  return { isRunning, atMs: Date.now(), nodes: nodesIn(counters), troubles: [], note }
}

/** Saved counters have only names; the plan knows what these are. */
function sorted(saved: Readonly<Record<string, Json>>, plan: Plan): Counters {
  const of = (nodes: readonly { readonly id: string }[]) =>
    Object.fromEntries(nodes.flatMap(({ id }) => (saved[id] === undefined ? [] : [[id, saved[id]]])))
  const sinks = [...plan.sinks, ...(plan.deadLetter ? [plan.deadLetter] : [])]
  return { sources: of(plan.sources), steps: of(plan.steps), sinks: of(sinks) } as unknown as Counters
}
