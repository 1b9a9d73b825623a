/** Runs a case in this process: the real engine and connectors, with file sinks on the simulated disk. */
import { type MillraceError, type Plan, type Registry, replay, run } from '@millrace/core'
import { join } from 'node:path'
import { ForgetfulDisk } from '../../../src/disk.ts'
import type { Case } from '../case.ts'
import type { Random } from '../random.ts'
import { type ProcessOptions, SimulatedProcess } from './process.ts'
import { registryFor } from './registry.ts'
import { Hang, type LetterRunner, type RunEnd, timeoutMs } from './runner.ts'

/** `random` decides which unsynced bytes survive a kill. */
export function inProcess(firstGraph: Case, firstPlan: Plan, root: string, random: Random): LetterRunner {
  const disk = new ForgetfulDisk()
  const home = join(root, '.millrace', 'local')
  let graph = firstGraph
  let plan = firstPlan
  const workspace = () => ({ root, home, secrets: () => undefined, bounds: graph.bounds })
  const until = () => (graph.runs === 'continue' ? { until: Promise.resolve() } : {})
  /** Runs in a new process; there is a result only if it was not killed. */
  const inNew = async <T>(
    options: ProcessOptions,
    body: (registry: Registry) => Promise<T>,
  ): Promise<RunEnd & { readonly result?: T }> => {
    const simulated = new SimulatedProcess(graph, options)
    const { passed } = simulated
    const alive = () => ({ killed: false, passed, reads: simulated.reads })
    try {
      const result = await withTimeout(simulated.run(() => body(registryFor(simulated, disk))))
      if (!simulated.killed) return { ...alive(), result }
    } catch (error) {
      if (error instanceof Hang) throw error
      if (!simulated.killed) return { ...alive(), error: error as MillraceError }
    }
    disk.cutPower(() => random.chance(0.3))
    return { killed: true, passed }
  }
  return {
    use(nextGraph, nextPlan) {
      graph = nextGraph
      plan = nextPlan
    },
    async start(options) {
      const { result, ...end } = await inNew(options, (registry) => run(plan, registry, { ...workspace(), ...until() }))
      return { ...end, ...(result ? { summary: result } : {}) }
    },
    async replay(letters, options) {
      const { result, ...end } = await inNew(options, (registry) => replay(plan, registry, letters, workspace()))
      return { ...end, ...(result ? { replayed: result } : {}) }
    },
    async runLetters(letters) {
      const quietly = { outage: false, shift: 0 }
      const { result, ...end } = await inNew(quietly, (registry) => run(plan, registry, { ...workspace(), letters }))
      return { ...end, ...(result ? { summary: result, outcomes: result.replay } : {}) }
    },
    reader: {
      files: (folder) => disk.files().filter((path) => path.startsWith(folder)),
      read: (path) => disk.read(path)!,
    },
    async remove(path) {
      await disk.remove(path)
      await disk.syncFolder(path.slice(0, path.lastIndexOf('/')))
    },
  }
}

async function withTimeout<T>(running: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Hang(`the run has not ended after ${timeoutMs / 1000} s`)), timeoutMs)
  })
  try {
    return await Promise.race([running, timedOut])
  } finally {
    clearTimeout(timer)
  }
}
