/**
 * Instances of a pipeline share its splits, each split read by exactly one of them (owner.ts), and each has a state
 * folder of its own, `<pipeline>.i-n` (one that runs alone: `<pipeline>`). Another n means other folders, so a start
 * beside folders of another n is refused, and `rescale` moves what is saved.
 *
 * It goes in three steps that a crash may part. The new folders are filled under names that no run looks for. Then a
 * file `<pipeline>.rescale` says that they are complete; from there on the way leads forward only: every start is
 * refused, and the next rescale ends what was begun. Then the new folders get their names and the old ones go. The
 * locks of all old folders are held throughout, and a start looks for the file again once it has its own lock: so
 * neither comes between.
 *
 * What is saved moves with its split: positions, lanes, and memory of steps that keep each split's apart. Memory that
 * is one for all splits cannot be divided, and neither can a file that is half written.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crashPoint } from '../crash.ts'
import { MillraceError } from '../errors/index.ts'
import { ownerOf } from './owner.ts'
import type { Plan } from '../plan/index.ts'
import type { Json } from '../record/index.ts'
import { summed } from './counters.ts'
import { hasUncovered } from './order.ts'
import { type Content, openStore, type Store, stateFile, stateFolder } from '../store/index.ts'

/** The state folder of one instance. */
export interface InstanceFolder {
  readonly folder: string
  readonly i: number
  readonly n: number
}

const markOf = (home: string, pipeline: string): string => join(home, `${pipeline}.rescale`)

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
 * Throws `other_scale` where the pipeline has state from another number of instances, `not_shared` where it cannot run
 * as several.
 */
export function checkScale(home: string, plan: Plan, n: number): void {
  const other = instanceFolders(home, plan.name).find((each) => each.n !== n)
  if (other || existsSync(markOf(home, plan.name))) {
    const what = other
      ? `${plan.name} has state of ${other.n === 1 ? 'one instance' : `${other.n} instances`}: ${other.folder}`
      : `rescaling ${plan.name} was interrupted`
    throw new MillraceError('other_scale', what, {
      hint: `move it, with all of them stopped: pipe state rescale ${plan.name} --to ${n}`,
      exitCode: 2,
    })
  }
  if (n === 1) return
  const refuse = (id: string, what: string) => new MillraceError('not_shared', what, { place: id, exitCode: 2 })
  for (const { id, type, side, capabilities } of plan.sources)
    if (!side && !capabilities.shares) throw refuse(id, `${id} (${type}) has no splits that instances could share`)
  for (const { id, type, stateful, partitionedBy } of plan.steps)
    if (stateful && !partitionedBy) throw refuse(id, `${id} (${type}) keeps memory, which must be in one place`)
}

/**
 * Moves the state of a pipeline to `to` instances. All of them must be stopped; each that has state must be here.
 * Returns how many positions were moved.
 */
export function rescale(
  home: string,
  pipeline: string,
  to: number,
): { readonly from: number; readonly positions: number } {
  const mark = markOf(home, pipeline)
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
    const content = merged(pipeline, stores)
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

/** The folders of all instances, which must be there. */
function allFolders(home: string, pipeline: string): InstanceFolder[] {
  const folders = instanceFolders(home, pipeline)
  const from = folders[0]?.n
  if (from === undefined)
    throw new MillraceError('no_state', `there is no state of a pipeline ${pipeline} under ${home}`, { exitCode: 2 })
  const missing = Array.from({ length: from }, (_, i) => i).filter(
    (i) => !folders.some((each) => each.i === i && each.n === from),
  )
  if (missing.length === 0 && folders.length === from) return folders
  const what =
    missing.length > 0
      ? `the state of instance ${missing.map((i) => `${i}/${from}`).join(', ')} of ${pipeline} is missing`
      : `${pipeline} has state of different numbers of instances`
  throw new MillraceError('rescale_refused', what, {
    hint: `bring the folders of all instances to ${home}`,
    exitCode: 2,
  })
}

const newFolder = (home: string, pipeline: string, i: number, n: number): string =>
  join(home, `.${pipeline}.${i}-${n}.new`)

/** What belongs to one of the new instances. Counters and what is known of letters go with the first. */
function fillNew(target: string, content: Content, i: number, n: number): void {
  rmSync(target, { recursive: true, force: true })
  const isOwn = (split: string) => ownerOf(split, n) === i
  const store = openStore(target)
  try {
    store.adopt({
      ...content,
      // Every one gets all positions: a split is its owner's, the others only tell that the source was read before.
      entries: content.entries.filter(({ split }) => isOwn(split)),
      lanes: content.lanes.filter(({ lane }) => lane === '' || isOwn(lane)),
      ...(i === 0 ? {} : { counters: {}, letters: [] }),
    })
  } finally {
    store.close()
  }
}

/** The folders change places. May be repeated. */
function finish(home: string, pipeline: string, from: number, to: number, held: readonly Store[]): void {
  for (let i = 0; i < to; i++) {
    const made = newFolder(home, pipeline, i, to)
    if (existsSync(made)) renameSync(made, stateFolder(home, pipeline, { i, n: to }))
  }
  crashPoint('rescale_renamed')
  for (const store of held) store.close()
  for (let i = 0; i < from; i++) rmSync(stateFolder(home, pipeline, { i, n: from }), { recursive: true, force: true })
  rmSync(markOf(home, pipeline))
}

/** What all instances have saved, as of one. Throws `rescale_refused` for what cannot be divided. */
function merged(pipeline: string, stores: readonly Store[]): Content {
  const refuse = (what: string, hint: string) =>
    new MillraceError('rescale_refused', `${pipeline} cannot be rescaled: ${what}`, { hint, exitCode: 2 })
  const contents = stores.map((store) => store.content())
  const memory = new Map<string, Content['memory'][number]>()
  const lanes = new Map<string, Content['lanes'][number]>()
  for (const [i, store] of stores.entries()) {
    const { entries } = contents[i]!
    const shared = entries.find(({ split }) => split === '')
    if (shared)
      throw refuse(
        `step ${shared.step} has one memory for all splits`,
        'declare how the source is partitioned (`partitioned_by`), within the fields that the step goes by; or reset the state',
      )
    if (store.stages().length > 0 || store.duties().length > 0)
      throw refuse(
        'a process that was killed left finished results to publish, or input to remove',
        'start it and stop it again as it was',
      )
    if (hasUncovered(store))
      throw refuse(
        'a process that was killed may have written results whose order must be taken again',
        'start it and stop it again as it was',
      )
    const open = store.resumes().find((each) => each.unfinished)
    if (open)
      throw refuse(
        `sink ${open.sink} has a file half written`,
        'let it roll: a file that is open belongs to one instance',
      )
    for (const each of contents[i]!.memory) memory.set(`${each.source}\0${each.key}`, each)
    for (const each of contents[i]!.lanes) lanes.set(`${each.source}\0${each.lane}`, each)
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
    lanes: [...lanes.values()],
    memory: [...memory.values()],
    steps: [...new Map(contents.flatMap((c) => c.steps).map((step) => [step.step, step])).values()],
    entries: contents.flatMap((c) => c.entries),
    counters: contents
      .map((content) => content.counters)
      .reduce((all, one) => summed(all, one) as Record<string, Json>, {}),
    letters: contents.flatMap((c) => c.letters),
    sinks: [...new Set(contents.flatMap((c) => c.sinks))],
  }
}
