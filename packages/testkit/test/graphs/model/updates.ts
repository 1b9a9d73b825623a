/** What follows a step that emits results again: how often they come, and with which values in between, is open. */
import { canUpdate, type Case, isWindowStep } from '../case.ts'

/** The ids of steps and sinks that such results reach; with `itself`, of the steps that emit them too. */
export function behindUpdates({ steps, sinks }: Case, itself = false): ReadonlySet<string> {
  const emitted = new Set(steps.filter((step) => isWindowStep(step) && canUpdate(step)).map(({ id }) => id))
  const behind = new Set<string>(itself ? emitted : [])
  // Only steps with a single output may follow.
  for (const { id, from } of [...steps, ...sinks])
    if (from.some((name) => emitted.has(name))) {
      emitted.add(id)
      behind.add(id)
    }
  return behind
}
