import { instanceFolders, openStore, renameOrder } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { findRoot, stateFlags, stateHome } from '../project.ts'

export default defineCommand({
  name: 'state move',
  summary: 'Move the saved state of a source, step or sink to its new id after renaming it in the spec.',
  details:
    'Positions, memory, counters, stages and dead letters move with it. Record ids that contain the old name keep it; new records get the new one. The pipeline must be stopped.',
  args: [
    ['PIPELINE', 'The name in the spec.'],
    ['OLD', 'The old id.'],
    ['NEW', 'The new id.'],
  ],
  flags: stateFlags,
  examples: [['pipe state move orders per_country by_country', 'The step `per_country` is now named `by_country`.']],
  async run({ flags, args: [pipeline, from, to] }, io) {
    const home = await stateHome(findRoot(io.cwd), flags.profile ?? 'local', flags, io.cwd)
    const folders = instanceFolders(home, pipeline!)
    if (folders.length === 0)
      throw usageError(`There is no state of a pipeline \`${pipeline}\` under ${home}.`, 'See `pipe state show`.')
    for (const { folder } of folders) {
      const store = openStore(folder)
      try {
        const known = store.idsOf()
        if (!known.has(from!))
          throw usageError(
            `The state of ${pipeline} has nothing under \`${from}\`.`,
            `It has: ${[...known].join(', ')}`,
          )
        if (store.hasState(to!))
          throw usageError(`The state of ${pipeline} already has something under \`${to}\`.`, 'Nothing was moved.')
        store.rename(from!, to!)
        renameOrder(folder, from!, to!)
      } finally {
        store.close()
      }
    }
    io.out(
      flags.json
        ? `${JSON.stringify({ pipeline, from, to })}\n`
        : `${pipeline}: the state of ${from} now belongs to ${to}.\n`,
    )
    return 0
  },
})
