/** The dashboard of deploy/grafana: its queries name metrics and labels that there are, and every metric is in one. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Metric, metrics } from '../packages/cli/src/monitor/table.ts'

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly query?: string | { readonly query: string } }[] }
  readonly panels: readonly {
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
  }[]
}

const dashboard = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../deploy/grafana/millrace.json'), 'utf8'),
) as Dashboard
const targets = dashboard.panels.flatMap((panel) => panel.targets)
const variables = dashboard.templating.list.flatMap(({ query = '' }) =>
  typeof query === 'string' ? [query] : [query.query],
)

/** The series that metrics have, and their labels. */
const series = new Map<string, readonly string[]>()
for (const { name, type, labels } of Object.values(metrics) as Metric[]) {
  if (type !== 'histogram') series.set(name, labels)
  else for (const part of ['bucket', 'sum', 'count']) series.set(`${name}_${part}`, [...labels, 'le'])
}

/** What is wrong with a query and its legend. */
function faultsOf(expr: string, legend = ''): string[] {
  const names = [...expr.matchAll(/millrace_\w+/g)].map(([name]) => name)
  const unknown = names.filter((name) => !series.has(name)).map((name) => `no metric ${name}`)
  const given = [
    ...[...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, own]) => [...own!.matchAll(/(\w+)\s*[=!]/g)].map((m) => m[1]!)),
    ...[...expr.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, own]) => own!.split(/[\s,]+/).filter(Boolean)),
    ...[...expr.matchAll(/label_values\([^,]*,\s*(\w+)\)/g)].map((m) => m[1]!),
    ...[...legend.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]!),
  ]
  const wrong = given.flatMap((label) =>
    names
      .filter((name) => series.has(name) && !series.get(name)!.includes(label))
      .map((name) => `${name} has no ${label}`),
  )
  return [...unknown, ...wrong]
}

describe('the dashboard', () => {
  it('names only metrics and labels that there are', () => {
    expect(targets.flatMap(({ expr, legendFormat }) => faultsOf(expr, legendFormat))).toEqual([])
    expect(variables.flatMap((query) => faultsOf(query))).toEqual([])
  })

  it('would not pass with a metric or a label that there is not', () => {
    expect(faultsOf('rate(millrace_records_total[1m])')).toEqual(['no metric millrace_records_total'])
    expect(faultsOf('sum by (code) (millrace_up{node="x"})', '{{version}}')).toEqual([
      'millrace_up has no node',
      'millrace_up has no code',
      'millrace_up has no version',
    ])
  })

  it('shows every metric', () => {
    const shown = targets.map(({ expr }) => expr).join('\n')
    expect(Object.values(metrics).filter(({ name }) => !shown.includes(name))).toEqual([])
  })
})

describe('names', () => {
  it('follow the conventions of Prometheus', () => {
    for (const { name, type, unit } of Object.values(metrics) as Metric[]) {
      expect(name).toMatch(/^millrace_[a-z_]+$/)
      expect(name.endsWith('_total')).toBe(type === 'counter')
      if (unit === 's') expect(name).toMatch(/_seconds$/)
      if (unit === 'By') expect(name).toMatch(/_bytes(_total)?$/)
    }
  })
})
