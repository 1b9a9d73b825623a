/**
 * The summary of a run: a table with a line per source, step and sink, which shows that what enters each equals what
 * leaves it, and where the rest went. If the pipeline has run before, this run is shown next to the total.
 */
import type { Counters, Plan, Summary } from '@millrace/core'
import { bytes, count, span, table } from './table.ts'

const columns = [
  { title: '' },
  { title: 'reads' },
  { title: 'in', right: true },
  { title: 'out', right: true },
  { title: 'filtered', right: true },
  { title: 'failed', right: true },
  { title: 'held', right: true },
  { title: 'added', right: true },
] as const

/** The summary as text: a head line, the table without columns that are always empty, and whether it balances. */
export function summaryText(summary: Summary, plan: Plan): string {
  const own = merged(summary.thisRun)
  const total = merged(summary.counters)
  const rows = rowsOf(own, plan)
  const used = columns.map((_, at) => at < 4 || rows.some((row) => row[at] !== ''))
  const left = plan.sources.flatMap(({ id }) => {
    const fields = own.sources[id]?.unknown
    return fields
      ? [`${count(fields)} fields of ${id} are not in its schema and were left out (unknown_fields: drop).\n`]
      : []
  })
  const skipped = Object.entries(own.sources).flatMap(([id, { skipped: n }]) =>
    n ? [`${count(n)} records of ${id} have no value and were left out (tombstones: skip).\n`] : [],
  )
  const newer = Object.entries(own.sinks).flatMap(([id, { superseded }]) =>
    superseded ? [`${count(superseded)} records were not written by ${id}: it had newer ones (guard).\n`] : [],
  )
  const balance =
    summary.imbalances.length === 0 ? 'Every edge balances.' : `DOES NOT BALANCE: ${summary.imbalances.join('; ')}`
  return `${headOf(summary, plan, own)}\n\n${table(
    columns.filter((_, at) => used[at]),
    rows.map((row) => row.filter((_, at) => used[at])),
  )}\n${left.join('')}${skipped.join('')}${newer.join('')}${totalOf(summary, total)}${balance}\n`
}

function headOf(summary: Summary, plan: Plan, own: Counters): string {
  const read = sum(own, ({ sources }) => Object.values(sources).map((s) => s.read))
  const size = sum(own, ({ sources }) => Object.values(sources).map((s) => s.bytes))
  const seconds = Math.max(0.001, summary.durationMs / 1000)
  const how = summary.ended
    ? 'finished'
    : summary.caughtUp
      ? read === 0
        ? 'has caught up, with nothing new,'
        : 'has caught up'
      : 'was stopped and can be resumed'
  const behind = summary.behind ? `; ${count(summary.behind)} available records were not read yet` : ''
  const what = `${count(read)} records, ${bytes(size)}, ${count(read / seconds)}/s${behind}`
  const resumed = summary.resumed ? ' (resumed)' : ''
  return `${plan.name}: run ${summary.incarnation} ${how} after ${span(summary.durationMs)}${resumed}: ${what}`
}

/** The total of all runs since the counters started; nothing if this is the first of them. */
function totalOf(summary: Summary, total: Counters): string {
  if (!summary.resumed) return ''
  const read = sum(total, ({ sources }) => Object.values(sources).map((s) => s.read))
  const written = sum(total, ({ sinks }) => Object.values(sinks).map((s) => s.delivered))
  const failed = sum(total, (c) =>
    [...Object.values(c.sources), ...Object.values(c.steps), ...Object.values(c.sinks)].map((n) => n.failed),
  )
  const since = new Date(summary.countedFrom).toISOString().slice(0, 16).replace('T', ' ')
  return `In total since ${since} UTC: ${count(read)} records read, ${count(written)} written${failed ? `, ${count(failed)} failed` : ''}.\n`
}

const sum = (counters: Counters, of: (counters: Counters) => readonly number[]): number =>
  of(counters).reduce((a, b) => a + b, 0)

function rowsOf({ sources, steps, sinks }: Counters, plan: Plan): string[][] {
  const n = (value: number) => (value === 0 ? '' : count(value))
  const rows: string[][] = []
  for (const { id, type, side } of plan.sources) {
    const c = sources[id]
    if (c && !side) rows.push([name(id, type), '', count(c.read), count(c.out), '', n(c.failed), '', n(c.replayed)])
  }
  for (const step of plan.steps) {
    const c = steps[step.id]
    if (!c) continue
    const from = step.from.join(', ')
    rows.push([
      name(step.id, step.type),
      step.pushedInto ? `${from}, in ${step.pushedInto}` : from,
      count(c.in),
      count(c.out),
      n(c.filtered),
      n(c.failed),
      n(c.held),
      n(c.multiplied + c.results),
    ])
    for (const [side, m] of Object.entries(c.sideOutputs)) rows.push([`  ${side}`, '', '', count(m), '', '', '', ''])
  }
  for (const sink of [...plan.sinks, ...(plan.deadLetter ? [plan.deadLetter] : [])]) {
    const c = sinks[sink.id]
    const reads = sink === plan.deadLetter ? 'what failed' : sink.from.join(', ')
    if (c) rows.push([name(sink.id, sink.type), reads, count(c.in), count(c.delivered), '', n(c.failed), '', ''])
  }
  return rows
}

/** The summary for programs: `counters` are those of this run, `total` those of all runs since the counters started. */
export function summaryJson(summary: Summary, plan: Plan) {
  const { counters, thisRun, startedAt, endedAt, countedFrom, imbalances, ...rest } = summary
  const own = merged(thisRun)
  const time = (ms: number) => new Date(ms).toISOString()
  return {
    ...rest,
    profile: plan.profile,
    startedAt: time(startedAt),
    endedAt: time(endedAt),
    nothingNew: sum(own, ({ sources }) => Object.values(sources).map((s) => s.read)) === 0,
    counters: own,
    total: { since: time(countedFrom), counters: merged(counters) },
    imbalances,
    balances: imbalances.length === 0,
  }
}

const name = (id: string, type: string): string => (id === type ? id : `${id} (${type})`)

// Components share no node, so their counters can be combined.
function merged(counters: readonly Counters[]): Counters {
  const all: Counters = { sources: {}, steps: {}, sinks: {} }
  for (const c of counters) {
    Object.assign(all.sources, c.sources)
    Object.assign(all.steps, c.steps)
    Object.assign(all.sinks, c.sinks)
  }
  return all
}
