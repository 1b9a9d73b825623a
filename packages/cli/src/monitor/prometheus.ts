/** The metrics as text for Prometheus, by `prom-client`. */
import type { RunEvent } from '@millrace/core'
import { Counter, Gauge, Histogram, type Metric, Registry } from 'prom-client'
import { durationsIn, type Samples } from './meter.ts'
import { buckets, type MetricKey, metrics } from './table.ts'

/** Renders metrics. */
export interface Prometheus {
  /** Gets what histograms are made of. */
  observe(pipeline: string, event: RunEvent): void
  readonly contentType: string
  text(): Promise<string>
}

/** `samples`: the values now. */
export function createPrometheus(samples: () => Samples): Prometheus {
  const registry = new Registry()
  const made = new Map<string, Metric>()
  for (const [key, { name, type, labels, help }] of Object.entries(metrics)) {
    const of = { name, help, labelNames: [...labels], registers: [registry] }
    const metric =
      type === 'histogram'
        ? new Histogram({ ...of, buckets: [...buckets] })
        : type === 'counter'
          ? new Counter(of)
          : new Gauge(of)
    made.set(key, metric)
  }
  return {
    observe(pipeline, event) {
      for (const [key, seconds] of durationsIn(event)) (made.get(key) as Histogram).observe({ pipeline }, seconds)
    },
    contentType: registry.contentType,
    text() {
      const now = samples()
      for (const [key, metric] of made) {
        if (metric instanceof Histogram) continue
        metric.reset()
        for (const { labels, value } of now.get(key as MetricKey) ?? []) (metric as Counter).inc({ ...labels }, value)
      }
      return registry.metrics()
    },
  }
}
