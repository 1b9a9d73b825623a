import { defineCommand } from '../command.ts'
import { readLetters, type Told } from '../letters.ts'
import { wholeNumber } from '../number.ts'
import { count, table } from '../print/table.ts'
import { oneSpec } from '../find-spec.ts'
import { openPlan } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'dead-letter list',
  summary: 'List the records that could not pass: where they stopped, why, and what they were.',
  args: [['[SPEC]', 'File or pipeline name; default: the only pipeline of the project.']],
  flags: {
    ...specFlags,
    code: { type: 'text', value: 'CODE', description: 'Only those of this code.' },
    limit: { type: 'text', value: 'N', description: 'Show at most so many; default 20.' },
  },
  examples: [
    ['pipe dead-letter list orders', 'How many of each kind, and the first twenty.'],
    ['pipe dead-letter list orders --code bad_date --json', 'All with a bad date, for a program.'],
  ],
  async run({ flags, args: [spec] }, io) {
    const limit = wholeNumber('--limit', flags.limit, flags.json ? Number.MAX_SAFE_INTEGER : 20)
    const opened = await openPlan(oneSpec(spec, io), flags, io)
    if (!opened) return 2
    const shown: Told[] = []
    const kinds = new Map<string, number>()
    for await (const letter of readLetters(opened, io.stopSignal())) {
      if (flags.code !== undefined && letter.code !== flags.code) continue
      const kind = `${letter.step}\t${letter.code}`
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      if (shown.length < limit) shown.push(letter)
    }
    if (flags.json) {
      io.out(
        `${JSON.stringify(
          shown.map((letter) => ({ ...letter, text: original(letter) })),
          undefined,
          2,
        )}\n`,
      )
      return 0
    }
    const total = [...kinds.values()].reduce((a, b) => a + b, 0)
    if (total === 0) {
      io.out('The dead letter is empty.\n')
      return 0
    }
    io.out(`${count(total)} records could not pass:\n\n`)
    io.out(
      table(
        [{ title: 'records', right: true }, { title: 'at' }, { title: 'code' }],
        [...kinds].toSorted((a, b) => b[1] - a[1]).map(([kind, n]) => [count(n), ...kind.split('\t')]),
      ),
    )
    io.out('\n')
    for (const letter of shown)
      io.out(
        `${letter.id}\n  ${letter.code}${letter.message ? `: ${letter.message}` : ''}\n  ${original(letter).trimEnd().slice(0, 300)}\n`,
      )
    if (total > shown.length) io.out(`… and ${count(total - shown.length)} more: --limit N shows them.\n`)
    io.out('\nMend the spec or the data, then: pipe dead-letter replay\n')
    return 0
  },
})

// Latin-1 shows every byte, whatever the record's encoding is.
function original(letter: Told): string {
  const bytes = Buffer.from(letter.bytes, 'base64')
  const text = bytes.toString('utf8')
  return text.includes('\uFFFD') ? bytes.toString('latin1') : text
}
