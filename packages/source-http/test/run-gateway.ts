/** A gateway at work: in a run with a step that refuses, and a store; or read by a test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Plan,
  type PlanSource,
  type RecordType,
  type Registry,
  type Row,
  run,
  type SourceContext,
} from '@millrace/core'
import { memorySink, testPipeline } from '@millrace/core/testing'
import { freePort } from '@millrace/testkit'
import { onTestFinished } from 'vitest'
import { options } from '../src/options.ts'
import { sourceHttp } from '../src/source.ts'

export const schema: RecordType = {
  fields: {
    InvoiceNo: { type: { kind: 'string' }, optional: false },
    Quantity: { type: { kind: 'integer' }, optional: false },
    when: { type: { kind: 'string' }, optional: true },
  },
}
export const defaults = Object.fromEntries(
  Object.entries(options.properties!).flatMap(([name, o]) =>
    o.default === undefined || o.format ? [] : [[name, o.default]],
  ),
)
export const good = (n: number) => ({ InvoiceNo: `i${n}`, Quantity: n })

export const contextOf = (home: string, type: RecordType = schema): SourceContext => ({
  root: home,
  home,
  profile: 'local',
  pipeline: 'test',
  id: 'source',
  resolve: (p) => join(home, p),
  schema: type,
  unknownFields: 'drop',
})

export const configOf = (address: string, more: Record<string, unknown> = {}): never =>
  ({
    ...defaults,
    address,
    path: '/invoices',
    max_body: 2000,
    max_buffered: 64 << 20,
    answer_timeout: 3000,
    ...more,
    log_rotation: { size: 1 << 20, keep: 5, ...(more['log_rotation'] as object) },
    keys: { keep: 60_000, max: 100, required: false, ...(more['keys'] as object) },
  }) as never

interface Starting {
  /** Options of the gateway. */
  readonly more?: Record<string, unknown>
  readonly onWrite?: (ids: readonly string[], rows: readonly Row[]) => void | Promise<void>
  /** What its answers show. */
  readonly from?: string
  readonly onError?: PlanSource['onError']
  /** What becomes of records that fail at the step or the store. */
  readonly sinkOnError?: Plan['onError']
}

export interface Gateway {
  readonly home: string
  readonly address: string
  readonly store: Map<string, Row>
  readonly letters: Map<string, Row>
  start(starting?: Starting): Promise<void>
  /** Stops it; resolves when the run has ended. */
  stop(): Promise<unknown>
  post(
    body: unknown,
    headers?: Record<string, string>,
    raw?: boolean,
  ): Promise<{ status: number; body: never; headers: Headers }>
}

/** A gateway that is stopped when the test ends. */
export async function gateway(): Promise<Gateway> {
  const home = mkdtempSync(join(tmpdir(), 'millrace-'))
  const address = `127.0.0.1:${await freePort()}`
  const store = new Map<string, Row>()
  const letters = new Map<string, Row>()
  let stopping = new AbortController()
  let running: Promise<unknown> = Promise.resolve()
  const stop = async () => {
    stopping.abort()
    await running
  }
  onTestFinished(async () => {
    await stop()
    rmSync(home, { recursive: true, force: true })
  })
  return {
    home,
    address,
    store,
    letters,
    stop,
    async start({ more = {}, onWrite = () => {}, from = 'dated', onError = 'refuse', sinkOnError = 'stop' } = {}) {
      stopping = new AbortController()
      const config = configOf(address, more)
      const seen = {
        answer: { fields: { ...schema.fields, seen: { type: { kind: 'boolean' }, optional: true } } },
      } as const
      const made = testPipeline({
        runs: 'continue',
        onError: sinkOnError,
        sources: {
          source: () => sourceHttp.create(config, { ...contextOf(home), ...(from === 'source' ? {} : seen) }),
        },
        steps: {
          dated: {
            create: () => ({
              apply({ rows }, out) {
                const kept = rows.flatMap((r, i) =>
                  r['when'] === 'never'
                    ? (out.fail(i, 'bad_date', { field: 'when', message: '`never` is no date' }), [])
                    : [i],
                )
                return { rows: kept.map((i) => ({ ...rows[i]!, seen: true })), origins: Int32Array.from(kept) }
              },
            }),
          },
        },
        sinks: { store: { create: () => memorySink(store, { onWrite }) } },
        deadLetter: () => memorySink(letters),
      })
      const source: PlanSource = {
        ...made.plan.sources[0]!,
        onError,
        capabilities: sourceHttp.capabilities(config),
        answer: { from, partial: false },
      }
      const plan: Plan = { ...made.plan, sources: [source] }
      await new Promise<void>((resolve, reject) => {
        running = run(plan, made.registry as Registry, {
          root: home,
          home,
          secrets: () => undefined,
          signal: stopping.signal,
          observe: (e) => e.type === 'started' && resolve(),
        }).catch(reject)
      })
      await listening(address)
    },
    async post(body, headers = {}, raw = false) {
      const response = await fetch(`http://${address}/invoices`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: raw ? (body as string) : JSON.stringify(body),
      })
      return { status: response.status, body: (await response.json()) as never, headers: response.headers }
    },
  }
}

/** Resolves when the gateway answers. */
export async function listening(address: string): Promise<void> {
  for (let n = 0; n < 100; n++) {
    const isUp = await fetch(`http://${address}/health`).then(
      (r) => r.ok,
      () => false,
    )
    if (isUp) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
