/** The engine inside this process, on the simulated disk. A kill is an error that nothing survives; see life.ts. */
import { type MillraceError, type Plan, run } from '@millrace/core'
import { join } from 'node:path'
import { ForgetfulDisk } from '../../../src/disk.ts'
import type { Case } from '../case.ts'
import type { Random } from '../random.ts'
import { type Engine, Hang, patienceMs } from './engine.ts'
import { Life } from './life.ts'
import { registryOfLife } from './registry.ts'

/** An engine whose spec can be edited between two runs. */
export interface EngineInside extends Engine {
  use(graph: Case, plan: Plan): void
}

/** `random` decides what a power cut leaves of what was not synced. */
export function engineInside(first: Case, firstPlan: Plan, root: string, random: Random): EngineInside {
  const disk = new ForgetfulDisk()
  const home = join(root, '.millrace', 'local')
  let graph = first
  let plan = firstPlan
  const runIn = (life: Life) =>
    run(plan, registryOfLife(life, disk), {
      root,
      home,
      secrets: () => undefined,
      bounds: graph.bounds,
      retry: { attempts: 5, firstMs: 1, maxMs: 5 },
      ...(graph.runs === 'continue' ? { until: Promise.resolve() } : {}),
    })
  return {
    use(otherGraph, otherPlan) {
      graph = otherGraph
      plan = otherPlan
    },
    async start({ death, disturbed, pace }) {
      const life = new Life(graph, { death, outages: disturbed, pace })
      const { passed } = life
      try {
        const summary = await inTime(life.live(() => runIn(life)))
        if (!life.dead) return { died: false, passed, reads: life.reads, summary }
      } catch (error) {
        if (error instanceof Hang) throw error
        if (!life.dead) return { died: false, passed, reads: life.reads, error: error as MillraceError }
      }
      disk.cutPower(() => random.chance(0.3))
      return { died: true, passed }
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

async function inTime<T>(running: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Hang(`the run has not ended after ${patienceMs / 1000} s`)), patienceMs)
  })
  try {
    return await Promise.race([running, late])
  } finally {
    clearTimeout(timer)
  }
}
