/**
 * Real servers for live tests and for people, without Docker:
 * `npm run services -- get|up|down|status|env [kafka mongodb ...]`, all of them if none is named. Everything is on
 * loopback and below `.services/`; the ports follow from the checkout's path, so two checkouts don't collide.
 * `npm run test:live` is `run -- vitest run`: whatever is down is started, the command gets the environment of the live
 * suites, and what was started is stopped again.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from './chromium/program.ts'
import { dynamodb } from './dynamodb/server.ts'
import { kafka } from './kafka/server.ts'
import { kinesis } from './kinesis/server.ts'
import { mongodb } from './mongodb/server.ts'
import { postgres } from './postgres/server.ts'
import { prometheusOf } from './prometheus/server.ts'
import { down, memoryOf, pidOf, up } from './process.ts'
import { redshiftBefore } from './redshift/server.ts'
import { seaweedfs } from './seaweedfs/server.ts'
import type { Place, Server } from './server.ts'

const redshift = redshiftBefore(() => ({
  postgres: postgres.env(placeOf(postgres))['MILLRACE_TEST_POSTGRES_URL']!,
  s3: seaweedfs.env(placeOf(seaweedfs))['MILLRACE_TEST_S3_URL']!,
}))
const servers: readonly Server[] = [kafka, mongodb, postgres, seaweedfs, kinesis, dynamodb, redshift]
/** What tests start themselves, and `get` fetches. */
const fetched: readonly Fetched[] = [prometheusOf('127.0.0.1:0'), chromium]
type Fetched = Pick<Server, 'name' | 'get'>
const checkout = realpathSync(join(import.meta.dirname, '..'))
const home = join(checkout, '.services')

/** Twenty ports starting between 21000 and 32600, below the range that systems assign to clients. */
const firstPort = Number(
  process.env['MILLRACE_SERVICES_PORT'] ??
    21_000 + (createHash('sha256').update(checkout).digest().readUInt32BE() % 580) * 20,
)

function placeOf({ name }: Fetched): Place {
  const at = servers.findIndex((server) => server.name === name)
  const before = servers.slice(0, Math.max(0, at)).reduce((sum, { ports }) => sum + ports, 0)
  return { cache: join(home, 'cache'), run: join(home, 'run', name), port: firstPort + before }
}

type Command = (server: Server, place: Place) => Promise<string>
const took = async (body: Promise<void>): Promise<string> => {
  const startedMs = performance.now()
  await body
  return `${((performance.now() - startedMs) / 1000).toFixed(1)} s`
}
const get = async (server: Fetched): Promise<string> =>
  `${server.name} is there (${await took(server.get(placeOf(server)))})`
const commands: Readonly<Record<string, Command>> = {
  up: async (server, place) => `${server.name} is up on port ${place.port} (${await took(up(server, place))})`,
  down: async (server, place) => `${server.name} ${(await down(place)) ? 'is down' : 'was down'}`,
  async status(server, place) {
    const pid = await pidOf(place)
    if (pid === undefined) return `${server.name} is down`
    const answers = await server.healthy(place).then(
      () => 'answers',
      (error: Error) => `does not answer: ${error.message}`,
    )
    const memory = memoryOf(pid)
    return `${server.name} is up on port ${place.port} and ${answers} (pid ${pid}${memory === undefined ? '' : `, ${memory} MB`})`
  },
  env: async (server, place) =>
    Object.entries(server.env(place))
      .map(([name, value]) => `${name}='${value}'`)
      .join('\n'),
}

/** Runs a program with the servers up; returns its exit code. */
async function runWith(program: readonly string[]): Promise<number> {
  const started: Place[] = []
  const ups = servers.map(async (server) => {
    const place = placeOf(server)
    if ((await pidOf(place)) === undefined) started.push(place)
    await up(server, place)
  })
  try {
    const failed = (await Promise.allSettled(ups)).find((result) => result.status === 'rejected')
    if (failed) throw failed.reason as Error
    const env = Object.assign(
      { ...process.env },
      ...servers.map((server) => server.env(placeOf(server))),
    ) as NodeJS.ProcessEnv
    const child = spawn(program[0]!, program.slice(1), { stdio: 'inherit', env })
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve(code ?? 1))
    })
  } finally {
    for (const place of started) await down(place)
  }
}

const [word = '', ...names] = process.argv.slice(2)
mkdirSync(join(home, 'cache'), { recursive: true })
if (word === 'run' && names[0] === '--' && names.length > 1) process.exit(await runWith(names.slice(1)))
const known: readonly { readonly name: string; run?(): Promise<string> }[] =
  word === 'get'
    ? [...servers, ...fetched].map((each) => ({ name: each.name, run: () => get(each) }))
    : servers.map((each) => {
        const command = commands[word]
        return { name: each.name, ...(command ? { run: () => command(each, placeOf(each)) } : {}) }
      })
const unknown = names.filter((name) => !known.some((server) => server.name === name))
if (!known[0]?.run || unknown.length > 0) {
  const listed = known.map((server) => server.name).join(' ')
  process.stderr.write(
    `usage: npm run services -- ${['get', ...Object.keys(commands)].join('|')} [${listed}]\n       npm run services -- run -- PROGRAM [ARGUMENTS]\n`,
  )
  process.exit(2)
}
const wanted = known.filter((server) => names.length === 0 || names.includes(server.name))
const results = await Promise.allSettled(wanted.map(async (each) => process.stdout.write(`${await each.run!()}\n`)))
for (const [i, result] of results.entries()) {
  if (result.status !== 'rejected') continue
  process.stderr.write(`${(result.reason as Error).message}\n`)
  // The test that needs a fetched one says that it is missing.
  if (!fetched.some(({ name }) => name === wanted[i]!.name) || names.length > 0) process.exitCode = 1
}
