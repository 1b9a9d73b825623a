/** The command's metrics as instruments of OpenTelemetry. */
import type { Histogram, Meter } from '@opentelemetry/api'

/** A metric, named as for Prometheus. */
export interface MetricNamed {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly unit: string
  readonly help: string
}

/** One value of a metric. */
export interface MetricValue {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The metrics, by a key of the command. */
export interface MetricsGiven {
  readonly metrics: Readonly<Record<string, MetricNamed>>
  /** The bounds of histograms' buckets. */
  readonly buckets: readonly number[]
  /** The values now, of all but histograms. */
  values(): ReadonlyMap<string, readonly MetricValue[]>
}

/**
 * `millrace_records_read_total` is `millrace.records.read`: a collector that exports to Prometheus adds the unit and
 * `_total` again.
 */
export const otelName = (name: string): string =>
  name
    .replace(/_total$/, '')
    .replace(/_(seconds|bytes)$/, '')
    .replaceAll('_', '.')

/**
 * Creates the instruments. Counters and gauges are read when the SDK collects; returns how to record for histograms.
 */
export function recordMetrics(
  meter: Meter,
  { metrics, buckets, values }: MetricsGiven,
): (key: string, value: number, labels: MetricValue['labels']) => void {
  const histograms = new Map<string, Histogram>()
  const observed = Object.entries(metrics).flatMap(([key, { name, type, unit, help }]) => {
    const options = { description: help, unit }
    if (type === 'histogram') {
      const advice = { explicitBucketBoundaries: [...buckets] }
      histograms.set(key, meter.createHistogram(otelName(name), { ...options, advice }))
      return []
    }
    const instrument =
      type === 'counter'
        ? meter.createObservableCounter(otelName(name), options)
        : meter.createObservableGauge(otelName(name), options)
    return [{ key, instrument }]
  })
  meter.addBatchObservableCallback(
    (result) => {
      const now = values()
      for (const { key, instrument } of observed)
        for (const { value, labels } of now.get(key) ?? []) result.observe(instrument, value, labels)
    },
    observed.map(({ instrument }) => instrument),
  )
  return (key, value, labels) => histograms.get(key)?.record(value, labels)
}
