import { defineCommand } from '../command.ts'
import { oneSpec } from '../find-spec.ts'
import { chosen, lettersOf, letterFlags, originalText, placer, type Told } from '../letters.ts'
import { wholeNumber } from '../number.ts'
import { count, table } from '../print/table.ts'
import { openPlan } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'dead-letter list',
  summary: 'List the records that failed: where, why, and what they were.',
  details: 'Replayed and dismissed ones are shown only with --all.',
  args: [['[SPEC]', 'File or pipeline name; default: the only pipeline of the project.']],
  flags: {
    ...specFlags,
    ...letterFlags,
    all: { type: 'boolean', description: 'Include those that were replayed or dismissed.' },
    limit: { type: 'text', value: 'N', description: 'Maximum number to show; default 20.' },
  },
  examples: [
    ['pipe dead-letter list orders', 'Counts by kind, and the first twenty.'],
    ['pipe dead-letter list orders --code bad_date --json', 'All with a bad date, as JSON.'],
  ],
  async run({ flags, args: [spec] }, io) {
    const limit = wholeNumber('--limit', flags.limit, flags.json ? Number.MAX_SAFE_INTEGER : 20)
    const opened = await openPlan(oneSpec(spec, io), flags, io)
    if (!opened) return 2
    const letters = await lettersOf(opened, io.stopSignal())
    const listed = letters.filter((letter) => chosen(letter, flags) && (flags.all || letter.state === 'open'))
    if (flags.json) {
      const shown = listed.slice(0, limit).map((letter) => ({ ...letter, text: originalText(letter) }))
      io.out(`${JSON.stringify(shown, undefined, 2)}\n`)
      return 0
    }
    if (listed.length === 0) {
      const done = letters.length - listed.length
      io.out(done === 0 ? 'The dead letter is empty.\n' : `No dead letter is open; --all shows ${count(done)} more.\n`)
      return 0
    }
    const kinds = Map.groupBy(listed, ({ step, code, field, state }) => [step, code, field ?? '', state].join('\t'))
    io.out(`${count(listed.length)} records failed:\n\n`)
    io.out(
      table(
        [{ title: 'records', right: true }, { title: 'at' }, { title: 'code' }, { title: 'field' }, { title: 'state' }],
        [...kinds]
          .toSorted((a, b) => b[1].length - a[1].length)
          .map(([kind, all]) => [count(all.length), ...kind.split('\t')]),
      ),
    )
    io.out('\n')
    const placeOf = placer(opened)
    for (const letter of listed.slice(0, limit)) io.out(await textOf(letter, placeOf))
    if (listed.length > limit) io.out(`… and ${count(listed.length - limit)} more: --limit N shows them.\n`)
    io.out(
      '\nFix the spec or the data, then run `pipe dead-letter replay`. To give up on records: `pipe dead-letter dismiss`.\n',
    )
    return 0
  },
})

async function textOf(letter: Told, placeOf: ReturnType<typeof placer>): Promise<string> {
  const { id, step, code, field, message, state } = letter
  const place = await placeOf(letter)
  const what = `${code}${field ? ` (${field})` : ''}${message ? `: ${message}` : ''}`
  return `${id}\n  ${place ? `${place}, ` : ''}at ${step}, ${state}\n  ${what}\n  ${originalText(letter).trimEnd().slice(0, 300)}\n`
}
