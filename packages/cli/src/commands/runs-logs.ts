import { defineCommand } from '../command.ts'
import { logLineText } from '../print/log-line.ts'
import { findRoot, stateFlags, stateHome } from '../project.ts'
import { findRun } from '../serve/find-run.ts'
import { readLog } from '../serve/run-log.ts'

export default defineCommand({
  name: 'runs logs',
  summary: 'Print the log of a run of `pipe serve`.',
  args: [['RUN', 'Its number, or the name of a pipeline for its last run.']],
  flags: stateFlags,
  examples: [['pipe runs logs report --json', 'The last run of `report`, as JSON lines.']],
  async run({ flags, args: [which] }, io) {
    const home = await stateHome(findRoot(io.cwd), flags.profile ?? 'local', flags, io.cwd)
    const run = findRun(home, which!)
    const text = readLog(home, run.pipeline, run.id)
    io.out(
      flags.json
        ? text
        : text
            .split(/(?<=\n)/)
            .map(logLineText)
            .join(''),
    )
    return 0
  },
})
