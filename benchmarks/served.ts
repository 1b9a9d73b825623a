/**
 * `npm run bench:serve -- [--pipelines 24] [--seconds 30]`: memory and CPU of a served project whose pipelines all stay
 * up and have nothing to do. Linux only: memory is the proportional set size, so what the processes share counts once.
 * Exit code 1: more than 1.2 GB, or more than 1 % of a core.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { pipelines: { type: 'string', default: '24' }, seconds: { type: 'string', default: '30' } },
})
const pipelines = Number(values.pipelines)
const seconds = Number(values.seconds)
const mostBytes = 1.2e9
const mostCpu = 0.01
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

const folder = mkdtempSync(join(tmpdir(), 'millrace-served-'))
mkdirSync(join(folder, 'pipelines'))
writeFileSync(join(folder, 'millrace.yaml'), 'name: idle\n')
for (let i = 0; i < pipelines; i++)
  writeFileSync(
    join(folder, `pipelines/tail-${i}.yaml`),
    `version: 1\nname: tail-${i}\nsource: { type: log, config: { stream: events-${i} }, schema: { fields: { id: integer } } }\nsinks: { out: { type: sqlite, config: { collection: seen-${i}, key: id } } }\n`,
  )
const pipe = resolve(import.meta.dirname, '../packages/cli/bin/pipe.mjs')
const served = spawn(process.execPath, [pipe, 'serve', '--port', 'off'], {
  cwd: folder,
  stdio: ['ignore', 'pipe', 'inherit'],
})
let log = ''
served.stdout.on('data', (text) => (log += String(text)))
try {
  while (log.split('"code":"started"').length - 1 < pipelines) await sleep(200)
  // Collections of the start-up garbage, and what is loaded late.
  await sleep(15_000)
  const pids = [served.pid!, ...childrenOf(served.pid!)]
  const before = pids.map(cpuOf)
  await sleep(seconds * 1000)
  const cpu = pids.map((pid, i) => (cpuOf(pid) - before[i]!) / seconds)
  const bytes = pids.map(memoryOf)
  const [sum, total] = [bytes, cpu].map((all) => all.reduce((a, b) => a + b, 0)) as [number, number]
  const mb = (n: number) => `${Math.round(n / 1e6)} MB`
  console.log(`${pipelines} pipelines in ${pids.length} processes, idle for ${seconds} s`)
  console.log(`memory: ${mb(sum)}; serve ${mb(bytes[0]!)}, a pipeline ${mb((sum - bytes[0]!) / pipelines)}`)
  console.log(`CPU: ${(total * 100).toFixed(2)} % of a core; serve ${(cpu[0]! * 100).toFixed(2)} %`)
  process.exitCode = sum > mostBytes || total > mostCpu ? 1 : 0
} finally {
  served.kill('SIGTERM')
  await once(served, 'close')
  rmSync(folder, { recursive: true, force: true })
}

function childrenOf(pid: number): number[] {
  return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number)
}

function memoryOf(pid: number): number {
  const [, kilobytes] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))!
  return Number(kilobytes) * 1024
}

/** Seconds of user and system time so far. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
