/**
 * Edits of a continuing run: they apply from the saved positions on. An edit that would lose something has to be
 * confirmed.
 */
import type { Plan } from '../plan/index.ts'
import { canonical, type Signature } from '../plan/signature.ts'
import type { Json } from '../record/index.ts'
import { differenceOf, renamedSinks } from './difference.ts'
import { type Edit, type Edits, type NodeFacts, type SavedFacts, ways } from './edit.ts'

export function continuingEdits(before: Signature, now: Signature, plan: Plan, facts: SavedFacts): Edits {
  const discards = { steps: [] as string[], sinks: [] as string[] }
  const memory = new Map(facts.overview().steps.map(({ step, entries }) => [step, entries]))
  const renames = renamedSinks(before.sinks, now.sinks)
  const isRenamed = (id: string) => renames.some(([from, to]) => from === id || to === id)
  const edits = [
    ...Object.keys(before.sources).map((id) => sourceEdit(id, before, now, plan, facts)),
    ...added('source', before.sources, now.sources, 'it is read from the beginning'),
    ...Object.keys(before.steps).map((id) => stepEdit(id, before, now, memory.get(id) ?? 0, discards.steps)),
    ...added('step', before.steps, now.steps, 'it applies to what is read from here on'),
    ...renames.map(([from, to]): Edit => ({ node: to, effect: 'kept', what: `sink ${from} is now ${to}` })),
    ...Object.keys(before.sinks).map((id) =>
      isRenamed(id) ? undefined : sinkEdit(id, before, now, facts, discards.sinks),
    ),
    ...added('sink', before.sinks, now.sinks, 'it gets what is read from here on', [ways.fill]).filter(
      ({ node }) => !isRenamed(node),
    ),
  ].filter((edit) => edit !== undefined)
  return { edits, renames, discards, recount: true }
}

const added = (kind: string, before: object, now: object, how: string, more?: readonly string[]): Edit[] =>
  Object.keys(now)
    .filter((id) => !(id in before))
    .map((id) => ({
      node: id,
      effect: 'from_here',
      what: `${kind} ${id} is new: ${how}`,
      ways: more,
    }))

function sourceEdit(id: string, saved: Signature, now: Signature, plan: Plan, facts: SavedFacts): Edit | undefined {
  const before = saved.sources[id]!
  const after = now.sources[id]
  const hasPositions = facts.positions(id).length > 0
  if (!after) {
    if (!hasPositions) return undefined
    const heir = Object.keys(now.sources).find(
      (other) => !(other in saved.sources) && isSamePlace(before, now.sources[other]!),
    )
    return heir === undefined
      ? { node: id, effect: 'kept', what: `source ${id} was removed; its positions are kept in case it comes back` }
      : {
          node: id,
          effect: 'refused',
          what: `source ${id} was removed and ${heir} reads the same input: all of it would be read again, under new ids`,
          ways: [ways.move(id, heir), ways.reset],
        }
  }
  const what = differenceOf('source', id, before, after)
  if (what === undefined) return undefined
  const named = plan.sources.find((s) => s.id === id)!.capabilities.contentSplits
  if (isSamePlace(before, after) || named || !hasPositions) return { node: id, effect: 'from_here', what }
  return {
    node: id,
    effect: 'refused',
    what: `${what}: the saved positions belong to a different input`,
    ways: ['give the source a new id, so that it is read from the beginning', ways.asItWas, ways.reset],
  }
}

/** Options by which connectors name their input. */
const placeOptions = [
  'address',
  'brokers',
  'bucket',
  'collection',
  'database',
  'path',
  'prefix',
  'stream',
  'table',
  'url',
]

function isSamePlace(before: NodeFacts, after: NodeFacts): boolean {
  const option = (node: NodeFacts, name: string) => (node['config'] as Readonly<Record<string, Json>>)[name]
  return (
    before['type'] === after['type'] &&
    placeOptions.every((name) => canonical(option(before, name)) === canonical(option(after, name)))
  )
}

function stepEdit(id: string, saved: Signature, now: Signature, entries: number, discards: string[]): Edit | undefined {
  const before = saved.steps[id]!
  const after = now.steps[id]
  const what = differenceOf('step', id, before, after)
  const isSame = (other: NodeFacts) => other['stateHash'] === before['stateHash'] && other['type'] === before['type']
  if (before['stateHash'] === undefined || entries === 0) {
    // There is nothing to lose, but the empty memory belongs to the step as it was.
    if (before['stateHash'] !== undefined && !(after && isSame(after))) discards.push(id)
    return what === undefined ? undefined : { node: id, effect: 'from_here', what }
  }
  if (after && isSame(after)) {
    if (what !== undefined)
      return {
        node: id,
        effect: 'from_here',
        what: `${what}; its memory of ${entries} entries is kept, although it was built with the old spec`,
      }
    const isBehindEdit =
      canonical(saved.sources) !== canonical(now.sources) || canonical(saved.steps) !== canonical(now.steps)
    return isBehindEdit
      ? {
          node: id,
          effect: 'kept',
          what: `step ${id} keeps its memory of ${entries} entries, which was built with the old spec`,
        }
      : undefined
  }
  discards.push(id)
  const heir = after
    ? undefined
    : Object.keys(now.steps).find((other) => !(other in saved.steps) && isSame(now.steps[other]!))
  // Memory that only recognises duplicates is useless once its step is removed.
  if (!after && heir === undefined && before['counts'] !== true)
    return { node: id, effect: 'kept', what: `step ${id} was removed, with its memory` }
  const lost =
    before['counts'] === true
      ? 'the records it holds would not be in any result'
      : 'it would not recognise the records it has seen'
  return {
    node: id,
    effect: 'discarded',
    what: `${what ?? `step ${id} reads different fields`}: its memory of ${entries} entries cannot be used, and ${lost}`,
    ways: [heir === undefined ? ways.asItWas : ways.move(id, heir), ways.giveUp],
  }
}

function sinkEdit(
  id: string,
  saved: Signature,
  now: Signature,
  facts: SavedFacts,
  discards: string[],
): Edit | undefined {
  const before = saved.sinks[id]!
  const after = now.sinks[id]
  const what = differenceOf('sink', id, before, after)
  if (what === undefined) return undefined
  const isElsewhere =
    !after || before['type'] !== after['type'] || canonical(before['config']) !== canonical(after['config'])
  if (!isElsewhere) return { node: id, effect: 'from_here', what }
  const stages = facts.stages().filter((stage) => stage.sink === id).length
  const refused = (half: string, way: string): Edit => ({
    node: id,
    effect: 'refused',
    what: `${what}, and ${half}`,
    ways: [way, ways.reset],
  })
  if (stages > 0)
    return refused(
      `${stages} finished results are not published yet`,
      'run it once with the old spec and stop it: that publishes them',
    )
  if (facts.resumes().some(({ sink, unfinished }) => sink === id && unfinished))
    return refused('it has a half-written file', 'run it to its end with the old spec, so that the file is completed')
  discards.push(id)
  return after
    ? { node: id, effect: 'from_here', what: `${what}: it gets what is read from here on`, ways: [ways.fill] }
    : { node: id, effect: 'kept', what: `${what}; what it has written is kept` }
}
