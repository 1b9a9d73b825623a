/**
 * The HTTP gateway in front of the embedded log, killed between accept and answer, while clients post and repeat by key
 * what was not answered. This process, which is never killed, keeps every 201; downstream of the stream, a store by
 * record id must hold exactly these records.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../src/port.ts'
import { type Death, type Restartable, startOnce } from '../../src/until-done.ts'
import { pipeFromSource } from './jobs.ts'
import { documents } from './oracle.ts'

const clients = 32
/** How many of the answered requests are sent once more. */
const repeatedShare = 0.05

/** What happened between a gateway's starts and its end. */
export interface GatewayTold {
  readonly kills: number
  /** Records that were answered 201, each once. */
  readonly acknowledged: number
  /** Requests that got no answer, or 503, and were sent again. */
  readonly resent: number
  /** Answered requests that were sent once more, and got the same answer. */
  readonly repeated: number
  /** Records of the stream, repeated ones counted as often as they occur. */
  readonly inStream: number
}

/**
 * Runs the gateway until it was killed `kills` times, lets it end, and writes its stream to a store. The error it
 * throws says what was lost, duplicated or answered wrongly.
 */
export async function killGateway(
  kills: number,
  death: (start: number) => Exclude<Death, 'lives'>,
  folder: string,
): Promise<GatewayTold> {
  const address = `127.0.0.1:${await freePort()}`
  makeProject(folder, address)
  const program = (spec: string): Restartable => ({
    command: process.execPath,
    args: [...pipeFromSource, 'run', spec, '--json'],
    cwd: folder,
    env: { NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled') },
  })
  const traffic = startTraffic(address)
  let died = 0
  for (let start = 0; died < kills; start++) {
    if (start > 4 * kills) throw new Error(`only ${died} of ${start} starts were killed`)
    if (await killOnce(program('gateway.yaml'), death(start), address)) died++
  }
  const last = gatewayProcess(program('gateway.yaml'))
  const told = await traffic.end()
  last.child.kill('SIGTERM')
  if ((await last.ended) !== 0) throw new Error(`the last gateway failed: ${last.errors()}`)
  await startOnce(program('store.yaml'), 'lives')
  verify(folder, told.acknowledged)
  return { ...told, kills: died, acknowledged: told.acknowledged.size, inStream: streamLength(folder) }
}

export function gatewayProcess({ command, args, cwd, env }: Restartable, more: Readonly<Record<string, string>> = {}) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env, ...more },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = once(child, 'close').then(([code, signal]) => (signal ?? code) as string | number)
  return { child, ended, errors: () => errors }
}

/** One start that is to die, by itself at a point, or some time after it is up. Returns whether it did. */
async function killOnce(program: Restartable, death: Exclude<Death, 'lives'>, address: string): Promise<boolean> {
  const atPoint = 'point' in death
  const { child, ended, errors } = gatewayProcess(
    program,
    atPoint ? { MILLRACE_CRASH_AT: `${death.point}:${death.time}` } : {},
  )
  const stop = new AbortController()
  const killer = (async () => {
    while (!stop.signal.aborted && !(await isUp(address))) await sleep(10)
    await sleep(atPoint ? 5000 : death.afterMs, undefined, { signal: stop.signal })
    child.kill(atPoint ? 'SIGTERM' : 'SIGKILL')
  })().catch(() => {})
  const end = await ended
  stop.abort()
  await killer
  if (end !== 'SIGKILL' && end !== 0) throw new Error(`the gateway failed after a restart: ${errors()}`)
  return end === 'SIGKILL'
}

const isUp = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    request(`http://${address}/health`, (response) => resolve((response.resume(), response.statusCode === 200)))
      .on('error', () => resolve(false))
      .end()
  })

/**
 * Clients that post numbers until asked to end, and then until each has its answer. Some bodies have several records.
 */
export function startTraffic(address: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const acknowledged = new Set<number>()
  let [next, resent, repeated, ending] = [0, 0, 0, false]
  let failure: Error | undefined
  const answered = async (key: string, body: string): Promise<unknown> => {
    for (;;) {
      const reply = await post(agent, address, key, body).catch(() => undefined)
      if (reply?.status === 201) return reply.body
      if (reply && reply.status !== 503)
        throw new Error(`${key} was answered ${reply.status}: ${JSON.stringify(reply.body)}`)
      resent++
      await sleep(20)
    }
  }
  const client = async () => {
    while (!ending && !failure) {
      const count = next % 7 === 0 ? 5 : 1
      const numbers = Array.from({ length: count }, () => next++)
      const rows = numbers.map((n) => ({ n, text: `number ${n}` }))
      const [key, body] = [`k${numbers[0]}`, JSON.stringify(count === 1 ? rows[0] : rows)]
      const dated = rows.map((row) => ({ ...row, twice: 2 * row.n }))
      const expected = JSON.stringify(count === 1 ? dated[0] : dated)
      for (let time = 0; time === 0 || (time === 1 && Math.random() < repeatedShare); time++) {
        const got = JSON.stringify(await answered(key, body))
        if (got !== expected) throw new Error(`${key} was answered ${got} instead of ${expected}`)
        for (const n of numbers) acknowledged.add(n)
        if (time === 1) repeated++
      }
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client)).catch((error: Error) => {
    failure = error
  })
  return {
    async end() {
      ending = true
      await all
      agent.destroy()
      if (failure) throw failure
      if (acknowledged.size !== next)
        throw new Error(`${next} records were sent and ${acknowledged.size} were answered`)
      return { acknowledged, resent, repeated }
    },
  }
}

function post(
  agent: Agent,
  address: string,
  key: string,
  body: string,
): Promise<{ readonly status: number; readonly body: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `http://${address}/numbers`,
      {
        agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': key,
          'content-length': Buffer.byteLength(body),
        },
      },
      (response) => {
        let text = ''
        response
          .setEncoding('utf8')
          .on('data', (part: string) => (text += part))
          .on('error', reject)
          .on('end', () => {
            try {
              resolve({ status: response.statusCode!, body: JSON.parse(text) })
            } catch (error) {
              reject(error as Error)
            }
          })
      },
    )
    sent.on('error', reject).end(body)
  })
}

/** The error it throws says what the store lost, has twice, or was never answered. */
export function verify(folder: string, acknowledged: ReadonlySet<number>): void {
  const stored = documents(join(folder, 'out/store.db'), 'numbers').map(({ doc }) => Number(doc['n']))
  const distinct = new Set(stored)
  const lost = [...acknowledged].filter((n) => !distinct.has(n))
  const unknown = [...distinct].filter((n) => !acknowledged.has(n))
  const doubled = stored.length - distinct.size
  if (lost.length || doubled || unknown.length) {
    throw new Error(
      `of ${acknowledged.size} answered records ${lost.length} are lost (${lost.slice(0, 5).join(', ')}), ${doubled} doubled, ${unknown.length} unknown`,
    )
  }
}

function streamLength(folder: string): number {
  const db = new DatabaseSync(join(folder, '.millrace/local/log/numbers.db'), { readOnly: true })
  try {
    return Number(db.prepare('SELECT sum(value) AS n FROM next').get()!['n'])
  } finally {
    db.close()
  }
}

function makeProject(folder: string, address: string): void {
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
  stream: { type: log, config: { stream: numbers, key: n } }
`,
  )
  writeFileSync(
    join(folder, 'store.yaml'),
    `version: 1
name: store
delivery: effectively_once
source:
  type: log
  config: { stream: numbers, stop: end }
  ${schema}
sinks:
  documents: { type: sqlite, config: { path: out/store.db, collection: numbers } }
`,
  )
}
