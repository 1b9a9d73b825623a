/**
 * Metrics and health of a served project. Metrics are made here, from what the processes of the pipelines report, each
 * with the label `pipeline`. Whether a pipeline can work is asked of its process, when somebody wants to know.
 */
import type { OutOfReach, RunEvent } from '@millrace/core'
import type { Io } from '../io.ts'
import { createMeter, type LiveNumbers } from '../monitor/meter.ts'
import { type Address, startMonitor, type Trouble } from '../monitor/server.ts'
import { openTelemetry } from '../monitor/telemetry.ts'
import { wantsTelemetry } from '../monitor/wants-telemetry.ts'
import type { Decision } from './scheduled.ts'

/** What the server hears from `serve`. */
export interface ServeMonitor {
  /** Undefined: it does not listen. */
  readonly url: string | undefined
  decided(pipeline: string, decision: Decision): void
  event(pipeline: string, event: RunEvent): void
  live(pipeline: string, live: LiveNumbers): void
  /** The process of a pipeline has begun; `outOfReach` asks it. */
  began(pipeline: string, outOfReach: () => Promise<readonly OutOfReach[]>): void
  /** It has ended. */
  stopped(pipeline: string): void
  close(): Promise<void>
}

/** What `serve` knows. */
export interface ServeState {
  /** Pipelines that always stay up. */
  readonly staysUp: () => ReadonlySet<string>
  /** All that are served. */
  readonly served: () => ReadonlySet<string>
  /** Edits that are not in effect, and why. */
  readonly refused: () => ReadonlyMap<string, string>
  /** The project's folder. */
  readonly root: string
  readonly env: Io['env']
  readonly warn: (message: string) => void
}

/** Listens, unless no address is given, and starts OpenTelemetry if it is wanted. Throws `cannot_listen`. */
export async function monitorServe(address: Address | undefined, state: ServeState): Promise<ServeMonitor> {
  const meter = createMeter()
  const samples = () => {
    meter.refused(state.served(), state.refused())
    return meter.samples()
  }
  const prometheus = address && (await import('../monitor/prometheus.ts')).createPrometheus(samples)
  const telemetry = wantsTelemetry(state.env) ? await openTelemetry(state.root, samples, state.warn) : undefined
  const processes = new Map<string, () => Promise<readonly OutOfReach[]>>()
  /** Why a pipeline is down, and since when. */
  const down = new Map<string, Omit<Trouble, 'pipeline'>>()
  const isDown = (pipeline: string, { code, message }: Pick<Trouble, 'code' | 'message'>) =>
    void down.set(pipeline, { code, message, sinceMs: down.get(pipeline)?.sinceMs ?? Date.now() })
  const troubles = async (): Promise<readonly Trouble[]> => {
    const served = state.served()
    const found = [...down].map(([pipeline, why]): Trouble => ({ pipeline, ...why }))
    const unheard = [...state.staysUp()].filter((pipeline) => !down.has(pipeline) && !processes.has(pipeline))
    const waiting = unheard.map((pipeline): Trouble => ({ pipeline, ...notStarted, sinceMs: Date.now() }))
    const inside = await Promise.all(
      [...processes].map(async ([pipeline, outOfReach]): Promise<readonly Trouble[]> => {
        try {
          return (await outOfReach()).map((each) => ({ pipeline, ...each }))
        } catch (error) {
          return [{ pipeline, code: 'no_answer', message: (error as Error).message, sinceMs: Date.now() }]
        }
      }),
    )
    return [...found, ...waiting, ...inside.flat()].filter(({ pipeline }) => served.has(pipeline))
  }
  const server = prometheus && (await startMonitor(address!, 'port', { prometheus, refused: state.refused, troubles }))
  return {
    url: server?.url,
    decided(pipeline, decision) {
      switch (decision.type) {
        case 'starting':
          if (state.staysUp().has(pipeline) && !down.has(pipeline)) isDown(pipeline, notStarted)
          return
        case 'retrying':
          return isDown(pipeline, decision.why)
        case 'run_failed':
          meter.ran(pipeline, 'failed')
          if (state.staysUp().has(pipeline)) isDown(pipeline, decision.why ?? notStarted)
          else down.delete(pipeline)
          return
        case 'succeeded':
          meter.ran(pipeline, 'succeeded')
          down.delete(pipeline)
          return
        case 'cancelled':
          meter.ran(pipeline, 'cancelled')
          if (state.staysUp().has(pipeline)) isDown(pipeline, { code: 'cancelled', message: 'somebody has ended it' })
          else down.delete(pipeline)
          return
        case 'skipped':
          return meter.ran(pipeline, 'skipped')
        default:
      }
    },
    event(pipeline, event) {
      meter.observe(pipeline, event)
      prometheus?.observe(pipeline, event)
      telemetry?.observe(pipeline, event)
      if (event.type === 'started') down.delete(pipeline)
    },
    live: meter.live,
    began: (pipeline, outOfReach) => void processes.set(pipeline, outOfReach),
    stopped(pipeline) {
      processes.delete(pipeline)
      meter.stopped(pipeline)
      telemetry?.stopped(pipeline)
    },
    async close() {
      await Promise.all([server?.close(), telemetry?.close()])
    },
  }
}

const notStarted = { code: 'starting', message: 'it has not begun to read' }
