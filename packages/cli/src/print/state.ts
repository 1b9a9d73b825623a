/** What a run of a spec would do with the existing state, for `pipe plan`. */
import { type Edit, editsOf, editText, instanceFolders, type Plan, readStore, type Registry } from '@millrace/core'

/** The state of one instance. */
export interface StateView {
  readonly folder: string
  readonly incarnation: number
  readonly ended: boolean
  readonly edits: readonly Edit[]
}

/** Compares a plan with the saved state of its pipeline; empty: it has not run yet. */
export function stateOf(plan: Plan, registry: Registry, stateDir: string): StateView[] {
  return instanceFolders(stateDir, plan.name).flatMap(({ folder }) => {
    const store = readStore(folder)
    const run = store?.run()
    try {
      if (!store || !run) return []
      const isOver = run.ended && plan.runs === 'whole'
      const edits = isOver ? [] : editsOf(plan, registry, run, store).edits
      return [{ folder, incarnation: run.incarnation, ended: run.ended, edits }]
    } finally {
      store?.close()
    }
  })
}

/** As text; empty if there is no state. */
export function stateText(plan: Plan, views: readonly StateView[]): string {
  return views
    .map(({ incarnation, ended, edits }) => {
      if (ended && plan.runs === 'whole') return `State: run ${incarnation} has ended; the next run starts over.\n`
      const how = edits.length === 0 ? 'the spec is unchanged.' : 'the spec has changed:'
      return [
        `State: run ${incarnation} resumes from its last save; ${how}`,
        ...edits.map((e) => `  ${editText(e, plan.name)}`),
        '',
      ].join('\n')
    })
    .join('')
}
