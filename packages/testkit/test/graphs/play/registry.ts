/** The real connectors and steps, as one life of a process reaches them. */
import {
  type Definition,
  registryOf,
  type Registered,
  type Registry,
  type SinkDefinition,
  type SourceDefinition,
} from '@millrace/core'
import filesSinks, { createFilesSink, type Disk } from '@millrace/sink-files'
import logSinks from '@millrace/sink-log'
import sqliteSinks from '@millrace/sink-sqlite'
import csvSources from '@millrace/source-csv'
import filesSources from '@millrace/source-files'
import logSources from '@millrace/source-log'
import steps from '@millrace/transforms'
import type { ForgetfulDisk } from '../../../src/disk.ts'
import type { Life } from './life.ts'

const definitions: readonly Definition[] = [
  ...filesSinks,
  ...logSinks,
  ...sqliteSinks,
  ...csvSources,
  ...filesSources,
  ...logSources,
  ...steps,
]

/** As the check and the plan see them. */
export const registry: Registry = registryOf(definitions.map((definition) => ({ definition, package: 'graphs' })))

/** As a run of this life gets them; sink-files writes to the simulated disk. */
export function registryOfLife(life: Life, disk: ForgetfulDisk): Registry {
  const mortal = whileAlive(life, disk)
  return registryOf(
    definitions.map((definition): Registered => {
      const named = { package: 'graphs' }
      if (definition.kind === 'source') {
        const create: SourceDefinition['create'] = (o, ctx) => life.source(ctx.id, definition.create(o, ctx))
        return { ...named, definition: { ...definition, create } }
      }
      if (definition.kind !== 'sink') return { ...named, definition }
      const create: SinkDefinition['create'] = (o, ctx) =>
        life.sink(
          ctx.id,
          definition.type === 'files'
            ? createFilesSink(o as never, ctx, mortal, () => performance.now())
            : definition.create(o, ctx),
        )
      return { ...named, definition: { ...definition, create } }
    }),
  )
}

/** The disk, out of reach once the process is dead. */
function whileAlive(life: Life, disk: ForgetfulDisk): Disk {
  const guard = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      life.check()
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
