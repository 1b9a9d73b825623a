/** Whether an edit is to be kept or refused. */
import { editsOf, type MillraceError, type Plan, readStore, refuseEdits, stateFolder } from '@millrace/core'
import { existsSync } from 'node:fs'
import { pipeline } from '../project/spec.ts'
import { registry } from '../run/registry.ts'
import type { Case } from '../case.ts'
import type { Edit } from './edit.ts'

export type Decision = 'kept' | 'refused'

/**
 * What `pipe plan` says about running this plan with the state in `home`. Undefined: there is no state to continue
 * from.
 */
export function plannedDecision(plan: Plan, home: string): Decision | undefined {
  const folder = stateFolder(home, pipeline)
  const store = existsSync(folder) ? readStore(folder) : undefined
  const run = store?.run()
  try {
    if (!store || !run || (run.ended && plan.runs === 'whole')) return undefined
    refuseEdits(editsOf(plan, registry, run, store), plan, false)
    return 'kept'
  } catch (error) {
    if ((error as MillraceError).code === 'state_changed') return 'refused'
    throw error
  } finally {
    store?.close()
  }
}

/** The decision that the rules demand; undefined if they allow both. `hasProgress`: something was saved before. */
export function requiredDecision({ class: which }: Edit, { runs }: Case, hasProgress: boolean): Decision | undefined {
  switch (which) {
    case 'description':
    case 'comment':
    case 'cap':
    case 'sink renamed':
      return 'kept'
    case 'sink added':
      return runs === 'continue' ? 'kept' : hasProgress ? 'refused' : undefined
    case 'expression changed':
    case 'sink moved':
    case 'step added':
    case 'step removed':
      // A bounded run has one result, and part of it was made by the old spec.
      return runs === 'whole' && hasProgress ? 'refused' : undefined
    default:
      return undefined
  }
}
