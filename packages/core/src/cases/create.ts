/** A new test file, from the first records of the real sources. What it expects is filled in when it is run. */
import type { Plan } from '../plan/index.ts'
import type { PreviewNode } from '../run/index.ts'
import { flowText } from './flow.ts'
import { plainRow } from './rows.ts'
import { itemsText } from './update.ts'

/** What was read from the sources of a plan. */
export interface CreatedGiven {
  readonly plan: Plan
  readonly nodes: readonly PreviewNode[]
  /** Records of each source, and as many of those that cannot be decoded. */
  readonly limit: number
}

/** The text of a test file with one case. */
export function newTestFile({ plan, nodes, limit }: CreatedGiven): string {
  const given = plan.sources
    .filter(({ side }) => !side)
    .map(({ id, schema }) => {
      const node = nodes.find((each) => each.id === id)
      const rows = (node?.rows ?? []).slice(0, limit).map((row) => plainRow(row, schema))
      // Their bytes were kept one by one.
      const bad = (node?.failures ?? [])
        .slice(0, limit)
        .map(({ raw }) => ({ raw: Buffer.from(raw, 'latin1').toString().trimEnd() }))
      const items = itemsText([...rows, ...bad], 8)
      return `      ${id}:${items ? `\n${items}` : ' []\n'}`
    })
  const profile = plan.profile === 'local' ? '' : `profile: ${flowText(plan.profile)}\n`
  return `${profile}tests:\n  - name: the first records\n    given:\n${given.join('')}`
}
