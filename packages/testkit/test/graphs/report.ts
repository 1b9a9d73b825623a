/** Summarises many cases: their features, kills and faults. */
import { crashPoints } from '@millrace/core'
import type { CaseReport } from './case-report.ts'
import { windowsFeature } from './window-features.ts'

export interface Report {
  readonly text: string
  /** Number of cases with a fault. */
  readonly faults: number
  /** Lines about faults. */
  readonly faultTexts: readonly string[]
  /** Share of cases by feature; for a feature of windows, among those with windows. */
  readonly shares: Readonly<Record<string, number>>
  /** Share of the planned kills that happened. */
  readonly hit: number
  /** Kills by crash point. */
  readonly kills: Readonly<Record<string, number>>
  /** Share of edits that were kept. */
  readonly kept: number
  /** Cases in which a replayed letter has passed. */
  readonly mended: number
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

export function reportOf(reports: readonly CaseReport[], seed: number): Report {
  const n = reports.length
  const features = tally(
    reports.flatMap((each) => [...each.features, ...(each.stopped ? ['stopped by bad data'] : [])]),
  )
  const ofWindows = `${windowsFeature}: `
  const isOfWindows = (name: string) => name.startsWith(ofWindows)
  const some = (which: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(features).filter(([name]) => which(name)))
  const withWindows = features[windowsFeature] ?? 0
  const planned = reports.filter(({ crash }) => crash)
  const hit = planned.filter(({ crash }) => crash!.hit).length
  const kills = {
    ...Object.fromEntries(crashPoints.map((point) => [point, 0])),
    ...tally(reports.flatMap(({ killed }) => killed)),
  }
  const refused = tally(reports.flatMap((each) => each.refused.map((text) => text.split(':')[0]!)))
  const faulty = reports.filter(({ faults }) => faults.length > 0)
  const text = [
    `${n} graphs, seed ${seed}, with`,
    ...lines(
      some((name) => !isOfWindows(name)),
      n,
    ),
    ...(withWindows > 0 ? [`${withWindows} with windows, of which`, ...lines(some(isOfWindows), withWindows)] : []),
    ...(planned.length > 0
      ? [
          `${planned.length} crashes planned, ${hit} hit (${((100 * hit) / planned.length).toFixed(1)} %); kills at`,
          ...lines(kills),
        ]
      : []),
    ...editLines(reports),
    ...letterLines(reports),
    ...(Object.keys(refused).length > 0 ? ['refused by the check and replaced', ...lines(refused)] : []),
    faulty.length === 0 ? 'no fault' : `${faulty.length} graphs with a fault`,
    ...faultLines(faulty),
    ...faulty.slice(0, 5).flatMap((each) => linesOf(each, seed)),
  ].join('\n')
  return {
    text,
    faults: faulty.length,
    faultTexts: faulty.flatMap((each) => linesOf(each, seed)),
    shares: Object.fromEntries(
      Object.entries(features).map(([name, count]) => [name, count / (isOfWindows(name) ? withWindows : n)]),
    ),
    hit: hit / Math.max(1, planned.length),
    kills,
    kept: reports.filter(({ edit }) => edit?.outcome === 'kept').length / n,
    mended: reports.filter(({ replay }) => replay && replay.replayed > 0).length,
  }
}

/** Outcomes of edits by class. */
function editLines(reports: readonly CaseReport[]): string[] {
  const edits = reports.flatMap(({ edit }) => (edit ? [edit] : []))
  const classes = Map.groupBy(edits, (edit) => `${edit.class} (${edit.runs})`)
  return [...classes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, of]) => {
      const outcomes = Object.entries(tally(of.map(({ outcome }) => outcome))).map(([outcome, n]) => `${n} ${outcome}`)
      const nodes = Object.entries(tally(of.map((edit) => edit.of))).map(([node, n]) => `${n} ${node || 'the spec'}`)
      return `  ${name}: ${outcomes.join(', ')}; of ${nodes.join(', ')}`
    })
}

/** Letters that were replayed. */
function letterLines(reports: readonly CaseReport[]): string[] {
  const replays = reports.flatMap(({ replay }) => (replay ? [replay] : []))
  if (replays.length === 0) return []
  const sum = (name: 'letters' | 'replayed') => replays.reduce((total, each) => total + each[name], 0)
  return [`  ${sum('letters')} letters: ${sum('replayed')} passed, ${sum('letters') - sum('replayed')} failed again`]
}

/** Faults with the cases that show them. */
function faultLines(faulty: readonly CaseReport[]): string[] {
  const byKind = Map.groupBy(
    faulty.flatMap(({ number, faults }) =>
      [...new Set(faults.map(({ kind }) => kind))].map((kind) => ({ kind, number })),
    ),
    ({ kind }) => kind,
  )
  return [...byKind]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([kind, cases]) => {
      const first = cases.slice(0, 8).map(({ number }) => number)
      const more = cases.length > 8 ? ', ...' : ''
      return `  ${String(cases.length).padStart(6)}  ${kind}: cases ${first.join(', ')}${more}`
    })
}

/** The faults of a case, and how to run it again. */
function linesOf({ number, crash, isCommand, edit, replay, faults }: CaseReport, seed: number): string[] {
  const flag = isCommand ? '--kills 1 --from' : replay ? '--replay' : edit ? '--edit' : '--case'
  const at = crash && !isCommand ? ` --crash ${crash.point}:${crash.time}` : ''
  return [
    `case ${number} (npm run graphs -- --seed ${seed} ${flag} ${number}${at})`,
    ...faults
      .slice(0, 3)
      .map(({ how, kind, at, text }) => `  ${how}, ${kind}${at ? ` at ${at}` : ''}: ${text.slice(0, 400)}`),
  ]
}
