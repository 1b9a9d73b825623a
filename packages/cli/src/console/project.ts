/** What a console knows of the project that it shows. */
import type { Io } from '../io.ts'
import type { Ledger } from '../serve/ledger.ts'
import type { Run } from '../serve/run.ts'
import type { SpecsRead } from '../serve/specs.ts'
import type { SpecFlags } from '../spec.ts'
import type { Live } from './live.ts'

/** A project, served or only looked at. */
export interface ConsoleProject {
  readonly root: string
  readonly stateDir: string
  readonly profile: string
  readonly isReadOnly: boolean
  readonly flags: SpecFlags
  readonly io: Io
  readonly ledger: Pick<Ledger, 'list' | 'get'>
  readonly live: Pick<Live, 'snapshot'>
  readonly reading: () => SpecsRead
  /** Whether a `pipe serve` takes requests. */
  readonly isServed: () => boolean
  /** Asks for a run. */
  trigger(pipeline: string): void
  /** Asks for the end of one that is not over. */
  cancel(run: Run): void
}
