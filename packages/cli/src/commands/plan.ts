import { defineCommand, usageError } from '../command.ts'
import { compare } from '../compare.ts'
import { compareText } from '../print/compare.ts'
import { hide, hiddenJson } from '@millrace/core'
import { mermaid } from '../print/graph.ts'
import { planText } from '../print/plan.ts'
import { stateOf, stateText } from '../print/state.ts'
import { oneSpec } from '../find-spec.ts'
import { openPlan } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'plan',
  summary:
    'Show what a run would do: the steps in order, the types at every point, what is pushed down into the source, and the delivery guarantee. Connects to nothing.',
  args: [['[SPEC]', 'File or pipeline name; default: the only pipeline of the project.']],
  flags: {
    ...specFlags,
    graph: { type: 'text', value: 'FORMAT', description: 'Print the graph instead, as mermaid.' },
    compare: {
      type: 'pair',
      value: 'PROFILE PROFILE',
      description: 'Compare two profiles: what stays the same, and what differs in delivery, order, limits and types.',
    },
  },
  examples: [
    ['pipe plan pipelines/orders.yaml', 'As text.'],
    ['pipe plan orders --graph mermaid', 'A flowchart for a README.'],
    ['pipe plan orders --compare local kafka-mongo', 'What changes when the systems are swapped.'],
    ['pipe plan orders --json', 'The plan itself, as documented in docs/guide/plan.md.'],
  ],
  async run({ flags, args: [spec] }, io) {
    if (flags.graph !== undefined && flags.graph !== 'mermaid')
      throw usageError(`There is no graph format \`${flags.graph}\`.`, 'The only format is mermaid.')
    if (flags.compare) {
      if (flags.profile !== undefined)
        throw usageError('--compare names both profiles; it cannot be combined with --profile.')
      const path = oneSpec(spec, io)
      const [left, right] = [
        await openPlan(path, { ...flags, profile: flags.compare[0] }, io),
        await openPlan(path, { ...flags, profile: flags.compare[1] }, io),
      ]
      if (!left || !right) return 2
      const compared = compare(left, right)
      io.out(flags.json ? `${hiddenJson(compared, 2)}\n` : hide(compareText(compared)))
      return 0
    }
    const opened = await openPlan(oneSpec(spec, io), flags, io)
    if (!opened) return 2
    const { plan, registry, workspace } = opened
    if (flags.graph) io.out(mermaid(plan))
    else if (flags.json) io.out(`${hiddenJson({ ...plan, state: stateOf(plan, registry, workspace.stateDir) }, 2)}\n`)
    else io.out(hide(planText(plan, registry) + stateText(plan, stateOf(plan, registry, workspace.stateDir))))
    return 0
  },
})
