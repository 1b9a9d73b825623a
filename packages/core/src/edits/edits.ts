/**
 * Compares a spec with the state left by an earlier one: what a run would keep, what it would discard, and what it must
 * refuse.
 *
 * An interrupted bounded run continues only if everything that determines its result (sources, steps, edges, what sinks
 * write) is unchanged. Otherwise half of the result would follow one spec and half the other. A continuing run applies
 * an edit from its saved positions on. If memory or half-written results no longer match by name or place, they would
 * be lost; the run is refused unless this is confirmed. All of it is reported before the first read, and `pipe plan`
 * reports it before the run.
 *
 * Decision: docs/decisions/20261130-what-an-edit-may-do.md
 */
import { continuingEdits } from './continuing.ts'
import { renamedSinks } from './difference.ts'
import type { Edit, Edits, SavedFacts } from './edit.ts'
import { wholeEdits } from './whole.ts'
import { MillraceError } from '../errors/index.ts'
import type { Plan } from '../plan/index.ts'
import { canonical, planned, type Signature, signatureOf } from '../plan/signature.ts'
import type { Registry } from '../registry/index.ts'
import type { SavedRun } from '../store/index.ts'

export { renamedSinks }
export type { Edit, Edits, SavedFacts } from './edit.ts'

/** Compares a plan with the state of the run that it would continue. */
export function editsOf(plan: Plan, registry: Registry, run: SavedRun, facts: SavedFacts): Edits {
  const now = signatureOf(plan, registry)
  const before = planned(run.signature as unknown as Signature)
  const none: Edits = { edits: [], renames: [], discards: { steps: [], sinks: [] }, recount: false }
  if (canonical(before) === canonical(now)) return none
  // If nothing is saved yet, an edit cannot change anything; but a renamed sink may have left something half done.
  if (run.epoch === 0) return { ...none, renames: renamedSinks(before.sinks, now.sinks) }
  return now.runs === 'continue' && before.runs === 'continue'
    ? continuingEdits(before, now, plan, facts)
    : wholeEdits(before, now)
}

/** Throws `state_changed` if the run must not continue. `reset`: discarding is confirmed. */
export function refuseEdits({ edits }: Edits, plan: Plan, reset: boolean): void {
  const refused = edits.filter(({ effect }) => effect === 'refused' || (effect === 'discarded' && !reset))
  if (refused.length === 0) return
  const ways = [...new Set(refused.flatMap(({ ways }) => ways ?? []))]
  throw new MillraceError('state_changed', refused.map(({ what }) => what).join('; '), {
    place: refused[0]!.node || plan.name,
    hint: `nothing was read. ${ways.join('; or ').replaceAll('PIPELINE', plan.name)}. \`pipe plan\` shows what an edit keeps and discards`,
    exitCode: 2,
  })
}

/** An edit in words. */
export const editText = ({ effect, what, ways }: Edit, pipeline: string): string =>
  `${effectWords[effect]}: ${what}${ways?.length ? ` (${ways.join('; or ').replaceAll('PIPELINE', pipeline)})` : ''}`

const effectWords = { kept: 'keeps', from_here: 'from here on', discarded: 'discards', refused: 'refused' }
