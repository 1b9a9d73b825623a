import { preview, printJson } from '@millrace/core'
import { defineCommand } from '../command.ts'
import { wholeNumber } from '../number.ts'
import { count, rowTable } from '../print/table.ts'
import { oneSpec } from '../find-spec.ts'
import { openPlan } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'preview',
  summary:
    'Read the first records and show them after the source and after each step, with those that fail and why. Writes nothing.',
  args: [['[SPEC]', 'File or pipeline name; default: the only pipeline of the project.']],
  flags: {
    ...specFlags,
    records: { type: 'text', value: 'N', description: 'Records to read from each source; default 1000.' },
    show: { type: 'text', value: 'N', description: 'Records to show at each point; default 5.' },
  },
  examples: [
    ['pipe preview pipelines/orders.yaml', 'Five records at each point.'],
    ['pipe preview orders --set date_format=d/M/yyyy', 'The first thousand records with another date format.'],
  ],
  async run({ flags, args: [spec] }, io) {
    const limit = wholeNumber('--records', flags.records, 1000)
    const show = wholeNumber('--show', flags.show, 5)
    const opened = await openPlan(oneSpec(spec, io), flags, io, { push: false })
    if (!opened) return 2
    const nodes = await preview(opened.plan, opened.registry, { ...opened.workspace, limit, signal: io.stopSignal() })
    if (flags.json) {
      const plain = nodes.map((node) => ({ ...node, records: node.rows.length, rows: node.rows.slice(0, show) }))
      io.out(`${printJson(plain, 2)}\n`)
      return 0
    }
    for (const node of nodes) {
      io.out(`${node.id}: ${count(node.rows.length)} records${node.failed ? `, ${count(node.failed)} failed` : ''}\n`)
      if (node.rows.length) io.out(indent(rowTable(node.rows.slice(0, show))))
      for (const failure of node.failures.slice(0, show)) {
        io.out(
          `  ${failure.code} at ${failure.place}: ${failure.message ?? ''}\n    ${failure.raw.trimEnd().slice(0, 200)}\n`,
        )
      }
      io.out('\n')
    }
    return 0
  },
})

const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ')
