/** The monitor of pipelines that run in this process, for `--metrics-port` and OpenTelemetry. */
import { type Contact, createContact, type RunEvent } from '@millrace/core'
import type { Io } from '../io.ts'
import type { Opened } from '../spec.ts'
import { createMeter, type Meter } from './meter.ts'
import { type Address, addressOf, startMonitor, type Trouble } from './server.ts'
import { openTelemetry } from './telemetry.ts'
import { wantsTelemetry } from './wants-telemetry.ts'

/** What has to hear of the runs. */
export interface Monitor {
  /** Where metrics and health are served; undefined: nowhere. */
  readonly url: string | undefined
  observe(pipeline: string, event: RunEvent): void
  close(): Promise<void>
}

/** The readiness of one pipeline: what is out of reach, or that it does not read yet. */
export interface Readiness {
  observe(event: RunEvent): void
  troubles(): Promise<readonly Trouble[]>
}

/** Watches one pipeline. */
export function createReadiness(pipeline: string, contact: Contact): Readiness {
  const beganMs = Date.now()
  let whole: Omit<Trouble, 'pipeline'> | undefined = {
    code: 'starting',
    message: 'it has not begun to read',
    sinceMs: beganMs,
  }
  return {
    observe(event) {
      contact.observe(event)
      if (event.type === 'started' || event.type === 'ended') whole = undefined
      else if (event.type === 'failed') whole = { code: event.code, message: event.message, sinceMs: Date.now() }
    },
    async troubles() {
      const found = await contact.outOfReach()
      return [...(whole ? [whole] : []), ...found].map((each) => ({ pipeline, ...each }))
    },
  }
}

/** How a run is watched. */
export interface MonitorOptions {
  /** Where to listen; undefined: nowhere. */
  readonly port: string | undefined
  readonly env: Io['env']
  warn(message: string): void
}

/** Starts to watch these pipelines, if that is wanted. */
export async function monitorRun(opened: readonly Opened[], options: MonitorOptions): Promise<Monitor> {
  const meter = createMeter()
  const watching: Pick<Monitor, 'observe' | 'close'>[] = [
    {
      observe(pipeline, event) {
        meter.observe(pipeline, event)
        if (event.type === 'ended') meter.stopped(pipeline)
      },
      close: () => Promise.resolve(),
    },
  ]
  let url: string | undefined
  if (options.port !== undefined) {
    const shown = await showRun(opened, meter, addressOf('metrics-port', options.port))
    url = shown.url
    watching.push(shown)
  }
  if (wantsTelemetry(options.env)) {
    const telemetry = await openTelemetry(opened[0]!.workspace.root, meter.samples, options.warn)
    if (telemetry) watching.push(telemetry)
  }
  return {
    url,
    observe(pipeline, event) {
      for (const each of watching) each.observe(pipeline, event)
    },
    async close() {
      await Promise.all(watching.map((each) => each.close()))
    },
  }
}

async function showRun(opened: readonly Opened[], meter: Meter, address: Address) {
  const { createPrometheus } = await import('./prometheus.ts')
  const prometheus = createPrometheus(meter.samples)
  const readiness = new Map(
    opened.map(({ plan, registry, workspace }) => [
      plan.name,
      createReadiness(plan.name, createContact(plan, registry, workspace)),
    ]),
  )
  const server = await startMonitor(address, 'metrics-port', {
    prometheus,
    refused: () => new Map(),
    troubles: async () => (await Promise.all([...readiness.values()].map((each) => each.troubles()))).flat(),
  })
  return {
    ...server,
    observe(pipeline: string, event: RunEvent) {
      prometheus.observe(pipeline, event)
      readiness.get(pipeline)!.observe(event)
    },
  }
}
