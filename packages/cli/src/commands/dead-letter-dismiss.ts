import { dismiss } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { oneSpec } from '../find-spec.ts'
import { chosen, lettersOf, letterFlags } from '../letters.ts'
import { count } from '../print/table.ts'
import { openPlan } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'dead-letter dismiss',
  summary: 'Dismiss dead letters, so that they are no longer listed or replayed. Their bytes are kept.',
  args: [['[SPEC]', 'File or pipeline name; default: the only pipeline of the project.']],
  flags: {
    ...specFlags,
    ...letterFlags,
    all: { type: 'boolean', description: 'All open dead letters.' },
  },
  examples: [['pipe dead-letter dismiss orders --code bad_date', 'Dismiss those with a bad date.']],
  async run({ flags, args: [spec] }, io) {
    if (!flags.all && flags.code === undefined && flags.step === undefined && flags.id.length === 0)
      throw usageError('Choose with --code, --step or --id, or pass --all.')
    const opened = await openPlan(oneSpec(spec, io), flags, io)
    if (!opened) return 2
    const signal = io.stopSignal()
    const letters = (await lettersOf(opened, signal)).filter((each) => each.state === 'open' && chosen(each, flags))
    const keys = letters.map(({ id, step }) => ({ id, node: step }))
    if (keys.length > 0) await dismiss(opened.plan, keys, { ...opened.workspace, signal })
    io.out(
      flags.json
        ? `${JSON.stringify({ dismissed: keys.length })}\n`
        : `${count(keys.length)} dead letters dismissed.\n`,
    )
    return 0
  },
})
