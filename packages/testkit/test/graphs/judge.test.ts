/** A judge that never found anything proves nothing: each thing that it looks at is spoilt here, and it must say so. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Case } from './case.ts'
import { judge } from './judge/index.ts'
import { type Arrival, predict, stopsOf } from './model/index.ts'
import { playNumber } from './play/case.ts'
import type { Outputs, Row } from './play/outputs.ts'
import type { Pause, Played } from './play/play.ts'
import { makeFolder } from './folder.ts'

interface Clean {
  readonly graph: Case
  readonly played: Played
}

const root = makeFolder()
const cases: Clean[] = []

beforeAll(async () => {
  for (let number = 0; number < 30; number++) {
    const { graph, verdicts } = await playNumber(root, 3, number)
    const crashed = verdicts.find(({ how }) => how === 'crashed')
    if (crashed?.played && crashed.faults.length === 0) cases.push({ graph, played: crashed.played })
  }
}, 300_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

const toMendOf = (graph: Case) => new Set(stopsOf(graph, predict(graph)).map(({ arrival }) => arrival.place!.record.u))

/** What the judge finds when one pause is spoilt; undefined: the case has nothing of the kind. */
function spoilt(
  { graph, played }: Clean,
  which: (pause: Pause, graph: Case) => boolean,
  spoil: (pause: Pause, graph: Case) => Pause | undefined,
): string[] | undefined {
  const at = played.pauses.findLastIndex((pause) => which(pause, graph))
  const changed = at < 0 ? undefined : spoil(played.pauses[at]!, graph)
  if (!changed) return undefined
  const faults = judge(graph, { ...played, pauses: played.pauses.with(at, changed) }, toMendOf(graph))
  return faults.map(({ wrong }) => wrong)
}

const atEnd = ({ why }: Pause) => why === 'done'
const withRows = (pause: Pause, sink: string, rows: readonly Row[]): Pause => ({
  ...pause,
  outputs: { ...pause.outputs, rows: new Map([...pause.outputs.rows, [sink, rows]]) },
})
const withOutputs = (pause: Pause, outputs: Partial<Outputs>): Pause => ({
  ...pause,
  outputs: { ...pause.outputs, ...outputs },
})

/** Spoils the rows of the first sink of these kinds that has some. */
const rowsOf =
  (kinds: readonly string[], spoil: (rows: readonly Row[]) => readonly Row[]) => (pause: Pause, graph: Case) => {
    const sink = graph.sinks.find(({ id, kind }) => kinds.includes(kind) && pause.outputs.rows.get(id)!.length > 1)
    return sink && withRows(pause, sink.id, spoil(pause.outputs.rows.get(sink.id)!))
  }
const changed = (rows: readonly Row[]) => rows.with(0, { ...rows[0], u: 'u99999' })

const spoils: readonly {
  readonly what: string
  readonly wrong: string
  readonly which?: (pause: Pause, graph: Case) => boolean
  readonly spoil: (pause: Pause, graph: Case) => Pause | undefined
}[] = [
  ...['id', 'table', 'files', 'log'].flatMap((kind) => [
    { what: `a record is missing (${kind})`, wrong: 'lost', spoil: rowsOf([kind], (rows) => rows.slice(1)) },
    { what: `a record is changed (${kind})`, wrong: 'beyond', spoil: rowsOf([kind], changed) },
  ]),
  ...['id', 'table', 'files'].map((kind) => ({
    what: `a record is doubled (${kind})`,
    wrong: 'doubled',
    spoil: rowsOf([kind], (rows) => [...rows, rows[0]!]),
  })),
  {
    what: 'a record of an at-least-once sink is there more often than it can have been sent',
    wrong: 'doubled',
    spoil: rowsOf(['log'], (rows) => [...rows, ...Array.from({ length: 9 }, () => rows[0]!)]),
  },
  { what: 'a document of a key is missing', wrong: 'lost', spoil: rowsOf(['key'], (rows) => rows.slice(1)) },
  {
    what: 'a document holds an older value of its key',
    wrong: 'last',
    spoil: (pause, graph) => {
      const sink = graph.sinks.find((each) => each.kind === 'key' && each.write === 'upsert')
      if (sink?.kind !== 'key') return undefined
      const arrivals = predict(graph, toMendOf(graph)).into.get(sink.id)!
      const rows = pause.outputs.rows.get(sink.id)!
      const older = (row: Row) =>
        olderOf(arrivals.filter((each) => sink.key.every((name) => each.row[name] === row[name])))
      const at = rows.findIndex(older)
      return at < 0 ? undefined : withRows(pause, sink.id, rows.with(at, older(rows[at]!)!))
    },
  },
  {
    what: 'something is shown that was not saved',
    wrong: 'early',
    which: ({ why }) => why === 'killed',
    spoil: (pause, graph) => {
      const sink = graph.sinks.find(({ kind }) => kind === 'table')
      const row =
        sink &&
        predict(graph)
          .into.get(sink.id)!
          .findLast(({ place }) => place)?.row
      const shown = sink && pause.outputs.rows.get(sink.id)!
      return row && !shown!.some(({ u }) => u === row['u']) ? withRows(pause, sink!.id, [...shown!, row]) : undefined
    },
  },
  {
    what: 'a dead letter is missing',
    wrong: 'letters',
    spoil: (pause) =>
      pause.outputs.letters.length > 0 ? withOutputs(pause, { letters: pause.outputs.letters.slice(1) }) : undefined,
  },
  {
    what: 'a dead letter is of another step',
    wrong: 'letters',
    spoil: (pause) => {
      const [first, ...rest] = pause.outputs.letters
      return first && withOutputs(pause, { letters: [{ ...first, step: 'elsewhere' }, ...rest] })
    },
  },
  {
    what: 'a counter is wrong',
    wrong: 'counts',
    spoil: (pause) => {
      if (!pause.summary) return undefined
      const counters = structuredClone(pause.summary.counters)
      for (const { sources } of counters) for (const count of Object.values(sources)) count.read++
      return { ...pause, summary: { ...pause.summary, counters } }
    },
  },
  {
    what: 'an edge does not balance',
    wrong: 'imbalance',
    spoil: (pause) => pause.summary && { ...pause, summary: { ...pause.summary, imbalances: ['a: 1 against 2'] } },
  },
  {
    what: 'a half-written file is left behind',
    wrong: 'left_behind',
    spoil: (pause) => withOutputs(pause, { hidden: ['/out/.hidden/1.part'] }),
  },
  {
    what: 'an input file is gone that nobody was to remove',
    wrong: 'input',
    spoil: (pause, graph) => {
      const source = graph.sources.find(({ kind, afterRead }) => kind !== 'log' && !afterRead)
      return source && { ...pause, gone: [source.splits[0]!.name] }
    },
  },
  {
    what: 'the run has failed',
    wrong: 'failed',
    spoil: ({ summary: _, ...pause }) => ({
      ...pause,
      why: 'failed',
      error: { code: 'unexpected', message: 'it broke', place: undefined, exitCode: 1 },
    }),
  },
  {
    what: 'a record that stops the run was passed over',
    wrong: 'not_stopped',
    which: ({ why }) => why === 'stopped',
    spoil: ({ error: _, ...pause }) => ({ ...pause, why: 'killed' }),
  },
]

/** Of records of one key: one that is not the last, where they are all of one split. */
function olderOf(arrivals: readonly Arrival[]): Row | undefined {
  const splits = new Set(arrivals.map(({ place }) => `${place?.source}/${place?.split}`))
  const last = arrivals.at(-1)?.row['u']
  return splits.size === 1 ? arrivals.find(({ row }) => row['u'] !== last)?.row : undefined
}

describe('the judge says so when', () => {
  for (const { what, wrong, which = atEnd, spoil } of spoils) {
    it(what, () => {
      const found = cases.flatMap((each) => {
        const faults = spoilt(each, which, spoil)
        return faults ? [faults] : []
      })
      expect(found.length, 'no case has anything of the kind').toBeGreaterThan(0)
      // Where one of several records may be there, that is what is said.
      for (const faults of found) expect(faults.map((each) => (each === 'choice' ? wrong : each))).toContain(wrong)
    })
  }
})
