/**
 * Changes the number of instances of a pipeline. Instances share the splits, each split is read by exactly one of them
 * (owner.ts), and each has its own state folder `<pipeline>.i-n` (a single one: `<pipeline>`). A start is refused if
 * there are folders of a different n; `rescale` moves the saved state.
 *
 * It works in three steps, and may be killed between them. First the new folders are filled, under names that no run
 * looks for. Then the file `<pipeline>.rescale` marks them as complete; from here on there is no way back: starts are
 * refused, and the next rescale finishes this one. Last, the new folders get their names and the old ones are removed.
 * The locks of all old folders are held throughout, and a start checks for the marker again once it holds its own lock,
 * so the two cannot interleave.
 *
 * State moves with its split: positions, lanes (rescale-lanes.ts), and the memory of steps that keep it separately for
 * each split. Memory shared by all splits cannot be divided, and neither can a half-written file.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crashPoint } from '../crash.ts'
import { MillraceError } from '../errors/index.ts'
import { ownerOf } from './owner.ts'
import type { Plan } from '../plan/index.ts'
import type { Json } from '../record/index.ts'
import { addCounters } from './counters.ts'
import { hasUncovered } from './order.ts'
import { isWatermark, mergeLanes } from './rescale-lanes.ts'
import { type Content, openStore, type Store, stateFile, stateFolder } from '../store/index.ts'

/** The state folder of one instance. */
export interface InstanceFolder {
  readonly folder: string
  readonly i: number
  readonly n: number
}

const markerPath = (home: string, pipeline: string): string => join(home, `${pipeline}.rescale`)

/** The state folders of all instances of a pipeline, of whatever n. */
export function instanceFolders(home: string, pipeline: string): InstanceFolder[] {
  if (!existsSync(home)) return []
  const found: InstanceFolder[] = []
  for (const name of readdirSync(home)) {
    const folder = join(home, name)
    if (!existsSync(stateFile(folder))) continue
    if (name === pipeline) found.push({ folder, i: 0, n: 1 })
    const [, i, n] = name.startsWith(`${pipeline}.`)
      ? (/^(\d+)-(\d+)$/.exec(name.slice(pipeline.length + 1)) ?? [])
      : []
    if (i !== undefined) found.push({ folder, i: Number(i), n: Number(n) })
  }
  return found.sort((a, b) => a.n - b.n || a.i - b.i)
}

/**
 * Throws `other_scale` if the pipeline has state of a different number of instances, `not_shared` if it cannot run as
 * several.
 */
export function checkScale(home: string, plan: Plan, n: number): void {
  const other = instanceFolders(home, plan.name).find((each) => each.n !== n)
  if (other || existsSync(markerPath(home, plan.name))) {
    const what = other
      ? `${plan.name} has state of ${other.n === 1 ? 'one instance' : `${other.n} instances`}: ${other.folder}`
      : `rescaling ${plan.name} was interrupted`
    throw new MillraceError('other_scale', what, {
      hint: `stop all instances, then move the state: pipe state rescale ${plan.name} --to ${n}`,
      exitCode: 2,
    })
  }
  if (n === 1) return
  const refuse = (id: string, what: string) => new MillraceError('not_shared', what, { place: id, exitCode: 2 })
  for (const { id, type, side, capabilities } of plan.sources)
    if (!side && !capabilities.shares) throw refuse(id, `${id} (${type}) has no splits that instances could share`)
  for (const { id, type, stateful, partitionedBy } of plan.steps)
    if (stateful && !partitionedBy) throw refuse(id, `${id} (${type}) has memory that instances cannot share`)
}

/**
 * Moves the state of a pipeline to `to` instances. All instances must be stopped, and their folders must all be here.
 * Returns how many positions were moved.
 */
export function rescale(
  home: string,
  pipeline: string,
  to: number,
): { readonly from: number; readonly positions: number } {
  const mark = markerPath(home, pipeline)
  if (existsSync(mark)) {
    const begun = JSON.parse(readFileSync(mark, 'utf8')) as { from: number; to: number; positions: number }
    finish(home, pipeline, begun.from, begun.to, [])
    if (begun.to === to) return { from: begun.from, positions: begun.positions }
  }
  const folders = allFolders(home, pipeline)
  const from = folders[0]!.n
  if (from === to) return { from, positions: 0 }
  const stores: Store[] = []
  try {
    for (const { folder } of folders) stores.push(openStore(folder))
    const content = mergeStates(pipeline, stores)
    for (let i = 0; i < to; i++) fillNew(newFolder(home, pipeline, i, to), content, i, to)
    crashPoint('rescale_filled')
    writeFileSync(`${mark}.part`, JSON.stringify({ from, to, positions: content.positions.length }), { flush: true })
    renameSync(`${mark}.part`, mark)
    crashPoint('rescale_marked')
    finish(home, pipeline, from, to, stores)
    return { from, positions: content.positions.length }
  } finally {
    for (const store of stores) store.close()
  }
}

/** The folders of all instances. Throws if one is missing. */
function allFolders(home: string, pipeline: string): InstanceFolder[] {
  const folders = instanceFolders(home, pipeline)
  const from = folders[0]?.n
  if (from === undefined)
    throw new MillraceError('no_state', `there is no state of pipeline ${pipeline} in ${home}`, { exitCode: 2 })
  const missing = Array.from({ length: from }, (_, i) => i).filter(
    (i) => !folders.some((each) => each.i === i && each.n === from),
  )
  if (missing.length === 0 && folders.length === from) return folders
  const what =
    missing.length > 0
      ? `the state of instance ${missing.map((i) => `${i}/${from}`).join(', ')} of ${pipeline} is missing`
      : `${pipeline} has state of different numbers of instances`
  throw new MillraceError('rescale_refused', what, {
    hint: `copy the folders of all instances to ${home}`,
    exitCode: 2,
  })
}

const newFolder = (home: string, pipeline: string, i: number, n: number): string =>
  join(home, `.${pipeline}.${i}-${n}.new`)

/** Fills the folder of one new instance. Counters and letter states go to the first. */
function fillNew(target: string, content: Content, i: number, n: number): void {
  rmSync(target, { recursive: true, force: true })
  const isOwn = (split: string) => ownerOf(split, n) === i
  const store = openStore(target)
  try {
    store.importContent({
      ...content,
      // Every instance gets all positions: those of other instances' splits only show that the source was read before.
      entries: content.entries.filter(({ split }) => isOwn(split)),
      lanes: content.lanes.filter((each) => isWatermark(each) || each.lane === '' || isOwn(each.lane)),
      ...(i === 0 ? {} : { counters: {}, letters: [] }),
    })
  } finally {
    store.close()
  }
}

/** Swaps the folders. Idempotent. */
function finish(home: string, pipeline: string, from: number, to: number, held: readonly Store[]): void {
  for (let i = 0; i < to; i++) {
    const made = newFolder(home, pipeline, i, to)
    if (existsSync(made)) renameSync(made, stateFolder(home, pipeline, { i, n: to }))
  }
  crashPoint('rescale_renamed')
  for (const store of held) store.close()
  for (let i = 0; i < from; i++) rmSync(stateFolder(home, pipeline, { i, n: from }), { recursive: true, force: true })
  rmSync(markerPath(home, pipeline))
}

/** Merges the state of all instances. Throws `rescale_refused` for state that cannot be divided. */
function mergeStates(pipeline: string, stores: readonly Store[]): Content {
  const refuse = (what: string, hint: string) =>
    new MillraceError('rescale_refused', `${pipeline} cannot be rescaled: ${what}`, { hint, exitCode: 2 })
  const contents = stores.map((store) => store.content())
  const memory = new Map<string, Content['memory'][number]>()
  for (const [i, store] of stores.entries()) {
    const shared = contents[i]!.entries.find(({ split }) => split === '')
    if (shared)
      throw refuse(
        `step ${shared.step} has one memory for all splits`,
        'declare how the source is partitioned (`partitioned_by`) by fields that the step groups by, or reset the state',
      )
    if (store.stages().length > 0 || store.commitActions().length > 0)
      throw refuse(
        'a killed process left finished results to publish, or inputs to move or remove',
        'start it with the current number of instances and stop it again: that finishes them',
      )
    if (hasUncovered(store))
      throw refuse(
        'a killed process may have written results that depend on the order of its input',
        'start it with the current number of instances and stop it again: that repeats the order',
      )
    const open = store.resumes().find((each) => each.unfinished)
    if (open)
      throw refuse(
        `sink ${open.sink} has an open file`,
        'let the file roll first: an open file belongs to one instance',
      )
    for (const each of contents[i]!.memory) memory.set(`${each.source}\0${each.key}`, each)
  }
  const runs = stores.map((store) => store.run())
  const begun = runs.filter((run) => run !== undefined)
  if (begun.length === 0) throw refuse('it has never saved anything', 'start it with the new number of instances')
  const last = begun.reduce((newest, run) => (run.incarnation > newest.incarnation ? run : newest))
  return {
    run: {
      incarnation: last.incarnation,
      id: last.id,
      epoch: Math.max(...begun.map((run) => run.epoch)),
      ended: runs.every((run) => run?.ended === true),
      signature: begun[0]!.signature,
      beganMs: Math.min(...begun.map((run) => run.beganMs)),
      countedFromMs: Math.min(...begun.map((run) => run.countedFromMs)),
    },
    positions: contents.flatMap((content, i) =>
      content.positions.filter(({ split }) => ownerOf(split, stores.length) === i),
    ),
    lanes: mergeLanes(contents.map((content) => content.lanes)),
    memory: [...memory.values()],
    steps: [...new Map(contents.flatMap((c) => c.steps).map((step) => [step.step, step])).values()],
    entries: contents.flatMap((c) => c.entries),
    counters: contents
      .map((content) => content.counters)
      .reduce((all, one) => addCounters(all, one) as Record<string, Json>, {}),
    letters: contents.flatMap((c) => c.letters),
    sinks: [...new Set(contents.flatMap((c) => c.sinks))],
  }
}
