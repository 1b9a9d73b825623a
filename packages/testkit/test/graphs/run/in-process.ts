/** Runs a case in this process: the real engine and connectors, with file sinks on the simulated disk. */
import { type MillraceError, type Plan, run } from '@millrace/core'
import { join } from 'node:path'
import { ForgetfulDisk } from '../../../src/disk.ts'
import type { Case } from '../case.ts'
import type { Random } from '../random.ts'
import { SimulatedProcess } from './process.ts'
import { registryFor } from './registry.ts'
import { Hang, type Runner, timeoutMs } from './runner.ts'

export interface InProcessRunner extends Runner {
  /** Uses another spec from the next start on. */
  use(graph: Case, plan: Plan): void
}

/** `random` decides which unsynced bytes survive a kill. */
export function inProcess(firstGraph: Case, firstPlan: Plan, root: string, random: Random): InProcessRunner {
  const disk = new ForgetfulDisk()
  const home = join(root, '.millrace', 'local')
  let graph = firstGraph
  let plan = firstPlan
  const runIn = (simulated: SimulatedProcess) =>
    run(plan, registryFor(simulated, disk), {
      root,
      home,
      secrets: () => undefined,
      bounds: graph.bounds,
      ...(graph.runs === 'continue' ? { until: Promise.resolve() } : {}),
    })
  return {
    use(nextGraph, nextPlan) {
      graph = nextGraph
      plan = nextPlan
    },
    async start(options) {
      const simulated = new SimulatedProcess(graph, options)
      const { passed } = simulated
      try {
        const summary = await withTimeout(simulated.run(() => runIn(simulated)))
        if (!simulated.killed) return { killed: false, passed, reads: simulated.reads, summary }
      } catch (error) {
        if (error instanceof Hang) throw error
        if (!simulated.killed) return { killed: false, passed, reads: simulated.reads, error: error as MillraceError }
      }
      disk.cutPower(() => random.chance(0.3))
      return { killed: true, passed }
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
