/** What follows a step that emits results again: how often they come, and with which values in between, is open. */
import { canUpdate, type Case } from '../case.ts'

/** The ids of steps and sinks that such results reach. */
export function behindUpdates({ steps, sinks }: Case): ReadonlySet<string> {
  const emitted = new Set(steps.filter((step) => canUpdate(step)).map(({ id }) => id))
  const behind = new Set<string>()
  // Only steps with a single output may follow.
  for (const { id, from } of [...steps, ...sinks])
    if (from.some((name) => emitted.has(name))) {
      emitted.add(id)
      behind.add(id)
    }
  return behind
}
