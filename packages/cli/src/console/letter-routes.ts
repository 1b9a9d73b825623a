/** Bad records: what there is, trying them, replaying them, giving up on them. */
import type { Letters, Replayed, Trial } from '@millrace/console/wire'
import { dismiss, replay, tryLetters } from '@millrace/core'
import { lettersOf, originalText, type Told } from '../letters.ts'
import type { Opening } from './opening.ts'
import type { Route } from './server.ts'

const mostLetters = 200

/** The routes, by path. */
export function letterRoutes({ of, opened }: Opening): Readonly<Record<string, Route>> {
  return {
    '/api/pipelines/*/letters': {
      answer: of(async (accepted, { query, signal }): Promise<Letters> => {
        const all = await lettersOf(await opened(accepted, signal), signal)
        const state = query.get('state') ?? 'open'
        const chosen = all.filter((each) => each.state === state)
        const kinds = Map.groupBy(chosen, ({ step, code, field }) => JSON.stringify([step, code, field]))
        return {
          total: chosen.length,
          kinds: [...kinds.values()].map((those) => {
            const { step, code, field } = those[0]!
            return { step, code, field, records: those.length }
          }),
          letters: chosen.slice(0, mostLetters).map((letter) => {
            const { id, step, code, field, message, source, split, position } = letter
            return { id, step, code, field, message, source, split, position, text: originalText(letter) }
          }),
        }
      }),
    },
    '/api/pipelines/*/trial': {
      answer: of(async (accepted, { query, signal }): Promise<Trial> => {
        const { plan, registry, workspace } = await opened(accepted, signal)
        const letters = chosenBy(Object.fromEntries(query), await lettersOf({ plan, registry, workspace }, signal))
        const tried = await tryLetters(plan, registry, letters, { ...workspace, signal })
        return {
          tried: tried.length,
          passing: tried.filter(({ passes }) => passes).length,
          letters: tried.slice(0, mostLetters),
        }
      }),
    },
    '/api/pipelines/*/replay': {
      changes: true,
      answer: of(async (accepted, { body, signal }): Promise<Replayed> => {
        const { plan, registry, workspace } = await opened(accepted, signal)
        const letters = chosenBy(body, await lettersOf({ plan, registry, workspace }, signal))
        const summary = await replay(plan, registry, letters, { ...workspace, signal })
        const failures = new Map(summary.failedAgain.map((failure) => [failure.id, failure]))
        return {
          asked: letters.length,
          replayed: summary.replayed,
          skipped: summary.skipped,
          failed: summary.failedAgain.length,
          byRunning: summary.byRunning,
          imbalances: summary.imbalances,
          letters: letters.slice(0, mostLetters).map(({ id, step }) => {
            const failure = failures.get(id)
            return failure
              ? { id, step, passes: false, at: failure.step, code: failure.code, message: failure.message }
              : { id, step, passes: true }
          }),
        }
      }),
    },
    '/api/pipelines/*/dismiss': {
      changes: true,
      answer: of(async (accepted, { body, signal }) => {
        const found = await opened(accepted, signal)
        const letters = chosenBy(body, await lettersOf(found, signal))
        const keys = letters.map(({ id, step }) => ({ id, node: step }))
        if (keys.length > 0) await dismiss(found.plan, keys, { ...found.workspace, signal })
        return { dismissed: keys.length }
      }),
    },
  }
}

/** The open ones with these ids, or of one kind; none where nothing says which. */
function chosenBy(by: Readonly<Record<string, unknown>>, letters: readonly Told[]): readonly Told[] {
  const open = letters.filter(({ state }) => state === 'open')
  const ids = Array.isArray(by['ids']) ? by['ids'] : by['id'] === undefined ? undefined : [by['id']]
  if (ids) return open.filter(({ id, step }) => ids.includes(id) && (by['step'] ?? step) === step)
  if (typeof by['step'] !== 'string' || typeof by['code'] !== 'string') return []
  const field = by['field'] === undefined || by['field'] === '' ? null : by['field']
  return open.filter((each) => each.step === by['step'] && each.code === by['code'] && each.field === field)
}
