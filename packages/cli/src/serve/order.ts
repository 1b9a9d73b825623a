/** The order of the pipelines of a project: what reads to the end of what another writes comes after it. */
import { type Plan, readsEndless, type Upstreams, unfinishedReads, upstreamsOf } from '@millrace/core'
import { homeOf } from '../project.ts'
import type { Scheduled } from './scheduled.ts'
import type { Accepted } from './specs.ts'

/** A pipeline that reads an endless input, and has no schedule on which it reads what there is. */
export const staysUp = (plan: Plan): boolean => !plan.schedule && readsEndless(plan)

/** What was found. */
export interface Ordered {
  readonly scheduled: readonly Scheduled[]
  /** Pairs of a pipeline that reads to the end of what another writes, and that other one, which stays up. */
  readonly unfinished: readonly (readonly [reader: string, writer: string])[]
}

/** Finds the order of these pipelines. */
export function findOrder(accepted: readonly Accepted[], root: string, stateDir: string): Ordered {
  const [first] = accepted
  if (!first) return { scheduled: [], unfinished: [] }
  // Names instead of secrets: only the processes of the pipelines know these.
  const secrets = (name: string) => name
  const upstreams = upstreamsOf(accepted, { root, home: homeOf(root, first.plan.profile), stateDir, secrets })
  const plans = accepted.map(({ plan }) => plan)
  return {
    scheduled: plans.map((plan) => ({
      name: plan.name,
      staysUp: staysUp(plan),
      schedule: plan.schedule,
      readsAfter: plans.flatMap((writer) => (comesAfter(plan, writer, upstreams) ? [writer.name] : [])),
    })),
    unfinished: unfinishedReads(plans, upstreams, staysUp),
  }
}

/** In a circle, nobody waits. */
const comesAfter = (reader: Plan, writer: Plan, upstreams: Upstreams): boolean =>
  upstreams.get(reader.name)!.get(writer.name) === 'afterwards' &&
  !staysUp(writer) &&
  !isUpstream(reader.name, writer.name, upstreams)

/** Whether `name` is upstream of another pipeline, directly or not. */
function isUpstream(name: string, of: string, upstreams: Upstreams, seen = new Set<string>()): boolean {
  if (seen.has(of)) return false
  seen.add(of)
  const own = upstreams.get(of)!
  return own.has(name) || [...own.keys()].some((each) => isUpstream(name, each, upstreams, seen))
}
