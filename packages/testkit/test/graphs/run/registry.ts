/** The real connectors and steps, wrapped for a simulated process. */
import {
  type Definition,
  registryOf,
  type Registered,
  type Registry,
  type SinkDefinition,
  type SourceDefinition,
} from '@millrace/core'
import type { Disk } from '@millrace/client-files'
import filesSinks, { createFilesSink } from '@millrace/sink-files'
import logSinks from '@millrace/sink-log'
import sqliteSinks from '@millrace/sink-sqlite'
import csvSources from '@millrace/source-csv'
import filesSources from '@millrace/source-files'
import logSources from '@millrace/source-log'
import steps from '@millrace/transforms'
import type { ForgetfulDisk } from '../../../src/disk.ts'
import type { SimulatedProcess } from './process.ts'

const definitions: readonly Definition[] = [
  ...filesSinks,
  ...logSinks,
  ...sqliteSinks,
  ...csvSources,
  ...filesSources,
  ...logSources,
  ...steps,
]

/** Unwrapped, for the check and the plan. */
export const registry: Registry = registryOf(definitions.map((definition) => ({ definition, package: 'graphs' })))

/** For a run in this process; file sinks write to the simulated disk. */
export function registryFor(simulated: SimulatedProcess, disk: ForgetfulDisk): Registry {
  const guarded = guardedDisk(simulated, disk)
  return registryOf(
    definitions.map((definition): Registered => {
      const named = { package: 'graphs' }
      if (definition.kind === 'source') {
        const create: SourceDefinition['create'] = (o, ctx) => simulated.source(ctx.id, definition.create(o, ctx))
        return { ...named, definition: { ...definition, create } }
      }
      if (definition.kind !== 'sink') return { ...named, definition }
      const create: SinkDefinition['create'] = (o, ctx) =>
        simulated.sink(
          ctx.id,
          definition.type === 'files'
            ? createFilesSink(o as never, ctx, guarded, () => performance.now())
            : definition.create(o, ctx),
        )
      return { ...named, definition: { ...definition, create } }
    }),
  )
}

/** The disk, which refuses every call once the process was killed. */
function guardedDisk(simulated: SimulatedProcess, disk: ForgetfulDisk): Disk {
  const guard = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      simulated.check()
      return call(...args)
    }
  }
  const file = (opened: Awaited<ReturnType<Disk['create']>>) => ({
    write: guard(opened.write),
    size: guard(opened.size),
    truncate: guard(opened.truncate),
    sync: guard(opened.sync),
    close: async () => {},
  })
  return {
    create: guard(async (path: string) => file(await disk.create(path))),
    reopen: guard(async (path: string) => {
      const opened = await disk.reopen(path)
      return opened && file(opened)
    }),
    state: guard(disk.state),
    open: guard(disk.open),
    copy: guard(disk.copy),
    look: guard(disk.look),
    makeFolder: guard(disk.makeFolder),
    list: guard(disk.list),
    real: guard(disk.real),
    rename: guard(disk.rename),
    remove: guard(disk.remove),
    removeFolder: guard(disk.removeFolder),
    syncFolder: guard(disk.syncFolder),
    canWrite: guard(disk.canWrite),
  }
}
