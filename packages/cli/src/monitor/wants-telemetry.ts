/** Whether anybody wants OpenTelemetry; its own file, since every run asks. */
import type { Io } from '../io.ts'

/** Any of these asks for it. */
const asking = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_TRACES_EXPORTER',
  'OTEL_METRICS_EXPORTER',
  'OTEL_CONFIG_FILE',
]

/** Whether the environment asks for OpenTelemetry. */
export const wantsTelemetry = (env: Io['env']): boolean =>
  env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true' && asking.some((name) => env[name] && env[name] !== 'none')
