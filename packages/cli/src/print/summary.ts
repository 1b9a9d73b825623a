/** What a run did: one table, a line per source, step and sink, so that what goes into each equals what comes out of it and where the rest went. */
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

/** The summary as text: a head line, the table without columns that are empty throughout, and whether it balances. */
export function summaryText(summary: Summary, plan: Plan): string {
  const { sources, steps, sinks } = merged(summary.counters)
  const read = Object.values(sources).reduce((sum, s) => sum + s.read, 0)
  const size = Object.values(sources).reduce((sum, s) => sum + s.bytes, 0)
  const n = (value: number) => (value === 0 ? '' : count(value))
  const rows: string[][] = []
  for (const { id, type, side } of plan.sources) {
    const c = sources[id]
    if (c && !side) rows.push([name(id, type), '', count(c.read), count(c.out), '', n(c.failed), '', ''])
  }
  for (const step of plan.steps) {
    const c = steps[step.id]
    if (c) {
      const reads = step.pushedInto ? `${step.from.join(', ')}, in ${step.pushedInto}` : step.from.join(', ')
      rows.push([
        name(step.id, step.type),
        reads,
        count(c.in),
        count(c.out),
        n(c.filtered),
        n(c.failed),
        n(c.held),
        n(c.multiplied + c.results),
      ])
      for (const [side, m] of Object.entries(c.sides)) rows.push([`  ${side}`, '', '', count(m), '', '', '', ''])
    }
  }
  for (const sink of [...plan.sinks, ...(plan.deadLetter ? [plan.deadLetter] : [])]) {
    const c = sinks[sink.id]
    const reads = sink === plan.deadLetter ? 'what failed' : sink.from.join(', ')
    if (c) rows.push([name(sink.id, sink.type), reads, count(c.in), count(c.delivered), '', n(c.failed), '', ''])
  }
  const used = columns.map((_, at) => at < 4 || rows.some((row) => row[at] !== ''))
  const seconds = Math.max(0.001, summary.durationMs / 1000)
  const head = `${plan.name}: run ${summary.incarnation} ${summary.ended ? 'is done' : summary.caughtUp ? 'has caught up' : 'was stopped and can go on'} after ${span(summary.durationMs)}${summary.resumed ? ' (resumed)' : ''}: ${count(read)} records, ${bytes(size)}, ${count(read / seconds)}/s${summary.behind ? `; ${count(summary.behind)} records are there and were not read yet` : ''}`
  const left = plan.sources.flatMap(({ id }) => {
    const fields = sources[id]?.unknown
    return fields
      ? [`${count(fields)} fields of ${id} are not in its schema and were left out (unknown_fields: drop).\n`]
      : []
  })
  const balance =
    summary.imbalances.length === 0 ? 'Every edge balances.' : `DOES NOT BALANCE: ${summary.imbalances.join('; ')}`
  return `${head}\n\n${table(
    columns.filter((_, at) => used[at]),
    rows.map((row) => row.filter((_, at) => used[at])),
  )}\n${left.join('')}${balance}\n`
}

/** The same for programs. */
export const summaryJson = (summary: Summary, plan: Plan) => ({
  ...summary,
  profile: plan.profile,
  counters: merged(summary.counters),
  balances: summary.imbalances.length === 0,
})

const name = (id: string, type: string): string => (id === type ? id : `${id} (${type})`)

// Components share no node, so their counters are put side by side.
function merged(counters: readonly Counters[]): Counters {
  const all: Counters = { sources: {}, steps: {}, sinks: {} }
  for (const c of counters) {
    Object.assign(all.sources, c.sources)
    Object.assign(all.steps, c.steps)
    Object.assign(all.sinks, c.sinks)
  }
  return all
}
