import { type Letter, replay } from '@millrace/core'
import { defineCommand } from '../command.ts'
import { readLetters } from '../letters.ts'
import { count } from '../print/table.ts'
import { oneSpec } from '../find-spec.ts'
import { openPlan } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'dead-letter replay',
  summary: 'Put the records that could not pass through the pipeline again, with the spec as it is now.',
  details:
    'Each goes only to where it stopped and what follows, under its own id; what was replayed before with this spec is skipped, so repeating it is harmless. What fails again stays.',
  args: [['[SPEC]', 'File or pipeline name; default: the only pipeline of the project.']],
  flags: { ...specFlags, code: { type: 'text', value: 'CODE', description: 'Only those of this code.' } },
  examples: [
    ['pipe dead-letter replay orders', 'After the spec was mended.'],
    ['pipe dead-letter replay orders --code bad_date', 'Only those with a bad date.'],
  ],
  async run({ flags, args: [spec] }, io) {
    const opened = await openPlan(oneSpec(spec, io), flags, io)
    if (!opened) return 2
    const signal = io.stopSignal()
    const letters: Letter[] = []
    for await (const letter of readLetters(opened, signal))
      if (flags.code === undefined || letter.code === flags.code) letters.push(letter)
    const summary = await replay(opened.plan, opened.registry, letters, { ...opened.around, signal })
    if (flags.json) io.out(`${JSON.stringify(summary, undefined, 2)}\n`)
    else {
      io.out(
        `${count(summary.letters)} dead letters: ${count(summary.replayed)} delivered now, ${count(summary.skipped)} replayed before, ${count(summary.failedAgain.length)} failed again\n`,
      )
      for (const failure of summary.failedAgain.slice(0, 10))
        io.out(
          `  ${failure.id}\n    ${failure.code} at ${failure.step}${failure.message ? `: ${failure.message}` : ''}\n`,
        )
    }
    return summary.failedAgain.length ? 1 : 0
  },
})
