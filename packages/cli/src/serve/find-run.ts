/** The run that a word on the command line means. */
import { usageError } from '../command.ts'
import { readLedger } from './ledger.ts'
import type { Run } from './run.ts'

/** By its number, or the last one of a pipeline. Throws a usage error. */
export function findRun(stateHome: string, which: string): Run {
  const ledger = readLedger(stateHome)
  const run = /^\d+$/.test(which) ? ledger?.get(Number(which)) : ledger?.list({ pipeline: which, limit: 1 })[0]
  ledger?.close()
  if (run) return run
  throw usageError(`There is no run \`${which}\`.`, '`pipe runs list` shows those there are.')
}
