/**
 * Metrics and traces for OpenTelemetry. The command loads this package when the SDK's environment variables are set;
 * all settings are theirs.
 *
 * Decision: docs/decisions/20261202-telemetry-is-a-package.md
 */
export { otelName, recordMetrics, type MetricsGiven, type MetricValue, type MetricNamed } from './metrics.ts'
export { startTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.ts'
