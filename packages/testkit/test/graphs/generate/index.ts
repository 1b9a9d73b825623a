/** Generates the case of a seed and a number; the same two always yield the same case. */
import type { Case, Policy, Step } from '../case.ts'
import { accepted, identity, keyOf, predict, type Prediction, stopsOf } from '../model/index.ts'
import { behindUpdates } from '../model/updates.ts'
import { Random } from '../random.ts'
import { shapesOf } from '../shape.ts'
import { type BadRates, makeSources } from './data.ts'
import { makeGraph } from './graph.ts'

/** `attempt`: replaces a case that the check refuses. */
export function generate(seed: number, number: number, attempt = 0): Case {
  for (let draft = 0; ; draft++) {
    const made = makeCase(new Random(seed, number, attempt, draft), seed, number)
    if (made) return made
  }
}

const none: BadRates = { undecodable: 0, dates: 0, numbers: 0, boom: 0, nulls: 0, times: 0 }

function makeCase(random: Random, seed: number, number: number): Case | undefined {
  const whole = random.chance(0.6)
  const style = random.weighted<Policy | 'clean'>([
    [22, 'clean'],
    [38, 'dead_letter'],
    [28, 'stop'],
    [12, 'drop'],
  ])
  const timed = random.chance(0.6)
  const bad = style === 'clean' ? none : badRates(random, style === 'stop' ? 30 : 60, timed)
  const onError = style === 'clean' ? random.pick<Policy>(['stop', 'dead_letter', 'drop']) : style
  const later = !whole && random.chance(0.6)
  const sources = makeSources(random, { whole, bad, later, timed })
  const graph = makeGraph(random, sources, { whole, bad, stops: onError === 'stop', timed })
  if (!graph) return undefined
  const steps = graph.steps.map((step): Step => {
    const policy =
      style === 'clean' || random.chance(0.85) ? undefined : random.pick<Policy>(['dead_letter', 'drop', 'stop'])
    return policy ? { ...step, onError: policy } : step
  })
  const letters = [onError, ...steps.map((step) => step.onError)].includes('dead_letter')
  const hasFiles = graph.sinks.some(({ kind }) => kind === 'files')
  const made: Case = {
    seed,
    number,
    runs: whole ? 'whole' : 'continue',
    onError,
    ...(letters ? { deadLetter: random.pick(['sqlite', 'files'] as const) } : {}),
    sources,
    steps,
    sinks: graph.sinks,
    side: [
      { k: 'a', name: 'first' },
      { k: 'b', name: 'second' },
      { k: 'd', name: 'fourth' },
    ],
    bounds: {
      minRecords: random.int(1, 40),
      minMs: random.int(1, 8),
      rollRecords: random.int(10, 80),
      rollMs: random.int(5, 40),
      aheadRows: random.pick([5, 50, 2000]),
      tickMs: random.int(1, 4),
    },
    filesMoved: hasFiles && random.chance(0.3),
    ...outage(random, sources, graph.sinks),
  }
  return isFit(made) ? made : undefined
}

/** One to three kinds of bad records, and more often those without a time where time matters. */
function badRates(random: Random, most: number, timed: boolean): BadRates {
  const kinds = random.some(Object.keys(none) as (keyof BadRates)[], 1, 3)
  if (timed && random.chance(0.3)) kinds.push('times')
  return { ...none, ...Object.fromEntries(kinds.map((kind) => [kind, random.int(10, most)])) }
}

function outage(random: Random, sources: Case['sources'], sinks: Case['sinks']): Pick<Case, 'outage'> {
  if (!random.chance(0.12)) return {}
  const reads = random.chance(0.2)
  return {
    outage: {
      node: reads ? random.pick(sources).id : random.pick(sinks).id,
      call: reads ? 'read' : random.pick(['open', 'write', 'flush', 'publish'] as const),
      at: random.int(1, 3),
    },
  }
}

/** Whether the model can predict the case: where bad data stops the run, correcting that data lets it complete. */
export function isFit(made: Case): boolean {
  if (!shapesOf(made)) return false
  const first = predict(made)
  if (!hasClearUpdates(made, first)) return false
  if (!hasClearChoices(first) || !hasClearInserts(made, first)) return false
  const stops = stopsOf(made, first)
  if (stops.length === 0) return true
  const cannotBeCorrected =
    made.sources.some(({ afterRead }) => afterRead) ||
    made.sinks.some((sink) => 'write' in sink && sink.write === 'insert') ||
    [...first.into.values()].some((arrivals) => arrivals.some(({ choice }) => choice))
  if (cannotBeCorrected || stops.some(({ arrival }) => !arrival.place)) return false
  // A group that vanishes with a correction may have been written with any of its earlier values.
  const hasOtherGroups = stops.some(({ arrival }) => arrival.place!.record.k === null)
  if (hasOtherGroups && behindUpdates(made).size > 0) return false
  const corrected = new Set(stops.map(({ arrival }) => arrival.place!.record.u))
  return stopsOf(made, predict(made, corrected)).length === 0
}

/**
 * Which of several records of a key an `insert` has accepted is judged by its content. That is ambiguous if records of
 * equal content have repetitions, which are not failures of the one that was accepted, or depend on a choice.
 */
function hasClearInserts({ sinks }: Case, predicted: Prediction): boolean {
  return sinks.every((sink) => {
    if (sink.kind !== 'key' || sink.write !== 'insert') return true
    const byKey = Map.groupBy(accepted(predicted, sink.id), (arrival) => keyOf(arrival, sink.key))
    return [...byKey.values()].every((of) => {
      const ids = new Set(of.map(identity))
      return ids.size === 1 || (ids.size === of.length && !of.some(({ choice }) => choice))
    })
  })
}

/** Only the last value of a result is known, so none may fail that is emitted again. */
function hasClearUpdates(made: Case, { failures }: Prediction): boolean {
  const behind = behindUpdates(made)
  return !failures.some(({ at, arrival }) => arrival.result !== undefined && behind.has(at))
}

/** The judge distinguishes the results of the options of one group, but not the combined results of two steps. */
export function hasClearChoices({ outOf }: Prediction): boolean {
  const choices = [...outOf.values()].flat().flatMap(({ choice }) => (choice ? [choice.step] : []))
  return new Set(choices).size <= 1
}
