import { holderOf } from '@millrace/core'
import { defineCommand } from '../command.ts'
import { wholeNumber } from '../number.ts'
import { runRow, runTable } from '../print/runs.ts'
import { findRoot, stateFlags, stateHome } from '../project.ts'
import { readLedger, serveFolder } from '../serve/ledger.ts'

export default defineCommand({
  name: 'runs list',
  summary: 'List the last runs of `pipe serve`, newest first, and specs and edits that are not in effect.',
  args: [['[PIPELINE]', 'Only those of this pipeline.']],
  flags: { ...stateFlags, limit: { type: 'text', value: 'N', description: 'At most this many; default 20.' } },
  examples: [
    ['pipe runs list', 'The last 20 runs.'],
    ['pipe runs list report --limit 5 --json', 'The last five of one pipeline, as JSON.'],
  ],
  async run({ flags, args: [pipeline] }, io) {
    const home = await stateHome(findRoot(io.cwd), flags.profile ?? 'local', flags, io.cwd)
    const limit = wholeNumber('--limit', flags.limit, 20)
    const ledger = readLedger(home)
    const runs = ledger?.list({ pipeline, limit }) ?? []
    const refused = ledger?.refused() ?? []
    ledger?.close()
    const servedBy = ledger && holderOf(serveFolder(home))
    if (flags.json) {
      io.out(`${JSON.stringify({ servedBy: servedBy ?? null, refused, runs: runs.map(runRow) }, undefined, 2)}\n`)
      return 0
    }
    io.out(servedBy ? `Served by ${servedBy}.\n` : 'Not served now.\n')
    for (const { spec, reason, served } of refused)
      io.out(
        served
          ? `The edit of ${spec} is not in effect, the spec as it was goes on: ${reason}\n`
          : `${spec} is not served: ${reason}\n`,
      )
    io.out(runs.length > 0 ? `\n${runTable(runs)}` : 'No runs yet.\n')
    return 0
  },
})
