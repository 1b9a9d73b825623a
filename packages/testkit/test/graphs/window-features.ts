/** The features of a case with windows that the report counts among such cases. */
import { canUpdate, type Case, isWindowStep, type WindowStep } from './case.ts'
import { sourcesOf } from './model/lanes.ts'
import type { Prediction } from './model/index.ts'

/** The feature of all cases with windows, and the beginning of the others. */
export const windowsFeature = 'windows'

/** Empty if it has no windows. */
export function windowFeatures(graph: Case, { into, outOf }: Prediction): string[] {
  const steps = graph.steps.filter(isWindowStep)
  if (steps.length === 0) return []
  const isSource = (name: string) => graph.sources.some(({ id }) => id === name)
  const lanesInto = (step: WindowStep): number => {
    const ids = sourcesOf(graph, step)
    const lanes = graph.sources.map(({ id, kind, splits }) =>
      !ids.includes(id) ? 0 : kind === 'log' ? splits.length : 1,
    )
    return lanes.reduce((sum, n) => sum + n, 0)
  }
  const lates = steps.flatMap(({ window: { late } }) => (late === undefined ? [] : [late]))
  const isBadButTimed = graph.sources.some(
    ({ eventTime, splits }) =>
      eventTime && splits.some(({ records }) => records.some(({ undecodable, w }) => undecodable === 'value' && w)),
  )
  const found: Record<string, boolean> = {
    updates: steps.some(canUpdate),
    'emit: on_close': steps.some(({ emit }) => emit === 'on_close'),
    'emit: on_change': steps.some(({ emit }) => emit === 'on_change'),
    'allowed lateness': steps.some(({ window }) => window.lateness > 0),
    'several lanes': steps.some((step) => lanesInto(step) > 1),
    'behind a step': steps.some(({ from }) => !from.every(isSource)),
    'several inputs': steps.some(({ from }) => from.length > 1),
    'several windows in a graph': steps.length > 1,
    'late output': lates.length > 0,
    'late records in an output': lates.some((name) => outOf.get(name)!.length > 0),
    'late records in windows': steps.some(({ from }) => from.some((name) => lates.includes(name))),
    'emitted by a run that goes on': graph.runs === 'continue' && steps.some(({ id }) => outOf.get(id)!.length > 0),
    'records without a time': graph.sources.some(
      ({ eventTime, splits }) =>
        eventTime && splits.some(({ records }) => records.some(({ w }) => w === null || w.startsWith('x'))),
    ),
    'bad records that tell their time': isBadButTimed,
    'windows without a record': steps.some(({ id }) => into.get(id)!.length === 0),
  }
  for (const { window } of steps) found[Object.keys(window.length)[0]!] = true
  const names = Object.keys(found).filter((name) => found[name])
  return [windowsFeature, ...names.map((name) => `${windowsFeature}: ${name}`)]
}
