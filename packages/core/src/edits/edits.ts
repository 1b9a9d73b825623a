/**
 * Compares a spec with the state left by an earlier one: what it keeps, what it discards, and what it must not do.
 *
 * A run from beginning to end that was interrupted goes on only where sources, steps, edges and what sinks write decide
 * the same: its result would else be half of one rule and half of another. A continuing run takes an edit from its
 * saved positions on; what has memory or half-written results under another name or place would lose them, and is
 * refused unless told. Everything is told before the first read, and `pipe plan` tells it before the run.
 *
 * Decision: docs/decisions/20261130-what-an-edit-may-do.md
 */
import { continuingEdits } from './continuing.ts'
import type { Edit, Edits, SavedFacts } from './edit.ts'
import { wholeEdits } from './whole.ts'
import { MillraceError } from '../errors/index.ts'
import type { Plan } from '../plan/index.ts'
import { canonical, type Signature, signatureOf } from '../plan/signature.ts'
import type { Registry } from '../registry/index.ts'
import type { SavedRun } from '../store/index.ts'

export { renamedSinks } from './difference.ts'
export type { Edit, Edits, SavedFacts } from './edit.ts'

/** Compares a plan with the state of a run that is to go on. */
export function editsOf(plan: Plan, registry: Registry, run: SavedRun, facts: SavedFacts): Edits {
  const now = signatureOf(plan, registry)
  const { gone: _, ...before } = run.signature as unknown as Signature
  // Where nothing is saved yet, there is nothing that an edit could change.
  if (canonical(before) === canonical(now) || run.epoch === 0)
    return { edits: [], renames: [], discards: { steps: [], sinks: [] }, recount: false }
  return now.runs === 'continue' && before.runs === 'continue'
    ? continuingEdits(before, now, plan, facts)
    : wholeEdits(before, now)
}

/** Throws `state_changed` where the run must not continue. `reset`: discarding is allowed. */
export function refuseEdits({ edits }: Edits, plan: Plan, reset: boolean): void {
  const refused = edits.filter(({ effect }) => effect === 'refused' || (effect === 'discarded' && !reset))
  if (refused.length === 0) return
  const ways = [...new Set(refused.flatMap(({ ways }) => ways ?? []))]
  throw new MillraceError('state_changed', refused.map(({ what }) => what).join('; '), {
    place: refused[0]!.node || plan.name,
    hint: `nothing was read. ${ways.join('; or ').replaceAll('PIPELINE', plan.name)}. \`pipe plan\` shows what an edit keeps and what it discards`,
    exitCode: 2,
  })
}

/** Edits in words, for a person. */
export const editText = ({ effect, what, ways }: Edit, pipeline: string): string =>
  `${effectWords[effect]}: ${what}${ways?.length ? ` (${ways.join('; or ').replaceAll('PIPELINE', pipeline)})` : ''}`

const effectWords = { kept: 'keeps', from_here: 'from here on', discarded: 'discards', refused: 'refused' }
