import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { instanceFolders, readStore, stateFile } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { count, table } from '../print/table.ts'
import { findRoot, stateFlags, stateHome } from '../project.ts'

export default defineCommand({
  name: 'state show',
  summary:
    'Show the saved state of a pipeline: the position of each split, the memory of steps, and what is not yet published. The pipeline may be running.',
  args: [['[PIPELINE]', 'The name in the spec; default: list the pipelines that have state.']],
  flags: stateFlags,
  examples: [
    ['pipe state show', 'The pipelines that have state.'],
    ['pipe state show orders', 'The state of `orders`.'],
  ],
  async run({ flags, args: [pipeline] }, io) {
    const home = await stateHome(findRoot(io.cwd), flags.profile ?? 'local', flags, io.cwd)
    if (pipeline === undefined) {
      const names = existsSync(home) ? readdirSync(home).filter((name) => existsSync(stateFile(join(home, name)))) : []
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
    if (shown.length === 0)
      throw usageError(
        `There is no state of a pipeline \`${pipeline}\` under ${home}.`,
        '`pipe state show` lists the names. Each profile has its own state.',
      )
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
    const { signature: _, ...run } = store.run() ?? { incarnation: 0, epoch: 0, ended: false, signature: {} }
    return {
      pipeline,
      folder,
      heldBy: store.holder() ?? null,
      ...run,
      stages: store.stages(),
      commitActions: store.commitActions(),
      unfinished: store.resumes().flatMap(({ sink, unfinished }) => (unfinished ? [sink] : [])),
      ...store.overview(),
    }
  } finally {
    store.close()
  }
}

function textOf(state: NonNullable<ReturnType<typeof saved>>): string {
  const { pipeline, incarnation, ended, epoch, heldBy, positions, steps, stages, commitActions, unfinished } = state
  const how = ended ? 'ended' : `not ended, ${count(epoch)} epochs saved`
  const head = `${pipeline}: run ${incarnation}, ${how}\n${heldBy ? `Running now: ${heldBy}\n` : ''}`
  const splits = table(
    [{ title: 'source' }, { title: 'split' }, { title: 'position' }, { title: '' }],
    positions.map((p) => [p.source, p.split, JSON.stringify(p.position ?? null), p.ended ? 'done' : '']),
  )
  const held = table(
    [{ title: 'step' }, { title: 'entries held', right: true }],
    steps.map((s) => [s.step, count(s.entries)]),
  )
  const left = [
    ...(stages.length ? [`${count(stages.length)} results are finished and will be published at the next start.`] : []),
    ...(commitActions.length
      ? [`${count(commitActions.length)} inputs will be moved or removed at the next start.`]
      : []),
    ...unfinished.map((sink) => `${sink} has a half-written file.`),
  ]
  return `${head}\n${splits}${steps.length ? `\n${held}` : ''}${left.length ? `\n${left.join('\n')}\n` : ''}`
}
