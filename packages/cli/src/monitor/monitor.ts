/** The monitor of pipelines that run in this process: `pipe run --metrics-port`. */
import { type Contact, createContact, type RunEvent } from '@millrace/core'
import type { Opened } from '../spec.ts'
import { createMeter } from './meter.ts'
import { addressOf, type MonitorServer, startMonitor, type Trouble } from './server.ts'

/** A server, and what it has to hear. */
export interface Monitor extends MonitorServer {
  observe(pipeline: string, event: RunEvent): void
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

/** Starts to listen for questions about these pipelines. */
export async function monitorRun(port: string, opened: readonly Opened[]): Promise<Monitor> {
  const address = addressOf('metrics-port', port)
  const { createPrometheus } = await import('./prometheus.ts')
  const meter = createMeter()
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
    observe(pipeline, event) {
      meter.observe(pipeline, event)
      prometheus.observe(pipeline, event)
      readiness.get(pipeline)!.observe(event)
      if (event.type === 'ended' || event.type === 'failed') meter.stopped(pipeline)
    },
  }
}
