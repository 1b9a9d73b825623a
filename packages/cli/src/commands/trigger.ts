import { existsSync } from 'node:fs'
import { holderOf, MillraceError, systemClock } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { findRoot, stateFlags, stateHome } from '../project.ts'
import { ask } from '../serve/inbox.ts'
import { readLedger, serveFolder } from '../serve/ledger.ts'

export default defineCommand({
  name: 'trigger',
  summary: 'Ask a running `pipe serve` to run a pipeline now, or as soon as it is free.',
  details: 'A pipeline that stays up is started at once if it waits after a failure.',
  args: [['PIPELINE', 'The name in the spec.']],
  flags: stateFlags,
  examples: [['pipe trigger report', 'Run `report` now.']],
  async run({ flags, args: [pipeline] }, io) {
    const home = await stateHome(findRoot(io.cwd), flags.profile ?? 'local', flags, io.cwd)
    const folder = serveFolder(home)
    if (!existsSync(folder) || holderOf(folder) === undefined)
      throw new MillraceError('not_served', `no \`pipe serve\` is running for the states in ${home}`, { exitCode: 3 })
    const ledger = readLedger(home)
    const names = ledger?.names() ?? []
    ledger?.close()
    if (!names.includes(pipeline!))
      throw usageError(`No pipeline \`${pipeline}\` is served.`, `There are: ${names.join(', ')}.`)
    const asked = ask(home, pipeline!, systemClock.now())
    io.out(flags.json ? `${JSON.stringify(asked)}\n` : `Asked for a run of ${pipeline}; \`pipe runs list\` shows it.\n`)
    return 0
  },
})
