import { defineCommand } from '../command.ts'
import { runRow, runText } from '../print/runs.ts'
import { findRoot, stateFlags, stateHome } from '../project.ts'
import { findRun } from '../serve/find-run.ts'

export default defineCommand({
  name: 'runs show',
  summary: 'Show a run of `pipe serve`: when it was due and ran, how it ended, what it counted.',
  args: [['RUN', 'Its number, or the name of a pipeline for its last run.']],
  flags: stateFlags,
  examples: [['pipe runs show report', 'The last run of `report`.']],
  async run({ flags, args: [which] }, io) {
    const home = await stateHome(findRoot(io.cwd), flags.profile ?? 'local', flags, io.cwd)
    const run = findRun(home, which!)
    io.out(flags.json ? `${JSON.stringify(runRow(run), undefined, 2)}\n` : runText(run))
    return 0
  },
})
