/** What many cases were like, and what was wrong with them. */
import { crashPoints } from '@millrace/core'
import type { Told } from './tell.ts'

export interface Report {
  readonly text: string
  /** Cases with a fault. */
  readonly faults: number
  /** Faults that are not known, in words. */
  readonly newFaults: readonly string[]
  /** Parts of all cases that had each feature. */
  readonly shares: Readonly<Record<string, number>>
  /** Part of the planned crashes that came to be. */
  readonly hit: number
  /** Crashes at each point of the engine. */
  readonly deaths: Readonly<Record<string, number>>
  /** Part of the edits that were kept. */
  readonly kept: number
}

const tally = (names: Iterable<string>): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

const lines = (counts: Readonly<Record<string, number>>, of?: number): string[] =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(
      ([name, n]) => `  ${String(n).padStart(6)}${of ? ` ${((100 * n) / of).toFixed(0).padStart(3)} %` : ''}  ${name}`,
    )

export function reportOf(told: readonly Told[], seed: number): Report {
  const n = told.length
  const features = tally(
    told.flatMap((each) => [...each.features, ...(each.stopped ? ['a record stops the run'] : [])]),
  )
  const planned = told.filter(({ crash }) => crash)
  const hit = planned.filter(({ crash }) => crash!.hit).length
  const deaths = {
    ...Object.fromEntries(crashPoints.map((point) => [point, 0])),
    ...tally(told.flatMap(({ died }) => died)),
  }
  const refused = tally(told.flatMap((each) => each.refused.map((text) => text.split(':')[0]!)))
  const faulty = told.filter(({ faults }) => faults.length > 0)
  const unknown = faulty.filter(({ faults }) => faults.some(({ known }) => !known))
  const text = [
    `${n} graphs, seed ${seed}, with`,
    ...lines(features, n),
    ...(planned.length > 0
      ? [
          `${planned.length} crashes planned, ${hit} hit (${((100 * hit) / planned.length).toFixed(1)} %); deaths at`,
          ...lines(deaths),
        ]
      : []),
    ...editLines(told),
    ...(Object.keys(refused).length > 0 ? ['refused by the check and replaced', ...lines(refused)] : []),
    faulty.length === 0 ? 'no fault' : `${faulty.length} graphs with a fault`,
    ...faultLines(faulty),
    ...unknown.slice(0, 5).flatMap((each) => newLines(each, seed)),
  ].join('\n')
  return {
    text,
    faults: faulty.length,
    newFaults: unknown.flatMap((each) => newLines(each, seed)),
    shares: Object.fromEntries(Object.entries(features).map(([name, count]) => [name, count / n])),
    hit: hit / Math.max(1, planned.length),
    deaths,
    kept: told.filter(({ edit }) => edit?.outcome === 'kept').length / n,
  }
}

/** What became of the edits of each class. */
function editLines(told: readonly Told[]): string[] {
  const edits = told.flatMap(({ edit }) => (edit ? [edit] : []))
  const classes = Map.groupBy(edits, (edit) => `${edit.class} (${edit.runs})`)
  return [...classes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, of]) => {
      const outcomes = Object.entries(tally(of.map(({ outcome }) => outcome))).map(([outcome, n]) => `${n} ${outcome}`)
      const nodes = Object.entries(tally(of.map((edit) => edit.of))).map(([node, n]) => `${n} ${node || 'the spec'}`)
      return `  ${name}: ${outcomes.join(', ')}; of ${nodes.join(', ')}`
    })
}

/** Each kind of fault with the cases that show it. */
function faultLines(faulty: readonly Told[]): string[] {
  const byKind = Map.groupBy(
    faulty.flatMap(({ number, faults }) =>
      [...new Set(faults.map(({ known, wrong }) => known ?? `new: ${wrong}`))].map((kind) => ({ kind, number })),
    ),
    ({ kind }) => kind,
  )
  return [...byKind]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([kind, cases]) => {
      const first = cases.slice(0, 8).map(({ number }) => number)
      return `  ${String(cases.length).padStart(6)}  ${kind}: cases ${first.join(', ')}${cases.length > 8 ? ', ...' : ''}`
    })
}

/** A case with a fault that is not known. */
function newLines({ number, crash, edit, faults }: Told, seed: number): string[] {
  const flag = edit ? '--edit' : '--case'
  const at = crash ? ` --crash ${crash.point}:${crash.time}` : ''
  return [
    `case ${number} (npm run graphs -- --seed ${seed} ${flag} ${number}${at})`,
    ...faults
      .filter(({ known }) => !known)
      .slice(0, 3)
      .map(({ how, wrong, at, text }) => `  ${how}, ${wrong}${at ? ` at ${at}` : ''}: ${text.slice(0, 400)}`),
  ]
}
