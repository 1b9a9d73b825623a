/** What is saved of a pipeline, and what its pipelines connect to. */
import { statSync } from 'node:fs'
import type { ConnectionFinding, ConnectionLine, SavedState, State } from '@millrace/console/wire'
import { hide, instanceFolders, type Plan, readStore, stateFile } from '@millrace/core'
import { connectionsOf, diagnose } from '../doctor.ts'
import type { Opening } from './opening.ts'
import type { ConsoleProject } from './project.ts'
import type { Route } from './server.ts'

const mostPositions = 200
/** Beyond it a connection has not answered. */
const doctorMs = 10_000

/** The routes, by path. */
export function stateRoutes(
  { stateDir, reading }: Pick<ConsoleProject, 'stateDir' | 'reading'>,
  { of, opened }: Opening,
): Readonly<Record<string, Route>> {
  const allOpened = (signal: AbortSignal) => Promise.all(reading().accepted.map((accepted) => opened(accepted, signal)))
  return {
    '/api/pipelines/*/state': {
      answer: of(({ plan }): State => {
        const folders = instanceFolders(stateDir, plan.name)
        const instances = folders.flatMap(({ folder, i, n }) => savedIn(folder, { i, n }) ?? [])
        return { instances, rescale: rescaleHint(plan, instances) }
      }),
    },
    '/api/connections': {
      answer: async ({ signal }): Promise<{ readonly connections: readonly ConnectionLine[] }> => ({
        connections: connectionsOf(await allOpened(signal)).map(shown),
      }),
    },
    // It connects, as a run would, and changes nothing.
    '/api/connections/doctor': {
      answer: async ({ signal }): Promise<{ readonly connections: readonly ConnectionFinding[] }> => ({
        connections: (await diagnose(await allOpened(signal), { timeoutMs: doctorMs, signal })).map(shown),
      }),
    },
  }
}

/** Addresses may have passwords in them. */
const shown = <T extends ConnectionLine>(line: T): T => ({ ...line, config: hide(line.config) })

function savedIn(folder: string, instance: SavedState['instance']): SavedState | undefined {
  const store = readStore(folder)
  const run = store?.run()
  try {
    if (!store || !run) return undefined
    const { positions, steps } = store.overview()
    const files = [stateFile(folder), `${stateFile(folder)}-wal`].flatMap(
      (path) => statSync(path, { throwIfNoEntry: false }) ?? [],
    )
    return {
      instance,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      savedMs: run.epoch === 0 ? null : Math.max(...files.map(({ mtimeMs }) => mtimeMs)),
      heldBy: store.holder() ?? null,
      incarnation: run.incarnation,
      epoch: run.epoch,
      ended: run.ended,
      positions: positions.slice(0, mostPositions).map(({ source, split, position, ended }) => {
        return { source, split, position: JSON.stringify(position ?? null), ended }
      }),
      otherPositions: Math.max(0, positions.length - mostPositions),
      steps,
      stages: store.stages().length,
      commitActions: store.commitActions().length,
      unfinished: store.resumes().flatMap(({ sink, unfinished }) => (unfinished ? [sink] : [])),
    }
  } finally {
    store?.close()
  }
}

/** Whether more copies could share the work, and how. */
function rescaleHint({ name, sources }: Plan, instances: readonly SavedState[]): string {
  const alone = sources.find(({ side, capabilities }) => !side && !capabilities.shares)
  if (alone) return `One copy reads all: the splits of ${alone.id} cannot be shared by several.`
  const splits = new Set(
    instances.flatMap(({ positions }) => positions.map(({ source, split }) => `${source} ${split}`)),
  )
  const n = instances.length
  if (splits.size <= 1) return 'There is one split, so a second copy would have nothing to read.'
  if (n >= splits.size) return `Each of ${n} copies has a split or none: more would have nothing to read.`
  return `Up to ${splits.size} copies can share its splits. Stop it, then: pipe state rescale ${name} --to ${Math.min(splits.size, 2 * Math.max(1, n))}`
}
