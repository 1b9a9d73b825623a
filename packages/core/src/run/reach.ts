/** Reachability in a component: which sources reach which steps, and where order matters. */
import type { Component, StepNode } from './nodes.ts'

/** Step to the sources that reach it. */
export function sourcesOfSteps({
  sources,
  steps,
}: {
  readonly sources: readonly { readonly id: string }[]
  readonly steps: readonly Pick<StepNode, 'id' | 'plan'>[]
}): ReadonlyMap<string, readonly string[]> {
  const reaching = new Map<string, readonly string[]>(sources.map(({ id }) => [id, [id]]))
  const own = new Map<string, readonly string[]>()
  for (const { id, plan } of steps) {
    const found = [...new Set(plan.from.flatMap((name) => reaching.get(name) ?? []))].sort()
    own.set(id, found)
    for (const name of [id, ...Object.keys(plan.sideOutputs)]) reaching.set(name, found)
  }
  return own
}

/** Whether results can depend on the order in which several lanes are read, or on the clock. */
export function needsOrder(component: Component): boolean {
  const reaching = sourcesOfSteps(component)
  const hasLanes = (ids: readonly string[]) =>
    ids.length > 1 ||
    component.sources.some(
      (s) =>
        ids.includes(s.id) &&
        (s.capabilities.lanes === 'split' || s.capabilities.newSplits || s.eventTime?.arrival === true),
    )
  const isOrdered = ({ id, plan, transform }: StepNode) =>
    transform.due !== undefined || (plan.ordered && hasLanes(reaching.get(id)!))
  return component.steps.some(isOrdered)
}

/** Whether results depend on when a replayed letter comes between the records. */
export const needsOrderOfLetters = ({ steps }: Component): boolean => steps.some(({ plan }) => plan.stateful)

/** The sinks downstream of steps whose output depends on the order of several lanes, or of letters among records. */
export function orderDependentSinks({ steps, sinks }: Component): ReadonlySet<string> {
  const behind = new Set<string>()
  for (const { id, plan } of steps) {
    if (!plan.ordered && !plan.stateful && !plan.from.some((name) => behind.has(name))) continue
    for (const name of [id, ...Object.keys(plan.sideOutputs)]) behind.add(name)
  }
  return new Set(sinks.filter((s) => s.from.some((name) => behind.has(name))).map((s) => s.id))
}
