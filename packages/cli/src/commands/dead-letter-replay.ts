import { type Letter, replay } from '@millrace/core'
import { defineCommand } from '../command.ts'
import { oneSpec } from '../find-spec.ts'
import { chosen, lettersOf, letterFlags, mendedFrom } from '../letters.ts'
import { count } from '../print/table.ts'
import { openPlan } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'dead-letter replay',
  summary: 'Run failed records through the pipeline again, with the current spec.',
  details:
    'Each record enters where it failed and continues from there, under its own id. Letters that were already replayed are skipped, so it is safe to repeat. If the pipeline is running, its process does the replay. With --from, the bytes come from a file written by `dead-letter export` that you have corrected.',
  args: [['[SPEC]', 'File or pipeline name; default: the only pipeline of the project.']],
  flags: {
    ...specFlags,
    ...letterFlags,
    from: {
      type: 'text',
      value: 'FILE',
      description: 'Letters with corrected bytes, as `dead-letter export` writes them.',
    },
    'reset-state': {
      type: 'boolean',
      description: 'Discard the saved state that an edit of the spec makes unusable; `pipe plan` lists it.',
    },
  },
  examples: [
    ['pipe dead-letter replay orders', 'After fixing the spec.'],
    ['pipe dead-letter replay orders --code bad_date', 'Only those with a bad date.'],
    ['pipe dead-letter replay orders --from letters.jsonl', 'With the bytes corrected in the file.'],
  ],
  async run({ flags, args: [spec] }, io) {
    const opened = await openPlan(oneSpec(spec, io), flags, io)
    if (!opened) return 2
    const signal = io.stopSignal()
    const open = (await lettersOf(opened, signal)).filter((letter) => chosen(letter, flags))
    const letters: readonly Letter[] = flags.from === undefined ? open : mendedFrom(flags.from, io.cwd, open)
    const summary = await replay(opened.plan, opened.registry, letters, {
      ...opened.workspace,
      signal,
      resetState: flags['reset-state'],
    })
    if (flags.json) io.out(`${JSON.stringify(summary, undefined, 2)}\n`)
    else {
      const { replayed, skipped, failedAgain, byRunning, imbalances } = summary
      io.out(
        `${count(summary.letters)} dead letters: ${count(replayed)} replayed${byRunning ? ' by the running pipeline' : ''}, ${count(skipped)} already replayed or dismissed, ${count(failedAgain.length)} failed again.\n`,
      )
      for (const failure of failedAgain.slice(0, 10))
        io.out(
          `  ${failure.id}\n    ${failure.code} at ${failure.step}${failure.message ? `: ${failure.message}` : ''}\n`,
        )
      if (imbalances.length > 0) io.out(`DOES NOT BALANCE: ${imbalances.join('; ')}\n`)
    }
    return summary.failedAgain.length + summary.imbalances.length > 0 ? 1 : 0
  },
})
