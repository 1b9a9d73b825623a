/**
 * The HTTP gateway in front of the embedded log, and what it is compared with: requests of the same load go to each, in
 * separate processes.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../packages/testkit/src/port.ts'
import { measure } from '../measure.ts'

/** Requests of one load. */
export interface Load {
  readonly lines: string
  readonly records: number
  /** Records per request. */
  readonly body: number
  readonly connections: number
}

export interface Server {
  readonly args: readonly string[]
  readonly cwd?: string
  readonly port: number
}

/** Starts the server, sends it the load, stops it. Returns the seconds from the first request to the last response. */
export async function underLoad(server: Server, program: string, load: Load): Promise<number> {
  const env = { ...process.env, BENCH_PORT: String(server.port) }
  const child = spawn(process.execPath, server.args, { cwd: server.cwd, env, stdio: 'ignore' })
  const ended = once(child, 'close')
  try {
    while (!(await answers(server.port))) {
      if (child.exitCode !== null) throw new Error(`${server.args.join(' ')} ended with ${child.exitCode}`)
      await sleep(20)
    }
    const { output } = await measure({
      args: [program],
      env: {
        BENCH_PORT: String(server.port),
        BENCH_LINES: load.lines,
        BENCH_RECORDS: String(load.records),
        BENCH_BODY: String(load.body),
        BENCH_CONNECTIONS: String(load.connections),
      },
    })
    return (JSON.parse(output) as { wall: number }).wall
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/health`).then(
    () => true,
    () => false,
  )

/** A project with a gateway, and how to run it. */
export async function gateway(pipe: string, folder: string, fields: string): Promise<Server> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(
    join(folder, 'gateway.yaml'),
    `version: 1
name: gateway
source:
  type: http
  config: { address: "127.0.0.1:${port}", path: /records }
  schema: { fields: ${fields} }
  answer: source
sinks:
  stream: { type: log, config: { stream: records, key: InvoiceNo } }
`,
  )
  return { args: [pipe, 'run', 'gateway.yaml', '--json'], cwd: folder, port }
}
