/**
 * A gateway in front of a Kafka broker that dies while clients post, and is back after a while. What was answered 201
 * must be in the stream, and a store by record id after it holds each record once.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownBroker } from '../../../../services/kafka/own.ts'
import { freePort } from '../../src/port.ts'
import { startOnce } from '../../src/until-done.ts'
import { gatewayProcess, startTraffic, verify } from './gateway-job.ts'
import { pipeFromSource } from './jobs.ts'

/** What happened. */
export interface OutageTold {
  /** Records that were answered 201. */
  readonly acknowledged: number
  readonly resent: number
  /** Records of the stream, repeated ones counted as often as they occur. */
  readonly inStream: number
  /** How long after the death of the broker the gateway said that it was not ready, and was ready after its return. */
  readonly unreadyAfterMs: number
  readonly readyAfterMs: number
  /** Whether it ever said that it was ready in between. */
  readonly readyMeanwhile: number
  /** The most memory of the gateway. */
  readonly peakBytes: number
}

/** Lets the broker be away for `awayMs`. */
export async function outage(awayMs: number, folder: string): Promise<OutageTold> {
  const address = `127.0.0.1:${await freePort()}`
  const broker = await ownBroker()
  try {
    makeProject(folder, address, broker.address)
    const program = (spec: string) => ({
      command: process.execPath,
      args: [...pipeFromSource, 'run', spec, '--json'],
      cwd: folder,
      env: { NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled') },
    })
    const gateway = gatewayProcess(program('gateway.yaml'))
    let peakBytes = 0
    const peak = setInterval(() => (peakBytes = Math.max(peakBytes, residentBytes(gateway.child.pid!))), 200)
    try {
      await until(address, true)
      const traffic = startTraffic(address)
      await sleep(2000)
      await broker.kill()
      const diedMs = performance.now()
      await until(address, false)
      const unreadyAfterMs = performance.now() - diedMs
      let readyMeanwhile = 0
      while (performance.now() - diedMs < awayMs) {
        if (await isReady(address)) readyMeanwhile++
        await sleep(500)
      }
      await broker.start()
      const backMs = performance.now()
      await until(address, true)
      const readyAfterMs = performance.now() - backMs
      await sleep(2000)
      const { acknowledged, resent } = await traffic.end()
      gateway.child.kill('SIGTERM')
      if ((await gateway.ended) !== 0) throw new Error(`the gateway failed: ${gateway.errors()}`)
      await startOnce(program('store.yaml'), 'lives')
      verify(folder, acknowledged)
      const inStream = readFileSync(join(folder, 'out/all.jsonl'), 'utf8').trimEnd().split('\n').length
      const times = { unreadyAfterMs, readyAfterMs, readyMeanwhile }
      return { acknowledged: acknowledged.size, resent, inStream, ...times, peakBytes }
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${gateway.errors()}`, { cause: error })
    } finally {
      clearInterval(peak)
      gateway.child.kill('SIGKILL')
      await gateway.ended
    }
  } finally {
    await broker.close()
  }
}

const isReady = (address: string): Promise<boolean> =>
  fetch(`http://${address}/health/ready`).then(
    (response) => response.ok,
    () => false,
  )

async function until(address: string, ready: boolean): Promise<void> {
  for (const startedMs = performance.now(); performance.now() - startedMs < 120_000; await sleep(50))
    if ((await isReady(address)) === ready) return
  throw new Error(`the gateway was never ${ready ? 'ready' : 'unready'}`)
}

function residentBytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

function makeProject(folder: string, address: string, broker: string): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  const schema = 'schema: { fields: { n: integer, text: string, twice: integer? } }'
  writeFileSync(
    join(folder, 'gateway.yaml'),
    `version: 1
name: gateway
source:
  type: http
  config: { address: "${address}", path: /numbers }
  ${schema}
  answer: doubled
steps:
  - id: doubled
    set: { twice: "n * 2" }
sinks:
  stream: { type: kafka, config: { stream: numbers, brokers: ["${broker}"], key: n, create: { partitions: 3 } } }
`,
  )
  writeFileSync(
    join(folder, 'store.yaml'),
    `version: 1
name: store
source:
  type: kafka
  config: { stream: numbers, brokers: ["${broker}"], stop: end }
  ${schema}
sinks:
  documents: { type: sqlite, config: { path: out/store.db, collection: numbers } }
  all: { type: files, config: { path: out/all.jsonl } }
`,
  )
}
