/**
 * Servers as separate processes that outlive the command. A pid file says which process it is; since pids are reused, a
 * process counts as the server only while its command line names the server's folder.
 */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Place, Server } from './server.ts'
import { tool } from './tools.ts'

const pidFile = (place: Place): string => join(place.run, 'pid')
const logFile = (place: Place): string => join(place.run, 'log')

/** The pid of the running server; undefined: it is down. */
export async function pidOf(place: Place): Promise<number | undefined> {
  if (!existsSync(pidFile(place))) return undefined
  const pid = Number(readFileSync(pidFile(place), 'utf8'))
  return (await commandLine(pid)).includes(place.run) ? pid : undefined
}

async function commandLine(pid: number): Promise<string> {
  if (!(pid > 1)) return ''
  const file = `/proc/${pid}/cmdline`
  if (existsSync('/proc/self/cmdline')) {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return ''
    }
  }
  return tool('ps', ['-ww', '-o', 'args=', '-p', String(pid)], 'install ps').catch(() => '')
}

/** Memory of a process in MB, where the system reports it. */
export function memoryOf(pid: number): number | undefined {
  try {
    const pages = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return pages ? Math.round(Number(pages[1]) / 1024) : undefined
  } catch {
    return undefined
  }
}

/** Starts the server unless it is running, and waits until it answers. */
export async function up(server: Server, place: Place): Promise<void> {
  if ((await pidOf(place)) === undefined) {
    await server.get(place)
    await server.prepare?.(place)
    mkdirSync(place.run, { recursive: true })
    const log = openSync(logFile(place), 'a')
    const [program, ...args] = server.command(place)
    const child = spawn(program!, args, { detached: true, stdio: ['ignore', log, log], cwd: place.run })
    closeSync(log)
    child.on('error', () => {})
    child.unref()
    writeFileSync(pidFile(place), String(child.pid ?? 0))
  }
  await answering(server, place)
}

async function answering(server: Server, place: Place): Promise<void> {
  const startedMs = performance.now()
  let why = ''
  while (performance.now() - startedMs < 60_000) {
    // Checked before and after: some other program may answer on the port of a server that died.
    if (await isDead(place)) throw new Error(`${server.name} has died:\n${lastLines(place)}`)
    try {
      await within(5000, server.healthy(place))
      if ((await pidOf(place)) !== undefined) return
    } catch (error) {
      why = (error as Error).message
    }
    await sleep(100)
  }
  throw new Error(`${server.name} does not answer after 60 s: ${why}\n${lastLines(place)}`)
}

/** Looked at twice: a process that becomes another program has no command line for a moment. */
async function isDead(place: Place): Promise<boolean> {
  if ((await pidOf(place)) !== undefined) return false
  await sleep(200)
  return (await pidOf(place)) === undefined
}

/** A server that is starting may accept a connection and never answer on it. */
const within = (ms: number, answer: Promise<void>): Promise<void> =>
  Promise.race([
    answer,
    sleep(ms, undefined, { ref: false }).then(() => {
      throw new Error(`no answer within ${ms} ms`)
    }),
  ])

const childrenOf = (pid: number): number[] => {
  const list = `/proc/${pid}/task/${pid}/children`
  return existsSync(list) ? readFileSync(list, 'utf8').split(' ').filter(Boolean).map(Number) : []
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

const lastLines = (place: Place): string =>
  existsSync(logFile(place))
    ? readFileSync(logFile(place), 'utf8').trimEnd().split('\n').slice(-15).join('\n')
    : '(it has no log)'

/**
 * Kills the server and discards its data. True: it was running. Its own processes are killed with it: PostgreSQL's keep
 * the port for as long as they live.
 */
export async function down(place: Place): Promise<boolean> {
  const pid = await pidOf(place)
  if (pid !== undefined) {
    const all = [pid, ...childrenOf(pid)]
    for (const each of all) kill(each)
    // A zombie has no command line.
    while ((await Promise.all(all.map(commandLine))).some((line) => line !== '')) await sleep(20)
  }
  rmSync(place.run, { recursive: true, force: true, maxRetries: 5 })
  return pid !== undefined
}
