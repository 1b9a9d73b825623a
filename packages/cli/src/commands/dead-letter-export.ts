import { defineCommand } from '../command.ts'
import { oneSpec } from '../find-spec.ts'
import { chosen, exported, lettersOf, letterFlags } from '../letters.ts'
import { openPlan } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'dead-letter export',
  summary: 'Print open dead letters as JSON lines, to correct in an editor and replay with --from.',
  details:
    'Change `text` (or `bytes`, in base64, if the record is not UTF-8 text); leave `id` and `step` alone, they identify the letter. Lines that you remove are not replayed.',
  args: [['[SPEC]', 'File or pipeline name; default: the only pipeline of the project.']],
  flags: { ...specFlags, ...letterFlags },
  examples: [['pipe dead-letter export orders > letters.jsonl', 'Then edit it, and replay with --from letters.jsonl.']],
  async run({ flags, args: [spec] }, io) {
    const opened = await openPlan(oneSpec(spec, io), flags, io)
    if (!opened) return 2
    for (const letter of await lettersOf(opened, io.stopSignal()))
      if (letter.state === 'open' && chosen(letter, flags)) io.out(`${JSON.stringify(exported(letter))}\n`)
    return 0
  },
})
