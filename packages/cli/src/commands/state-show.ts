import { instanceFolders, readStore } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { findRoot, homeOf } from '../project.ts'
import { count, table } from '../print/table.ts'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export default defineCommand({
  name: 'state show',
  summary:
    'Show what a pipeline has saved: how far each split is, what is held in steps, what waits to be published. It may be running.',
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
      io.out(
        flags.json
          ? `${JSON.stringify(names)}\n`
          : names.length
            ? `${names.join('\n')}\n`
            : `No pipeline has state under ${home}.\n`,
      )
      return 0
    }
    const shown = instanceFolders(home, pipeline).flatMap(
      ({ folder, i, n }) => saved(folder, n > 1 ? `${pipeline} ${i}/${n}` : pipeline) ?? [],
    )
    if (shown.length === 0) {
      throw usageError(
        `There is no state of a pipeline \`${pipeline}\` under ${home}.`,
        'Names are those of `pipe state show`; another profile has other state.',
      )
    }
    if (flags.json) io.out(`${JSON.stringify(shown.length === 1 ? shown[0] : shown, undefined, 2)}\n`)
    else io.out(shown.map(textOf).join('\n'))
    return 0
  },
})

/** What one instance has saved; undefined: nothing yet. */
function saved(folder: string, pipeline: string) {
  const store = readStore(folder)
  if (!store) return undefined
  try {
    return {
      pipeline,
      folder,
      heldBy: store.holder() ?? null,
      ...store.run(),
      stages: store.stages(),
      ...store.overview(),
    }
  } finally {
    store.close()
  }
}

function textOf({
  pipeline,
  incarnation,
  ended,
  epoch,
  heldBy,
  positions,
  steps,
  stages,
}: NonNullable<ReturnType<typeof saved>>): string {
  const head = `${pipeline}: run ${incarnation ?? 0}, ${ended ? 'ended' : `not ended, ${count(epoch ?? 0)} epochs saved`}\n${heldBy ? `Running now: ${heldBy}` : 'Not running.'}\n`
  const splits = table(
    [{ title: 'source' }, { title: 'split' }, { title: 'position' }, { title: '' }],
    positions.map((p) => [p.source, p.split, JSON.stringify(p.position ?? null), p.ended ? 'done' : '']),
  )
  const held = table(
    [{ title: 'step' }, { title: 'entries held', right: true }],
    steps.map((s) => [s.step, count(s.entries)]),
  )
  const waiting = stages.length
    ? `\n${count(stages.length)} results are finished and wait to be published at the next start.\n`
    : ''
  return `${head}\n${splits}${steps.length ? `\n${held}` : ''}${waiting}`
}
