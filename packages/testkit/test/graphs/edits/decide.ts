/** What must become of an edit. */
import type { Plan } from '@millrace/core'
import type { Case } from '../case.ts'
import type { Edit } from './edit.ts'

export type Decision = 'kept' | 'refused'

/**
 * What `pipe plan` says of a plan and the state that is there. Undefined: core does not say it yet. This is the place to
 * call it: every edit is then held against it.
 */
export function planned(_plan: Plan, _home: string): Decision | undefined {
  return undefined
}

/** What the rules say, where they leave no choice. `isBegun`: something was saved before the edit. */
export function ruled({ class: which }: Edit, graph: Case, isBegun: boolean): Decision | undefined {
  switch (which) {
    case 'description':
    case 'comment':
    case 'cap':
    case 'sink renamed':
      return 'kept'
    case 'expression changed':
    case 'sink moved':
    case 'sink added':
    case 'step added':
    case 'step removed':
      // What was done is part of the result: the rest of it cannot be made by another rule.
      return graph.runs === 'whole' && isBegun
        ? 'refused'
        : graph.runs === 'continue' && which === 'sink added'
          ? 'kept'
          : undefined
    default:
      return undefined
  }
}
