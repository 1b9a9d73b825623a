/** A console beside whatever runs: of the specs as they are, the saved states, and the runs of a `pipe serve`. */
import { relative } from 'node:path'
import { holderOf, MillraceError } from '@millrace/core'
import type { Io } from '../io.ts'
import type { Address } from '../monitor/server.ts'
import { ask } from '../serve/inbox.ts'
import { type Ledger, readLedger, serveFolder } from '../serve/ledger.ts'
import type { Accepted, SpecsRead } from '../serve/specs.ts'
import { checkSpecs, flagsFor, type SpecFlags } from '../spec.ts'
import { routesOf } from './routes.ts'
import { savedLive } from './saved.ts'
import { type Console, startConsole } from './server.ts'

/** Which project, and where it is shown. */
export interface BesideOptions {
  readonly root: string
  readonly files: () => readonly string[]
  readonly flags: SpecFlags
  readonly stateDir: string
  readonly address: Address
  readonly isReadOnly: boolean
}

/** Specs are read again this long after they were. */
const freshMs = 5000

/** Listens. Throws `cannot_listen`, `console_not_built`. */
export async function startBeside(options: BesideOptions, io: Io): Promise<Console> {
  const { root, stateDir, address, isReadOnly, flags } = options
  let reading = await readSpecs(options, io)
  let readMs = Date.now()
  const isServed = () => holderOf(serveFolder(stateDir)) !== undefined
  const request = (pipeline: string, cancel?: number) => {
    if (!isServed())
      throw new MillraceError('not_served', 'no `pipe serve` is running for this project', { hint: 'pipe serve' })
    ask(stateDir, pipeline, Date.now(), cancel)
  }
  const live = savedLive(() => reading.accepted.map(({ plan }) => plan), stateDir)
  const routes = routesOf({
    root,
    stateDir,
    profile: flags.profile ?? 'local',
    flags,
    isReadOnly,
    io,
    live,
    ledger: ledgerOf(stateDir),
    reading() {
      if (Date.now() - readMs > freshMs) {
        readMs = Date.now()
        // Those who ask now get the specs as they were; a file that cannot be read is found by the next reading.
        void readSpecs(options, io).then(
          (now) => (reading = now),
          () => {},
        )
      }
      return reading
    },
    isServed,
    trigger: (pipeline) => request(pipeline),
    cancel: (run) => request(run.pipeline, run.id),
  })
  return startConsole(address, { live, routes, isReadOnly })
}

async function readSpecs({ root, files, flags }: BesideOptions, io: Io): Promise<SpecsRead> {
  const paths = files()
  const checked = paths.length > 0 ? await checkSpecs(paths, flags, io) : []
  const accepted: Accepted[] = []
  const refused: SpecsRead['refused'][number][] = []
  for (const [i, file] of paths.entries()) {
    const { plan, registry, project, findings } = checked[i]!
    if (plan) {
      accepted.push({
        name: plan.name,
        file,
        texts: new Map(),
        flags: flagsFor({ ...flags, json: false }, project),
        plan,
        registry,
      })
      continue
    }
    const reason = findings.find(({ severity }) => severity === 'error')?.message ?? 'it has errors'
    refused.push({ spec: relative(root, file), reason, served: false })
  }
  return { accepted, changed: new Set(), refused, findings: checked.flatMap(({ findings }) => findings) }
}

/** The runs, if the project was ever served: also if that begins later. */
function ledgerOf(stateDir: string): Pick<Ledger, 'list' | 'get'> {
  const asked = <T>(question: (ledger: NonNullable<ReturnType<typeof readLedger>>) => T): T | undefined => {
    const ledger = readLedger(stateDir)
    try {
      return ledger && question(ledger)
    } finally {
      ledger?.close()
    }
  }
  return {
    list: (which) => asked((ledger) => ledger.list(which)) ?? [],
    get: (id) => asked((ledger) => ledger.get(id)),
  }
}
