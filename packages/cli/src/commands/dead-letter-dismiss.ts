import { dismiss } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { oneSpec } from '../find-spec.ts'
import { chosen, lettersOf, letterFlags } from '../letters.ts'
import { count } from '../print/table.ts'
import { openPlan } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'dead-letter dismiss',
  summary:
    'Mark dead letters as done with: they are neither listed nor replayed any more. Their bytes stay where they are.',
  args: [['[SPEC]', 'File or pipeline name; default: the only pipeline of the project.']],
  flags: {
    ...specFlags,
    ...letterFlags,
    all: { type: 'boolean', description: 'Every one that is open.' },
  },
  examples: [['pipe dead-letter dismiss orders --code bad_date', 'Those with a bad date are not worth mending.']],
  async run({ flags, args: [spec] }, io) {
    if (!flags.all && flags.code === undefined && flags.step === undefined && flags.id.length === 0)
      throw usageError('Say which: --code, --step or --id; or --all.')
    const opened = await openPlan(oneSpec(spec, io), flags, io)
    if (!opened) return 2
    const signal = io.stopSignal()
    const letters = (await lettersOf(opened, signal)).filter((each) => each.state === 'open' && chosen(each, flags))
    const keys = letters.map(({ id, step }) => ({ id, node: step }))
    if (keys.length > 0) await dismiss(opened.plan, keys, { ...opened.around, signal })
    io.out(
      flags.json
        ? `${JSON.stringify({ dismissed: keys.length })}\n`
        : `${count(keys.length)} dead letters dismissed.\n`,
    )
    return 0
  },
})
