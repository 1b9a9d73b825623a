/** Starts the SDK, and gives it what a command hears of its pipelines. */
import type { RunEvent } from '@millrace/core'
import { diag, DiagLogLevel, metrics, trace } from '@opentelemetry/api'
import {
  defaultResource,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import { startNodeSdk } from '@opentelemetry/sdk-node'
import { type MetricsGiven, recordMetrics } from './metrics.ts'
import { traceRuns } from './traces.ts'

/** What the command gives. */
export interface TelemetryOptions extends MetricsGiven {
  readonly version: string
  /** Durations that an event says, in seconds, by the key of their histogram. */
  durations(event: RunEvent): readonly (readonly [key: string, seconds: number])[]
  /** Gets what the SDK complains about. */
  warn(message: string): void
}

/** The running SDK. */
export interface Telemetry {
  observe(pipeline: string, event: RunEvent): void
  /** The process of a pipeline has ended. */
  stopped(pipeline: string): void
  /** Exports what is left; takes three seconds at most. */
  close(): Promise<void>
}

const mostCloseMs = 3000

/** Starts the SDK by its environment variables. */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const own = resourceFromAttributes({ 'service.name': 'millrace', 'service.version': options.version })
  const sdk = startNodeSdk({
    baseResource: defaultResource().merge(own),
    // Not that of the process: its command line may have a secret.
    resourceDetectors: [serviceInstanceIdDetector, serviceNameEnvDetector],
    logLevel: 'none',
  })
  diag.setLogger(complaints(options.warn), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  const record = recordMetrics(metrics.getMeter('millrace', options.version), options)
  const runs = traceRuns(trace.getTracer('millrace', options.version))
  return {
    observe(pipeline, event) {
      runs.observe(pipeline, event)
      for (const [key, seconds] of options.durations(event)) record(key, seconds, { pipeline })
    },
    stopped: runs.stopped,
    async close() {
      runs.close()
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => void (timer = setTimeout(resolve, mostCloseMs)))
      await Promise.race([sdk.shutdown().catch((error: Error) => options.warn(error.message)), late])
      clearTimeout(timer)
    },
  }
}

function complaints(warn: (message: string) => void) {
  const say = (message: string, ...more: unknown[]) => warn([message, ...more.map(String)].join(' '))
  const quiet = () => {}
  return { error: say, warn: say, info: quiet, debug: quiet, verbose: quiet }
}
