/** Corrupts what was observed in runs without faults, one thing at a time: the judge must report each. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Case, isWindowStep, type Sink } from './case.ts'
import { savedIn } from './judge/expected.ts'
import { judge } from './judge/index.ts'
import { type Arrival, predict, stopsOf, textOf } from './model/index.ts'
import { behindUpdates } from './model/updates.ts'
import { runNumber } from './run/case.ts'
import type { Outputs, Row } from './run/outputs.ts'
import type { Observation, Trace } from './run/scenario.ts'
import { makeFolder } from './folder.ts'

interface Clean {
  readonly graph: Case
  readonly trace: Trace
}

const root = makeFolder()
const cases: Clean[] = []

beforeAll(async () => {
  const isEnough = () =>
    cases.length >= 20 && corruptions.every((each) => cases.some((clean) => corrupted(clean, each) !== undefined))
  for (let number = 0; number < 100 && !isEnough(); number++) {
    const { graph, verdicts } = await runNumber(root, 3, number)
    const crashed = verdicts.find(({ how }) => how === 'crashed')
    if (crashed?.trace && crashed.faults.length === 0) cases.push({ graph, trace: crashed.trace })
  }
}, 300_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

const toCorrectOf = (graph: Case) =>
  new Set(stopsOf(graph, predict(graph)).map(({ arrival }) => arrival.place!.record.u))

interface Corruption {
  readonly what: string
  readonly kind: string
  readonly which?: (observation: Observation, graph: Case) => boolean
  readonly corrupt: (observation: Observation, graph: Case) => Observation | undefined
}

/** The observations with one of them corrupted; undefined if the case has nothing to corrupt. */
function corrupted({ graph, trace }: Clean, { which = atEnd, corrupt }: Corruption): Observation[] | undefined {
  const at = trace.observations.findLastIndex((observation) => which(observation, graph))
  const changed = at < 0 ? undefined : corrupt(trace.observations[at]!, graph)
  return changed && trace.observations.with(at, changed)
}

const atEnd = ({ why }: Observation) => why === 'done'
const withRows = (observation: Observation, sink: string, rows: readonly Row[]): Observation => ({
  ...observation,
  outputs: { ...observation.outputs, rows: new Map([...observation.outputs.rows, [sink, rows]]) },
})
const withOutputs = (observation: Observation, outputs: Partial<Outputs>): Observation => ({
  ...observation,
  outputs: { ...observation.outputs, ...outputs },
})

/** A sink that holds late records and nothing else. */
const lateOutputOf = ({ outputs }: Observation, { steps, sinks }: Case): Sink | undefined =>
  sinks.find(
    ({ id, kind, from }) =>
      kind !== 'key' &&
      outputs.rows.get(id)!.length > 0 &&
      from.every((name) => steps.some((step) => isWindowStep(step) && step.window.late === name)),
  )

/** A sink of documents by id that holds counts which are emitted again, and nothing else. */
const updatedOf = ({ outputs }: Observation, graph: Case): Sink | undefined =>
  graph.sinks.find(
    ({ id, kind }) =>
      kind === 'id' &&
      behindUpdates(graph).has(id) &&
      outputs.rows.get(id)!.length > 0 &&
      outputs.rows.get(id)!.every((row) => row['lines'] !== undefined && row['window_start'] !== undefined),
  )

/** Corrupts the rows of the first sink of these kinds that has any. */
const rowsOf =
  (kinds: readonly string[], corrupt: (rows: readonly Row[]) => readonly Row[]) =>
  (observation: Observation, graph: Case) => {
    const sink = graph.sinks.find(
      ({ id, kind }) => kinds.includes(kind) && observation.outputs.rows.get(id)!.length > 1,
    )
    return sink && withRows(observation, sink.id, corrupt(observation.outputs.rows.get(sink.id)!))
  }
/** Leaves out the first row and its repetitions. */
const without = (rows: readonly Row[]) => rows.filter((row) => textOf(row) !== textOf(rows[0]))
const changed = (rows: readonly Row[]) => rows.with(0, { ...rows[0], u: 'u99999' })

const corruptions: readonly Corruption[] = [
  ...['id', 'table', 'files', 'log'].flatMap((sink) => [
    { what: `a record is missing (${sink})`, kind: 'lost', corrupt: rowsOf([sink], without) },
    { what: `a record is changed (${sink})`, kind: 'unexpected', corrupt: rowsOf([sink], changed) },
  ]),
  ...['id', 'table', 'files'].map((sink) => ({
    what: `a record is doubled (${sink})`,
    kind: 'doubled',
    corrupt: rowsOf([sink], (rows) => [...rows, rows[0]!]),
  })),
  {
    what: 'an at-least-once sink holds a record more often than it can have been written',
    kind: 'doubled',
    corrupt: rowsOf(['log'], (rows) => [...rows, ...Array.from({ length: 9 }, () => rows[0]!)]),
  },
  {
    what: 'a late record is missing from its output',
    kind: 'lost',
    corrupt: (observation, graph) => {
      const sink = lateOutputOf(observation, graph)
      return sink && withRows(observation, sink.id, without(observation.outputs.rows.get(sink.id)!))
    },
  },
  {
    what: 'a result that is emitted again does not count its last record',
    kind: 'unexpected',
    corrupt: (observation, graph) => {
      const sink = updatedOf(observation, graph)
      const rows = sink && observation.outputs.rows.get(sink.id)!
      return rows && withRows(observation, sink.id, rows.with(0, { ...rows[0], lines: Number(rows[0]!['lines']) - 1 }))
    },
  },
  { what: 'the document of a key is missing', kind: 'lost', corrupt: rowsOf(['key'], without) },
  {
    what: 'a document holds an older value of its key',
    kind: 'last',
    corrupt: (observation, graph) => {
      const sink = graph.sinks.find((each) => each.kind === 'key' && each.write === 'upsert')
      if (sink?.kind !== 'key') return undefined
      const arrivals = predict(graph, toCorrectOf(graph)).into.get(sink.id)!
      const rows = observation.outputs.rows.get(sink.id)!
      const older = (row: Row) =>
        olderOf(arrivals.filter((each) => sink.key.every((name) => each.row[name] === row[name])))
      const at = rows.findIndex(older)
      return at < 0 ? undefined : withRows(observation, sink.id, rows.with(at, older(rows[at]!)!))
    },
  },
  {
    what: 'something is visible that was not saved',
    kind: 'unsaved',
    which: ({ why }) => why === 'killed',
    corrupt: (observation, graph) => {
      const sink = graph.sinks.find(({ kind }) => kind === 'table')
      const row =
        sink &&
        predict(graph)
          .into.get(sink.id)!
          .findLast((arrival) => arrival.place && !savedIn(graph)(arrival, observation.saved))?.row
      const shown = sink && observation.outputs.rows.get(sink.id)!
      return row && !shown!.some(({ u }) => u === row['u'])
        ? withRows(observation, sink!.id, [...shown!, row])
        : undefined
    },
  },
  {
    what: 'a dead letter is missing',
    kind: 'letters',
    corrupt: (observation) =>
      observation.outputs.letters.length > 0
        ? withOutputs(observation, { letters: observation.outputs.letters.slice(1) })
        : undefined,
  },
  {
    what: 'a dead letter is of another step',
    kind: 'letters',
    corrupt: (observation) => {
      const [first, ...rest] = observation.outputs.letters
      return first && withOutputs(observation, { letters: [{ ...first, step: 'elsewhere' }, ...rest] })
    },
  },
  {
    what: 'a counter is wrong',
    kind: 'counts',
    corrupt: (observation) => {
      if (!observation.summary) return undefined
      const counters = structuredClone(observation.summary.counters)
      for (const { sources } of counters) for (const count of Object.values(sources)) count.read++
      return { ...observation, summary: { ...observation.summary, counters } }
    },
  },
  {
    what: 'an edge does not balance',
    kind: 'imbalance',
    corrupt: (observation) =>
      observation.summary && { ...observation, summary: { ...observation.summary, imbalances: ['a: 1 against 2'] } },
  },
  {
    what: 'an unpublished file is left behind',
    kind: 'left_behind',
    corrupt: (observation) => withOutputs(observation, { hidden: ['/out/.hidden/1.part'] }),
  },
  {
    what: 'an input file is gone that must be kept',
    kind: 'input',
    corrupt: (observation, graph) => {
      const source = graph.sources.find(({ kind, afterRead }) => kind !== 'log' && !afterRead)
      return source && { ...observation, missingInputs: [source.splits[0]!.name] }
    },
  },
  {
    what: 'the run has failed',
    kind: 'failed',
    corrupt: ({ summary: _, ...observation }) => ({
      ...observation,
      why: 'failed',
      error: { code: 'unexpected', message: 'failed', place: undefined, exitCode: 1 },
    }),
  },
  {
    what: 'bad data has not stopped the run',
    kind: 'not_stopped',
    which: ({ why }) => why === 'stopped',
    corrupt: ({ error: _, ...observation }) => ({ ...observation, why: 'killed' }),
  },
]

/** A record of a key that is not the last one; undefined if the key has several splits, or results. */
function olderOf(arrivals: readonly Arrival[]): Row | undefined {
  if (!arrivals.every(({ place }) => place)) return undefined
  const splits = new Set(arrivals.map(({ place }) => `${place!.source}/${place!.split}`))
  const last = arrivals.at(-1)?.row['u']
  return splits.size === 1 ? arrivals.find(({ row }) => row['u'] !== last)?.row : undefined
}

describe('the judge reports that', () => {
  for (const corruption of corruptions) {
    const { what, kind } = corruption
    it(what, () => {
      const found = cases.flatMap((each) => {
        const observations = corrupted(each, corruption)
        if (!observations) return []
        const faults = judge(each.graph, { ...each.trace, observations }, toCorrectOf(each.graph))
        return [faults.map((fault) => fault.kind)]
      })
      expect(found.length, 'no case has anything to corrupt').toBeGreaterThan(0)
      // If one of several records may pass, the fault is one of the choice.
      for (const faults of found) expect(faults.map((each) => (each === 'choice' ? kind : each))).toContain(kind)
    })
  }
})
