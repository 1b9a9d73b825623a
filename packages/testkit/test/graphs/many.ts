/** Runs many cases in child processes. A child that hangs or crashes fails its case only. */
import { fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleCommand } from './run/command.ts'
import { makeFolder } from './folder.ts'
import type { CaseRequest, CaseReport } from './case-report.ts'

export interface Many extends Omit<CaseRequest, 'number'> {
  readonly from: number
  readonly to: number
  readonly workers: number
}

/** Cases per child, which bounds its memory. */
const casesPerChild = 1000
/** A case takes about 0.1 s. */
const timeoutMs = 300_000

export async function runCases({ from, to, workers, ...how }: Many): Promise<CaseReport[]> {
  const reports: CaseReport[] = []
  let next = from
  const work = async () => {
    while (next < to) await runWorker(how, () => (next < to ? next++ : undefined), reports)
  }
  await Promise.all(Array.from({ length: workers }, work))
  return reports.sort((a, b) => a.number - b.number)
}

/** Runs cases by the real command, killed by SIGKILL. */
export async function killCases(many: Many): Promise<CaseReport[]> {
  const folder = makeFolder()
  try {
    return await runCases({ ...many, pipe: await bundleCommand(folder) })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Starts a child and gives it cases until it has run its share or has exited. */
function runWorker(
  how: Omit<CaseRequest, 'number'>,
  take: () => number | undefined,
  reports: CaseReport[],
): Promise<void> {
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
    let left = casesPerChild
    let timer: NodeJS.Timeout | undefined
    const next = () => {
      clearTimeout(timer)
      number = left-- > 0 ? take() : undefined
      if (number === undefined) return child.disconnect()
      timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      child.send({ ...how, number } satisfies CaseRequest)
    }
    child.on('message', (report: CaseReport) => {
      reports.push(report)
      // What hangs would continue alongside the next case.
      if (report.faults.some(({ kind }) => kind === 'hang')) left = 0
      next()
    })
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      if (number !== undefined) reports.push(exited(number, `the process ended with ${code ?? signal}: ${errors}`))
      resolve()
    })
    next()
  })
}

const exited = (number: number, text: string): CaseReport => ({
  number,
  refused: [],
  isCommand: false,
  features: [],
  killed: [],
  stopped: false,
  faults: [{ how: 'crashed', kind: 'hang', at: '', text }],
})
