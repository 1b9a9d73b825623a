/**
 * A gateway that posts what it takes to another gateway, several records a request; from there into the embedded log,
 * and on to MongoDB. Each of the three processes is killed on its own, while clients post by key. This process keeps
 * every 201.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { freePort } from '../../src/port.ts'
import { gatewayProcess, startTraffic } from './gateway-job.ts'
import { pipeFromSource } from './jobs.ts'

const specs = ['front', 'back', 'store'] as const

/** What happened. */
export interface RelayTold {
  readonly kills: Readonly<Record<(typeof specs)[number], number>>
  /** Records that were answered 201, each once in the store. */
  readonly acknowledged: number
  readonly resent: number
}

/** How requests between the gateways are cut. */
export type RelayBody = 'array' | 'json_lines'

/**
 * Kills each process `kills / 3` times, `livesMs` after its start at most, and lets all end. The error it throws says
 * what was lost or doubled.
 */
export async function killRelay(
  kills: number,
  livesMs: number,
  body: RelayBody,
  mongodb: string,
  folder: string,
): Promise<RelayTold> {
  const [front, back] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  const client = new MongoClient(mongodb)
  const database = `relay-${process.pid}-${Date.now()}`
  const numbers = client.db(database).collection<{ _id: string; n: number }>('numbers')
  makeProject(folder, { front, back, body, mongodb, database })
  const start = (spec: string) =>
    gatewayProcess({
      command: process.execPath,
      args: [...pipeFromSource, 'run', `${spec}.yaml`, '--json'],
      cwd: folder,
      env: { NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled') },
    })
  const killed = { front: 0, back: 0, store: 0 }
  const mayEnd = Promise.withResolvers<void>()
  /** Starts it again and again, and once more until all may end. */
  const supervise = async (spec: (typeof specs)[number]) => {
    while (killed[spec] < kills / specs.length) {
      const { child, ended, errors } = start(spec)
      const timer = setTimeout(() => child.kill('SIGKILL'), 300 + livesMs * Math.random())
      const end = await ended
      clearTimeout(timer)
      if (end !== 'SIGKILL') throw new Error(`${spec} ended with ${end}: ${errors()}`)
      killed[spec]++
    }
    const { child, ended, errors } = start(spec)
    await mayEnd.promise
    child.kill('SIGTERM')
    if ((await ended) !== 0) throw new Error(`${spec} failed: ${errors()}`)
  }
  try {
    const traffic = startTraffic(front)
    const supervised = specs.map(supervise)
    const all = Promise.all(supervised)
    // The traffic ends when each has been killed so often.
    while (specs.some((spec) => killed[spec] < kills / specs.length)) await Promise.race([all, sleep(100)])
    const { acknowledged, resent } = await Promise.race([traffic.end(), all.then(() => traffic.end())])
    for (let before = -1, stored = 0, quiet = 0; stored < acknowledged.size && quiet < 100; before = stored) {
      await Promise.race([all, sleep(200)])
      stored = await numbers.countDocuments()
      quiet = stored === before ? quiet + 1 : 0
    }
    mayEnd.resolve()
    await all
    const seen = new Map<number, number>()
    for await (const { n } of numbers.find()) seen.set(n, (seen.get(n) ?? 0) + 1)
    const lost = [...acknowledged].filter((n) => !seen.has(n)).length
    const doubled = [...seen.values()].filter((times) => times > 1).length
    const unknown = [...seen.keys()].filter((n) => !acknowledged.has(n)).length
    if (lost || doubled || unknown)
      throw new Error(`${lost} lost, ${doubled} doubled, ${unknown} unknown of ${acknowledged.size}`)
    return { kills: killed, acknowledged: acknowledged.size, resent }
  } finally {
    mayEnd.resolve()
    await client.db(database).dropDatabase()
    await client.close()
  }
}

function makeProject(
  folder: string,
  o: Readonly<Record<'front' | 'back' | 'body' | 'mongodb' | 'database', string>>,
): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  const schema = 'schema: { fields: { n: integer, text: string, twice: integer? } }'
  const specOf = (name: string, source: string, sink: string, more = '') =>
    writeFileSync(
      join(folder, `${name}.yaml`),
      `version: 1
name: ${name}
source:
  type: ${source}
  ${schema}
${more}sinks:
  out: { type: ${sink} }
`,
    )
  specOf(
    'front',
    `http\n  config: { address: "${o.front}", path: /numbers }\n  answer: doubled`,
    `http, config: { url: "http://${o.back}/numbers", body: ${o.body}, batch: 50 }`,
    'steps:\n  - id: doubled\n    set: { twice: "n * 2" }\n',
  )
  specOf('back', `http\n  config: { address: "${o.back}", path: /numbers }`, 'log, config: { stream: numbers, key: n }')
  specOf(
    'store',
    'log\n  config: { stream: numbers }',
    `mongodb, config: { url: "${o.mongodb}", database: ${o.database}, collection: numbers }`,
    'delivery: effectively_once\n',
  )
}
