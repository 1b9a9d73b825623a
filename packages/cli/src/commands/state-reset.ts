import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  instanceFolders,
  MillraceError,
  openStore,
  readStore,
  removeWatermarks,
  type StoreReader,
  stateFile,
  stateFolder,
} from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { count } from '../print/table.ts'
import { findRoot, stateFlags, stateHome } from '../project.ts'

export default defineCommand({
  name: 'state reset',
  summary: 'Delete the saved state of a pipeline, so that its next run reads everything again. Its outputs stay.',
  details:
    'The run number keeps counting, so file names are not reused. Lists what is half-written or not yet published; to publish it, run and stop the pipeline once before the reset. Damaged state, or state of another version, is renamed and kept.',
  args: [['PIPELINE', 'The name in the spec.']],
  flags: {
    ...stateFlags,
    yes: { type: 'boolean', description: 'Delete it. Without this flag the command only lists what would be deleted.' },
  },
  examples: [
    ['pipe state reset orders', 'List what would be deleted.'],
    ['pipe state reset orders --yes', 'Delete it.'],
  ],
  async run({ flags, args: [pipeline] }, io) {
    const home = await stateHome(findRoot(io.cwd), flags.profile ?? 'local', flags, io.cwd)
    const folders = instanceFolders(home, pipeline!).map(({ folder }) => folder)
    const own = stateFolder(home, pipeline!)
    if (folders.length === 0 && existsSync(own) && readdirSync(own).length > 0) folders.push(own)
    if (folders.length === 0)
      throw usageError(`There is no state of a pipeline \`${pipeline}\` under ${home}.`, 'See `pipe state show`.')
    const all = folders.map((folder) => reset(folder, flags.yes))
    if (flags.json) io.out(`${JSON.stringify({ pipeline, done: flags.yes, instances: all })}\n`)
    else {
      io.out(all.map((one) => textOf(one, flags.yes)).join(''))
      io.out(flags.yes ? `The next run of ${pipeline} starts from the beginning.\n` : 'Add --yes to do it.\n')
    }
    return 0
  },
})

interface Reset {
  readonly folder: string
  readonly positions: number
  readonly stateEntries: number
  /** Results that are not published, and sinks with a half-written file. */
  readonly stages: readonly { readonly sink: string; readonly stage: unknown }[]
  readonly unfinished: readonly string[]
  /** Why it cannot be read, and where it was moved. */
  readonly broken?: string
  readonly setAside?: string
}

/** What one instance has saved; deletes it if asked to. */
function reset(folder: string, isMeant: boolean): Reset {
  const none = { folder, positions: 0, stateEntries: 0, stages: [], unfinished: [] }
  let saved: StoreReader | undefined
  try {
    saved = readStore(folder)
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code === 'state_unwritable') throw error
    return { ...none, broken: error.message, ...(isMeant ? { setAside: setAside(folder) } : {}) }
  }
  if (!saved) return none
  const { positions, steps } = saved.overview()
  const found = {
    folder,
    positions: positions.length,
    stateEntries: steps.reduce((total, step) => total + step.entries, 0),
    stages: saved.stages().map(({ sink, stage }) => ({ sink, stage })),
    unfinished: saved.resumes().flatMap(({ sink, unfinished }) => (unfinished ? [sink] : [])),
  }
  saved.close()
  if (isMeant) forget(folder)
  return found
}

function forget(folder: string): void {
  const store = openStore(folder)
  try {
    store.clear()
  } finally {
    store.close()
  }
  removeWatermarks(folder)
  rmSync(join(folder, 'inbox'), { recursive: true, force: true })
}

/** Renames an unreadable folder to a name that is never looked up. */
function setAside(folder: string): string {
  const at = statSync(existsSync(stateFile(folder)) ? stateFile(folder) : folder).mtime
  const name = `.${basename(folder)}.${at.toISOString().replaceAll(/[:.]/g, '-')}.broken`
  const target = join(dirname(folder), name)
  renameSync(folder, target)
  return target
}

function textOf(one: Reset, isDone: boolean): string {
  const { folder, positions, stateEntries, stages, unfinished, broken, setAside } = one
  if (broken !== undefined)
    return setAside ? `${broken}\nIt was set aside: ${setAside}\n` : `${broken}\nThis would set ${folder} aside.\n`
  const what = `${count(positions)} positions and ${count(stateEntries)} entries of steps`
  const lines = [`${isDone ? 'Deleted' : 'This would delete'}: ${what}, in ${folder}.`]
  for (const { sink, stage } of stages)
    lines.push(`  discarded, finished but not published: ${sink} ${JSON.stringify(stage)}`)
  for (const sink of unfinished) lines.push(`  discarded, half-written: a file of ${sink}`)
  if (stages.length + unfinished.length > 0 && !isDone)
    lines.push('  To keep these, start the pipeline once and stop it: that publishes them.')
  return `${lines.join('\n')}\n`
}
