import { run } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { showProgress } from '../print/progress.ts'
import { summaryJson, summaryText } from '../print/summary.ts'
import { openPlan, oneSpec } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'run',
  summary: 'Check a spec, then run it to its end. After a crash or a stop, running it again goes on from the last checkpoint.',
  details:
    'Ctrl-C or SIGTERM finishes what is under way and saves; a second one stops at once. Exit code 0: done; 1: the run failed; 2: the spec is wrong; 3: the environment is.',
  args: [['[SPEC]', 'File or pipeline name; default: the only pipeline of the project.']],
  flags: {
    ...specFlags,
    replace: { type: 'boolean', description: 'Replace the results of an earlier run.' },
    keep: { type: 'boolean', description: 'Keep the results of an earlier run beside the new ones.' },
    until: { type: 'text', value: 'caught_up', description: 'End a continuing run when its sources are at the end they saw at the start.' },
    instance: { type: 'text', value: 'I/N', description: 'Run as instance I of N, which share the splits: 0/2.' },
  },
  examples: [
    ['pipe run pipelines/orders.yaml', 'Run it and print a summary.'],
    ['pipe run orders --set date_format=d/M/yyyy --replace', 'With another value of a var, over the results of an earlier run.'],
    ['pipe run orders --json', 'The summary as JSON, for a program.'],
  ],
  async run({ flags, args: [spec] }, io) {
    if (flags.replace && flags.keep) throw usageError('--replace and --keep exclude each other.')
    if (flags.until !== undefined && flags.until !== 'caught_up') throw usageError(`--until takes caught_up, not \`${flags.until}\`.`)
    const instance = instanceOf(flags.instance)
    const opened = await openPlan(oneSpec(spec, io), flags, io)
    if (!opened) return 2
    const { plan, registry, around } = opened
    const progress = flags.json ? undefined : showProgress(io)
    try {
      const summary = await run(plan, registry, {
        ...around,
        signal: io.stopSignal(),
        ...(progress ? { observe: progress.observe } : {}),
        ...(flags.replace ? { existing: 'replace' } : flags.keep ? { existing: 'keep' } : {}),
        ...(flags.until ? { untilCaughtUp: true } : {}),
        ...(instance ? { instance } : {}),
      })
      progress?.close()
      io.out(flags.json ? `${JSON.stringify(summaryJson(summary, plan), undefined, 2)}\n` : summaryText(summary, plan))
      return summary.imbalances.length ? 1 : 0
    } finally {
      progress?.close()
    }
  },
})

function instanceOf(text: string | undefined): { i: number; n: number } | undefined {
  if (text === undefined) return undefined
  const [, i, n] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []
  if (i === undefined || Number(i) >= Number(n)) throw usageError(`--instance takes I/N with I from 0 to N-1, not \`${text}\`.`)
  return { i: Number(i), n: Number(n) }
}
