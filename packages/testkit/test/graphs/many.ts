/** Plays many cases in child processes. One that hangs or falls over costs its case, not the run. */
import { fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleCommand } from './play/command.ts'
import { makeFolder } from './folder.ts'
import type { Ask, Told } from './tell.ts'

export interface Many extends Omit<Ask, 'number'> {
  readonly from: number
  readonly to: number
  readonly workers: number
}

/** Memory grows by what is loaded and never let go: a worker plays so many cases. */
const casesOfOne = 1000
/** A case takes a tenth of a second. */
const patienceMs = 120_000

export async function runCases({ from, to, workers, ...ask }: Many): Promise<Told[]> {
  const told: Told[] = []
  let next = from
  const work = async () => {
    while (next < to) await oneWorker(ask, () => (next < to ? next++ : undefined), told)
  }
  await Promise.all(Array.from({ length: workers }, work))
  return told.sort((a, b) => a.number - b.number)
}

/** The same by the real command, each killed for real. */
export async function killCases(many: Many): Promise<Told[]> {
  const folder = makeFolder()
  try {
    return await runCases({ ...many, pipe: await bundleCommand(folder) })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One child process until it has played its share, or has died. */
function oneWorker(asked: Omit<Ask, 'number'>, take: () => number | undefined, told: Told[]): Promise<void> {
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
    execArgv: ['--conditions=@millrace/source', '--no-warnings'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', VITEST: '' },
  })
  let errors = ''
  child.stderr!.on('data', (text) => {
    errors = (errors + String(text)).slice(-2000)
  })
  return new Promise((resolve) => {
    let number: number | undefined
    let left = casesOfOne
    let timer: NodeJS.Timeout | undefined
    const ask = () => {
      clearTimeout(timer)
      number = left-- > 0 ? take() : undefined
      if (number === undefined) return child.disconnect()
      timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      child.send({ ...asked, number } satisfies Ask)
    }
    child.on('message', (result: Told) => {
      told.push(result)
      ask()
    })
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      if (number !== undefined) told.push(fallen(number, `the process ended with ${code ?? signal}: ${errors}`))
      resolve()
    })
    ask()
  })
}

const fallen = (number: number, text: string): Told => ({
  number,
  refused: [],
  features: [],
  died: [],
  passed: {},
  stopped: false,
  faults: [{ how: 'crashed', wrong: 'hang', at: '', text }],
})
