import { readStore, stateFolder } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { findRoot, homeOf } from '../project.ts'
import { count, table } from '../print/table.ts'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export default defineCommand({
  name: 'state show',
  summary: 'Show what a pipeline has saved: how far each split is, what is held in steps, what waits to be published. It may be running.',
  args: [['[PIPELINE]', 'The name in the spec. Default: list the pipelines that have state.']],
  flags: {
    profile: { type: 'text', value: 'NAME', description: 'Profile; default local.' },
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  examples: [
    ['pipe state show', 'Which pipelines have state.'],
    ['pipe state show orders', 'How far `orders` is.'],
  ],
  async run({ flags, args: [pipeline] }, io) {
    const home = homeOf(findRoot(io.cwd), flags.profile ?? 'local')
    if (pipeline === undefined) {
      const names = existsSync(home) ? readdirSync(home).filter((name) => existsSync(join(home, name, 'state.db'))) : []
      io.out(flags.json ? `${JSON.stringify(names)}\n` : names.length ? `${names.join('\n')}\n` : `No pipeline has state under ${home}.\n`)
      return 0
    }
    const store = readStore(stateFolder(home, pipeline))
    if (!store)
      throw usageError(
        `There is no state of a pipeline \`${pipeline}\` under ${home}.`,
        'Names are those of `pipe state show`; another profile has other state.',
      )
    try {
      const shown = { pipeline, folder: store.folder, heldBy: store.holder() ?? null, ...store.run(), stages: store.stages(), ...store.overview() }
      if (flags.json) io.out(`${JSON.stringify(shown, undefined, 2)}\n`)
      else {
        io.out(`${pipeline}: run ${shown.incarnation ?? 0}, ${shown.ended ? 'ended' : `not ended, ${count(shown.epoch ?? 0)} epochs saved`}\n`)
        io.out(shown.heldBy ? `Running now: ${shown.heldBy}\n` : 'Not running.\n')
        io.out(
          `\n${table(
            [{ title: 'source' }, { title: 'split' }, { title: 'position' }, { title: '' }],
            shown.positions.map((p) => [p.source, p.split, JSON.stringify(p.position ?? null), p.ended ? 'done' : '']),
          )}`,
        )
        if (shown.steps.length)
          io.out(
            `\n${table(
              [{ title: 'step' }, { title: 'entries held', right: true }],
              shown.steps.map((s) => [s.step, count(s.entries)]),
            )}`,
          )
        if (shown.stages.length) io.out(`\n${count(shown.stages.length)} results are finished and wait to be published at the next start.\n`)
      }
      return 0
    } finally {
      store.close()
    }
  },
})
