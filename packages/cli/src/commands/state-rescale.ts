import { instanceFolders, rescale } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { findRoot, stateFlags, stateHome } from '../project.ts'
import { count } from '../print/table.ts'

export default defineCommand({
  name: 'state rescale',
  summary:
    'Move the saved state of a pipeline to another number of instances. Stop all of them first, and put their state folders in one place.',
  details:
    'Instances share the splits of a stream: `pipe run PIPELINE --instance 0/2`. Positions move, and with them the memory that steps keep per split. A half-written file cannot move.',
  args: [['PIPELINE', 'The name in the spec.']],
  flags: {
    to: { type: 'text', value: 'N', description: 'The new number of instances.' },
    ...stateFlags,
  },
  examples: [
    ['pipe state rescale orders --to 3', 'Continue as instances 0/3, 1/3 and 2/3.'],
    ['pipe state rescale orders --to 1', 'Continue as one instance.'],
  ],
  async run({ flags, args: [pipeline] }, io) {
    const to = Number(flags.to)
    if (flags.to === undefined || !/^[1-9]\d{0,3}$/.test(flags.to))
      throw usageError('--to takes the number of instances, at least 1.')
    const home = await stateHome(findRoot(io.cwd), flags.profile ?? 'local', flags, io.cwd)
    if (instanceFolders(home, pipeline!).length === 0)
      throw usageError(`There is no state of a pipeline \`${pipeline}\` under ${home}.`, 'See `pipe state show`.')
    const { from, positions } = rescale(home, pipeline!, to)
    if (flags.json) io.out(`${JSON.stringify({ pipeline, from, to, positions })}\n`)
    else if (from === to) io.out(`${pipeline} already has state of ${count(to)}.\n`)
    else io.out(`${pipeline}: ${count(positions)} positions moved from ${count(from)} to ${count(to)} instances.\n`)
    return 0
  },
})
