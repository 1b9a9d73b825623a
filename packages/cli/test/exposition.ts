/** The text format of Prometheus, read strictly: https://prometheus.io/docs/instrumenting/exposition_formats/ */

/** A series and its value. */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A page of metrics. */
export interface Exposed {
  /** The type of each metric. */
  readonly types: ReadonlyMap<string, string>
  readonly series: readonly Series[]
  /** The value of a series; undefined: there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined
}

/** Reads a page; throws for a line that the format does not allow. */
export function readExposition(text: string): Exposed {
  const types = new Map<string, string>()
  const helped = new Set<string>()
  const seen = new Set<string>()
  const series: Series[] = []
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, word, of, rest] = /^# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (.+)$/.exec(line) ?? []
    if (word === 'HELP') helped.add(of!)
    else if (word === 'TYPE') {
      if (!/^(counter|gauge|histogram)$/.test(rest!) || types.has(of!)) throw new Error(`wrong type: ${line}`)
      types.set(of!, rest!)
    } else {
      const [, name, own = '', value] = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      const labels = Object.fromEntries(
        [...own!.matchAll(/([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/g)].map(([, label, text_]) => [label!, text_!]),
      )
      const written = Object.entries(labels).map(([label, text_]) => `${label}="${text_}"`)
      if (!name || written.join() !== own || Number.isNaN(Number(value))) throw new Error(`no series: ${line}`)
      const metric = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
      if (!types.has(metric) || !helped.has(metric)) throw new Error(`no type or help before ${line}`)
      if (seen.has(name + own)) throw new Error(`twice: ${line}`)
      seen.add(name + own)
      series.push({ name, labels, value: Number(value) })
    }
  }
  return {
    types,
    series,
    value: (name, labels = {}) =>
      series.find(
        (each) => each.name === name && Object.entries(labels).every(([label, text_]) => each.labels[label] === text_),
      )?.value,
  }
}
