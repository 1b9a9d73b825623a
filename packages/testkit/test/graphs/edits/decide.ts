/** Whether an edit is to be kept or refused. */
import type { Plan } from '@millrace/core'
import type { Case } from '../case.ts'
import type { Edit } from './edit.ts'

export type Decision = 'kept' | 'refused'

/**
 * What `pipe plan` says about running this plan with the state in `home`. Undefined as long as core has no function
 * that decides this. When it has one, call it here: every edit is then compared with it.
 */
export function plannedDecision(_plan: Plan, _home: string): Decision | undefined {
  return undefined
}

/** The decision that the rules demand; undefined where they allow both. `hasProgress`: something was saved before. */
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
      // A whole run has one result, and part of it was made by the old spec.
      return runs === 'whole' && hasProgress ? 'refused' : undefined
    default:
      return undefined
  }
}
