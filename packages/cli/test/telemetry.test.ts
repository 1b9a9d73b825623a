/** OpenTelemetry: what a collector gets over OTLP, decoded; and that nothing is sent, or breaks, without it. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { otelName } from '@millrace/telemetry'
import { metrics } from '../src/monitor/table.ts'
import { startPipe } from './process.ts'
import { freshFolder } from './terminal.ts'

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: number; readonly doubleValue?: number }
}
interface Resource {
  readonly attributes: readonly Attribute[]
}
interface Point {
  readonly attributes: readonly Attribute[]
  readonly asInt?: string | number
  readonly asDouble?: number
  readonly count?: string | number
}
interface MetricSent {
  readonly name: string
  readonly unit: string
  readonly sum?: { readonly isMonotonic: boolean; readonly dataPoints: readonly Point[] }
  readonly gauge?: { readonly dataPoints: readonly Point[] }
  readonly histogram?: { readonly dataPoints: readonly Point[] }
}
interface SpanSent {
  readonly name: string
  readonly traceId: string
  readonly attributes: readonly Attribute[]
  readonly links?: readonly { readonly traceId: string }[]
  readonly status: { readonly code?: number; readonly message?: string }
  readonly events?: readonly { readonly name: string }[]
}
interface Sent {
  readonly resourceMetrics?: readonly {
    readonly resource: Resource
    readonly scopeMetrics: readonly { readonly metrics: readonly MetricSent[] }[]
  }[]
  readonly resourceSpans?: readonly {
    readonly resource: Resource
    readonly scopeSpans: readonly { readonly spans: readonly SpanSent[] }[]
  }[]
}

/** A stand-in for a collector: OTLP over HTTP. */
async function collector() {
  const bodies: Sent[] = []
  const types: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      types.push(`${request.url} ${request.headers['content-type']}`)
      const text = Buffer.concat(chunks).toString()
      if (request.headers['content-type'] === 'application/json') bodies.push(JSON.parse(text) as Sent)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    types,
    text: () => JSON.stringify(bodies),
    resources: () =>
      bodies.flatMap(({ resourceMetrics = [], resourceSpans = [] }) =>
        [...resourceMetrics, ...resourceSpans].map(({ resource }) => valuesOf(resource.attributes)),
      ),
    metrics: () =>
      bodies.flatMap((b) => b.resourceMetrics ?? []).flatMap((r) => r.scopeMetrics.flatMap((scope) => scope.metrics)),
    spans: () =>
      bodies.flatMap((b) => b.resourceSpans ?? []).flatMap((r) => r.scopeSpans.flatMap((scope) => scope.spans)),
  }
}

const valuesOf = (attributes: readonly Attribute[]): Record<string, string | number | undefined> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value.doubleValue]),
  )

function project(): string {
  const folder = freshFolder()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'data.csv'), 'id\n1\n2\nx\n')
  writeFileSync(
    join(folder, 'orders.yaml'),
    `version: 1
name: orders
vars: { password: { type: string, default: none } }
source: { type: csv, config: { path: data.csv }, schema: { fields: { id: integer } } }
sinks: { out: { type: files, config: { path: out.jsonl, existing: replace } } }
on_error: { data: drop }
`,
  )
  return folder
}

describe('OpenTelemetry', () => {
  it('sends metrics and traces to the collector that the environment names', { timeout: 60_000 }, async () => {
    const folder = project()
    const otlp = await collector()
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_SERVICE_NAME: 'shop',
      OTEL_RESOURCE_ATTRIBUTES: 'team=data',
    }
    const run = startPipe(['run', 'orders.yaml', '--set', 'password=open-sesame'], folder, env)
    expect([await run.ended, run.err()]).toEqual([0, ''])
    for (const resource of otlp.resources()) expect(resource).toMatchObject({ 'service.name': 'shop', team: 'data' })
    expect(otlp.text()).not.toContain('open-sesame')

    const sums = otlp
      .metrics()
      .flatMap(({ name, sum }) =>
        (sum?.dataPoints ?? []).map((point) => [
          name,
          Number(point.asInt ?? point.asDouble),
          valuesOf(point.attributes),
        ]),
      )
    expect(sums).toContainEqual(['millrace.records.read', 3, { pipeline: 'orders', node: 'source' }])
    expect(sums).toContainEqual(['millrace.records.written', 2, { pipeline: 'orders', node: 'out' }])
    const failed = { pipeline: 'orders', node: 'source', code: 'not_integer' }
    expect(sums).toContainEqual(['millrace.records.failed', 1, failed])
    const saves = otlp.metrics().find(({ name }) => name === 'millrace.save.duration')!
    expect(saves.unit).toBe('s')
    expect(Number(saves.histogram!.dataPoints[0]!.count)).toBeGreaterThan(0)

    const [ran] = otlp.spans().filter(({ name }) => name === 'run')
    expect(valuesOf(ran!.attributes)).toMatchObject({ 'millrace.pipeline': 'orders' })
    const epochs = otlp.spans().filter(({ name }) => name === 'epoch')
    expect(epochs.length).toBeGreaterThan(0)
    for (const { traceId, links } of epochs) {
      expect(traceId).not.toBe(ran!.traceId)
      expect(links!.map((link) => link.traceId)).toEqual([ran!.traceId])
    }
  })

  it('marks a run that fails, and speaks protobuf by default', { timeout: 60_000 }, async () => {
    const folder = project()
    writeFileSync(join(folder, 'data.csv'), 'other\n1\n')
    const otlp = await collector()
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
    expect(await startPipe(['run', 'orders.yaml'], folder, env).ended).toBe(1)
    const [ran] = otlp.spans().filter(({ name }) => name === 'run')
    expect(ran!.status.code).toBe(2)
    expect(valuesOf(ran!.attributes)['error.type']).toMatch(/^[a-z_]+$/)

    writeFileSync(join(folder, 'data.csv'), 'id\n1\n')
    expect(await startPipe(['run', 'orders.yaml'], folder, { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url }).ended).toBe(0)
    expect(otlp.types).toContain('/v1/metrics application/x-protobuf')
    expect(otlp.types).toContain('/v1/traces application/x-protobuf')
  })

  it('does no harm when the collector is gone, and warns', { timeout: 60_000 }, async () => {
    const folder = project()
    const run = startPipe(['run', 'orders.yaml', '--json'], folder, {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    })
    expect(await run.ended).toBe(0)
    for (const line of run.err().trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('pipeline')
  })

  it('of a served project comes from one process', { timeout: 60_000 }, async () => {
    const folder = project()
    const otlp = await collector()
    writeFileSync(
      join(folder, 'tail.yaml'),
      `version: 1
name: tail
source: { type: log, config: { stream: events }, schema: { fields: { id: integer } } }
sinks: { out: { type: files, config: { path: tail.jsonl } } }
`,
    )
    const serve = startPipe(['serve', 'tail.yaml', '--port', 'off'], folder, {
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
    })
    const isUp = () =>
      otlp
        .metrics()
        .some(
          ({ name, gauge }) =>
            name === 'millrace.up' && gauge!.dataPoints.some((p) => Number(p.asInt ?? p.asDouble) === 1),
        )
    for (let i = 0; i < 600 && !isUp(); i++) await sleep(50)
    expect(isUp()).toBe(true)
    serve.child.kill('SIGTERM')
    expect(await serve.ended).toBe(0)
    expect(otlp.spans().map(({ name }) => name)).toContain('run')
    expect(new Set(otlp.resources().map((r) => r['service.instance.id'])).size).toBe(1)
  })

  it('has a name of its own for each metric', () => {
    const names = Object.values(metrics).map(({ name }) => otelName(name))
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain('millrace.records.read')
  })
})
