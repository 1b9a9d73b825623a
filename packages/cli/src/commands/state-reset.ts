import { instanceFolders, openStore, readStore } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { findRoot, homeOf } from '../project.ts'
import { count } from '../print/table.ts'

export default defineCommand({
  name: 'state reset',
  summary: 'Forget what a pipeline has saved, so that its next run reads everything again. What it has written stays.',
  details:
    'The number of the run goes on, so names of files made before are not used again. Finished results that were not published yet are given up.',
  args: [['PIPELINE', 'The name in the spec.']],
  flags: {
    profile: { type: 'text', value: 'NAME', description: 'Profile; default local.' },
    yes: { type: 'boolean', description: 'Do it. Without, it only says what would be forgotten.' },
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  examples: [
    ['pipe state reset orders', 'Say what would be forgotten.'],
    ['pipe state reset orders --yes', 'Forget it.'],
  ],
  async run({ flags, args: [pipeline] }, io) {
    const home = homeOf(findRoot(io.cwd), flags.profile ?? 'local')
    const folders = instanceFolders(home, pipeline!)
    if (folders.length === 0)
      throw usageError(`There is no state of a pipeline \`${pipeline}\` under ${home}.`, 'See `pipe state show`.')
    const all = folders.map(({ folder }) => reset(folder, flags.yes))
    const sum = (key: 'positions' | 'stateEntries' | 'stages') => all.reduce((total, one) => total + one[key], 0)
    const forgotten = {
      pipeline,
      positions: sum('positions'),
      stateEntries: sum('stateEntries'),
      stages: sum('stages'),
      done: flags.yes,
    }
    if (flags.json) io.out(`${JSON.stringify(forgotten)}\n`)
    else {
      const what = `${count(forgotten.positions)} positions, ${count(forgotten.stateEntries)} entries of steps and ${count(forgotten.stages)} results not published`
      io.out(
        flags.yes
          ? `Forgotten: ${what}. The next run of ${pipeline} starts from the beginning.\n`
          : `This would forget ${what}. Add --yes to do it.\n`,
      )
    }
    return 0
  },
})

/** What one instance has saved, and, where it is meant so, forgets. */
function reset(
  folder: string,
  isMeant: boolean,
): { readonly positions: number; readonly stateEntries: number; readonly stages: number } {
  const saved = readStore(folder)
  if (!saved) return { positions: 0, stateEntries: 0, stages: 0 }
  const { positions, steps } = saved.overview()
  const stages = saved.stages()
  saved.close()
  if (isMeant) {
    const store = openStore(folder)
    try {
      store.recordPublished(stages.map((stage) => stage.id))
      store.begin('reset')
    } finally {
      store.close()
    }
  }
  return {
    positions: positions.length,
    stateEntries: steps.reduce((total, step) => total + step.entries, 0),
    stages: stages.length,
  }
}
