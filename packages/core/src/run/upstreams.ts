/** Which pipelines read what others write. */
import type { Plan, PlanNode } from '../plan/index.ts'
import type { Registry } from '../registry/index.ts'
import { resolveConfig } from '../spec/index.ts'
import { envOf, type Workspace } from './wiring.ts'

/**
 * For each pipeline, those that write what it reads. `along`: it reads an endless input, while it is written.
 * `afterwards`: it reads to the end of what is there, if only with one of its sources, so it starts when the other has
 * ended.
 */
export type Upstreams = ReadonlyMap<string, ReadonlyMap<string, 'along' | 'afterwards'>>

/** Finds them by the places that sources read and sinks write. */
export function upstreamsOf(
  planned: readonly { readonly plan: Plan; readonly registry: Registry }[],
  workspace: Workspace,
): Upstreams {
  const surroundings = (plan: Plan, { id, config }: PlanNode) =>
    [resolveConfig(config, workspace.secrets), envOf(plan, workspace, id)] as const
  const written = planned.flatMap(({ plan, registry }) =>
    [...plan.sinks, ...(plan.deadLetter ? [plan.deadLetter] : [])].flatMap((sink) =>
      (registry.sink(sink.type)!.writes?.(...surroundings(plan, sink)) ?? []).map((place) => ({
        place,
        writer: plan.name,
      })),
    ),
  )
  const upstreams = new Map<string, Map<string, 'along' | 'afterwards'>>()
  for (const { plan, registry } of planned) {
    const own = new Map<string, 'along' | 'afterwards'>()
    for (const source of plan.sources) {
      const how = source.capabilities.bounded ? 'afterwards' : 'along'
      for (const read of registry.source(source.type)!.reads?.(...surroundings(plan, source)) ?? [])
        for (const { place, writer } of written)
          if (writer !== plan.name && overlap(place, read) && own.get(writer) !== 'afterwards') own.set(writer, how)
    }
    upstreams.set(plan.name, own)
  }
  return upstreams
}

/** The same place, or a file in a folder. */
const overlap = (a: string, b: string): boolean => a === b || isBelow(a, b) || isBelow(b, a)

const isBelow = (a: string, b: string): boolean => b.startsWith('files:') && a.startsWith(b.endsWith('/') ? b : `${b}/`)

/** Pairs of a pipeline that reads to the end of what another writes, and that other one, if it never ends. */
export const unfinishedReads = (
  plans: readonly Plan[],
  upstreams: Upstreams,
  isEndless: (plan: Plan) => boolean,
): (readonly [reader: string, writer: string])[] =>
  plans.flatMap(({ name: reader }) =>
    [...upstreams.get(reader)!].flatMap(([name, how]) => {
      const writer = plans.find((plan) => plan.name === name)!
      return how === 'afterwards' && isEndless(writer) ? [[reader, name] as const] : []
    }),
  )

/** Its input never ends. */
export const readsEndless = (plan: Plan): boolean =>
  plan.sources.some(({ side, capabilities }) => !side && !capabilities.bounded)
