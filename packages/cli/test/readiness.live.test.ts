/**
 * A gateway whose store or broker is killed and started again: within 5 s it says that it is not ready and why, it
 * stays alive, it is ready again afterwards, and a request that was sent meanwhile is answered.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, liveUrl } from '@millrace/testkit'
import { Admin } from '@platformatic/kafka'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ownBroker } from '../../../services/kafka/own.ts'
import { mongodb } from '../../../services/mongodb/server.ts'
import { down, pidOf, up } from '../../../services/process.ts'
import { startPipe } from './process.ts'
import { freshFolder } from './terminal.ts'

/** A server for this test alone. */
interface OwnServer {
  readonly sink: string
  /** Reads what the sink has written; absent: nothing does. */
  readonly source?: string
  kill(): Promise<void>
  start(): Promise<void>
}

async function ownMongo(): Promise<OwnServer> {
  const run = mkdtempSync(join(tmpdir(), 'millrace-mongodb-'))
  const place = { cache: join(import.meta.dirname, '../../../.services/cache'), run, port: await freePort() }
  onTestFinished(async () => {
    await down(place)
    rmSync(run, { recursive: true, force: true })
  })
  await up(mongodb, place)
  const url = mongodb.env(place)['MILLRACE_TEST_MONGODB_URL']
  return {
    sink: `{ type: mongodb, config: { url: "${url}", database: ready, collection: numbers } }`,
    async kill() {
      process.kill((await pidOf(place))!, 'SIGKILL')
      while ((await pidOf(place)) !== undefined) await sleep(20)
    },
    start: () => up(mongodb, place),
  }
}

async function ownKafka(): Promise<OwnServer> {
  const broker = await ownBroker()
  onTestFinished(() => broker.close())
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [broker.address], retries: 10 })
  await admin.createTopics({ topics: ['numbers'], partitions: 1, replicas: 1 })
  await admin.close()
  const config = `brokers: ["${broker.address}"], stream: numbers`
  return {
    ...broker,
    sink: `{ type: kafka, config: { ${config} } }`,
    source: `{ type: kafka, config: { ${config} }, schema: { fields: { n: integer } } }`,
  }
}

interface Health {
  readonly status: string
  readonly reasons?: readonly { readonly pipeline: string; readonly node: string; readonly message: string }[]
}

/** The status and body of a page. */
async function get(url: string): Promise<{ readonly code: number; readonly body: Health }> {
  const response = await fetch(url)
  return { code: response.status, body: (await response.json()) as Health }
}

/** How long it takes until a page has this status, ms. */
async function untilCode(url: string, code: number, withinMs: number): Promise<number> {
  const startedMs = performance.now()
  for (;;) {
    const found = await get(url).catch(() => undefined)
    const afterMs = performance.now() - startedMs
    if (found?.code === code) return afterMs
    if (afterMs > withinMs) throw new Error(`${url} is not ${code} after ${withinMs} ms, but ${JSON.stringify(found)}`)
    await sleep(100)
  }
}

const servers = { MONGODB: ownMongo, KAFKA: ownKafka } as const

describe.each(['MONGODB', 'KAFKA'] as const)('a gateway before %s', (name) => {
  it.skipIf(!liveUrl(name)).each(['idle', 'busy'])(
    'says that it is not ready while it is dead: %s',
    {
      timeout: 180_000,
    },
    async (load) => {
      const server = await servers[name]()
      const folder = freshFolder()
      const address = `127.0.0.1:${await freePort()}`
      writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
      writeFileSync(
        join(folder, 'gateway.yaml'),
        `version: 1
name: gateway
source: { type: http, config: { address: "${address}", path: /numbers }, schema: { fields: { n: integer } } }
sinks: { store: ${server.sink} }
`,
      )
      const specs = ['gateway.yaml']
      if (server.source) {
        const tail = `version: 1\nname: tail\nsource: ${server.source}\nsinks: { none: { type: "null" } }\n`
        writeFileSync(join(folder, 'tail.yaml'), tail)
        specs.push('tail.yaml')
      }
      const monitor = `http://127.0.0.1:${await freePort()}`
      const running = startPipe(['run', ...specs, '--json', '--metrics-port', monitor.split(':').at(-1)!], folder)
      const pages = [`${monitor}/health/ready`, `http://${address}/health`]
      await Promise.all(pages.map((page) => untilCode(page, 200, 30_000))).catch((error: Error) => {
        throw new Error(`${error.message}\n${running.out()}${running.err()}`)
      })
      const post = (n: number) => fetch(`http://${address}/numbers`, { method: 'POST', body: `{"n":${n}}`, headers })
      expect((await post(1)).status).toBe(201)

      await server.kill()
      const sent = load === 'busy' ? post(2).then(({ status }) => status, String) : undefined
      const dead = await Promise.all(pages.map((page) => untilCode(page, 503, 10_000)))
      process.stdout.write(`${name}, ${load}: not ready after ${dead.map(Math.round).join(' and ')} ms\n`)
      expect(Math.max(...dead)).toBeLessThan(5000)
      for (const page of pages) {
        const { body } = await get(page)
        expect(body.reasons).toContainEqual(expect.objectContaining({ pipeline: 'gateway', node: 'store' }))
      }
      const tailFails = expect.objectContaining({ pipeline: 'tail', node: 'source' })
      if (server.source) expect((await get(pages[0]!)).body.reasons).toContainEqual(tailFails)
      for (const live of [`${monitor}/health/live`, `http://${address}/health/live`])
        expect((await get(live)).code).toBe(200)

      await server.start()
      const back = await Promise.all(pages.map((page) => untilCode(page, 200, 60_000))).catch((error: Error) => {
        throw new Error(`${error.message}\n${running.out()}${running.err()}`)
      })
      process.stdout.write(`${name}, ${load}: ready ${back.map(Math.round).join(' and ')} ms after it answered\n`)
      if (sent) expect(await sent).toBe(201)
      expect((await post(3)).status).toBe(201)
    },
  )
})

const headers = { 'content-type': 'application/json' }
