/**
 * Instances of a pipeline share its splits: instance i of n reads the splits with number % n = i and has a state folder of its own, `<pipeline>.i-n` (one that runs
 * alone: `<pipeline>`). Another n means other folders, so a start beside folders of another n is refused, and `rescale` moves what is saved.
 *
 * It goes in three steps that a crash may part. The new folders are filled under names that no run looks for. Then a file `<pipeline>.rescale` says that they are
 * complete; from there on the way leads forward only: every start is refused, and the next rescale ends what was begun. Then the new folders get their names and the
 * old ones go. Every new folder gets all positions: a split is its owner's, so the others only tell an instance that the source was read before.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from './errors.ts'
import type { Plan } from './plan.ts'
import type { Json } from './record.ts'
import { summed } from './run/counters.ts'
import { type Content, openStore, type Store, stateFolder } from './store.ts'

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
    if (!existsSync(join(folder, 'state.db'))) continue
    if (name === pipeline) found.push({ folder, i: 0, n: 1 })
    const [, i, n] = name.startsWith(`${pipeline}.`)
      ? (/^(\d+)-(\d+)$/.exec(name.slice(pipeline.length + 1)) ?? [])
      : []
    if (i !== undefined) found.push({ folder, i: Number(i), n: Number(n) })
  }
  return found.sort((a, b) => a.n - b.n || a.i - b.i)
}

/** Throws `other_scale` where the pipeline has state of another number of instances, `not_shared` where it cannot run as several. */
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
  const source = plan.sources.find((each) => !each.side && !each.capabilities.shares)
  if (source)
    throw new MillraceError('not_shared', `${source.id} (${source.type}) has no splits that instances could share`, {
      place: source.id,
      exitCode: 2,
    })
  const step = plan.steps.find((each) => each.stateful)
  if (step)
    throw new MillraceError('not_shared', `${step.id} (${step.type}) keeps memory, which must be in one place`, {
      place: step.id,
      exitCode: 2,
    })
}

/** Moves the state of a pipeline to `to` instances. All of them must be stopped; each that has state must be here. Returns how many positions were moved. */
export function rescale(
  home: string,
  pipeline: string,
  to: number,
): { readonly from: number; readonly positions: number } {
  const mark = markOf(home, pipeline)
  if (existsSync(mark)) {
    const begun = JSON.parse(readFileSync(mark, 'utf8')) as { from: number; to: number; positions: number }
    finish(home, pipeline, begun.from, begun.to)
    if (begun.to === to) return { from: begun.from, positions: begun.positions }
  }
  const folders = instanceFolders(home, pipeline)
  const from = folders[0]?.n
  if (from === undefined)
    throw new MillraceError('no_state', `there is no state of a pipeline ${pipeline} under ${home}`, { exitCode: 2 })
  const missing = Array.from({ length: from }, (_, i) => i).filter(
    (i) => !folders.some((each) => each.i === i && each.n === from),
  )
  if (missing.length > 0 || folders.length !== from) {
    const what =
      missing.length > 0
        ? `the state of instance ${missing.map((i) => `${i}/${from}`).join(', ')} of ${pipeline} is missing`
        : `${pipeline} has state of different numbers of instances`
    throw new MillraceError('rescale_refused', what, {
      hint: `bring the folders of all instances to ${home}`,
      exitCode: 2,
    })
  }
  if (from === to) return { from, positions: 0 }
  const stores: Store[] = []
  try {
    for (const { folder } of folders) stores.push(openStore(folder))
    const content = merged(pipeline, stores)
    const replays = stores.flatMap((store) => store.replays())
    for (let i = 0; i < to; i++) {
      const target = newFolder(home, pipeline, i, to)
      rmSync(target, { recursive: true, force: true })
      const store = openStore(target)
      try {
        // What was counted so far is told by the first.
        store.fill(i === 0 ? content : { ...content, counters: {} })
        for (const { id, step, specHash } of replays) store.recordReplayed([{ id, step }], specHash)
      } finally {
        store.close()
      }
    }
    writeFileSync(`${mark}.part`, JSON.stringify({ from, to, positions: content.positions.length }), { flush: true })
    renameSync(`${mark}.part`, mark)
    finish(home, pipeline, from, to)
    return { from, positions: content.positions.length }
  } finally {
    for (const store of stores) store.close()
  }
}

const newFolder = (home: string, pipeline: string, i: number, n: number): string =>
  join(home, `.${pipeline}.${i}-${n}.new`)

/** The folders change places. May be repeated. */
function finish(home: string, pipeline: string, from: number, to: number): void {
  for (let i = 0; i < to; i++) {
    const made = newFolder(home, pipeline, i, to)
    if (existsSync(made)) renameSync(made, stateFolder(home, pipeline, { i, n: to }))
  }
  for (let i = 0; i < from; i++) rmSync(stateFolder(home, pipeline, { i, n: from }), { recursive: true, force: true })
  rmSync(markOf(home, pipeline))
}

/** What all instances have saved, as of one. Throws `rescale_refused` for what cannot be divided. */
function merged(pipeline: string, stores: readonly Store[]): Content {
  const refuse = (what: string, hint: string) =>
    new MillraceError('rescale_refused', `${pipeline} cannot be rescaled: ${what}`, { hint, exitCode: 2 })
  const positions: Content['positions'][number][] = []
  const memory = new Map<string, Content['memory'][number]>()
  const runs = stores.map((store) => store.run())
  for (const [i, store] of stores.entries()) {
    const { positions: saved, steps } = store.overview()
    if (steps.length > 0)
      throw refuse(
        `step ${steps[0]!.step} has memory`,
        'a key of a step with memory lives in one place: let the run end, or reset the state',
      )
    if (store.stages().length > 0)
      throw refuse(
        'finished results wait to be published',
        'start it and stop it again as it was, so that they are published',
      )
    if (store.resumes().length > 0)
      throw refuse(
        `sink ${store.resumes()[0]} has a file half written`,
        'let the run come to its end: a file that is open belongs to one instance',
      )
    for (const each of saved) {
      if (stores.length > 1 && !/^\d+$/.test(each.split))
        throw refuse(`split ${each.split} of ${each.source} has no number`, 'its source does not share its splits')
      if (stores.length === 1 || Number(each.split) % stores.length === i) positions.push(each)
    }
    for (const each of store.memory()) memory.set(`${each.source}\0${each.key}`, each)
  }
  const begun = runs.filter((run) => run !== undefined)
  if (begun.length === 0) throw refuse('it has never saved anything', 'start it with the new number of instances')
  return {
    run: {
      incarnation: Math.max(...begun.map((run) => run.incarnation)),
      epoch: Math.max(...begun.map((run) => run.epoch)),
      ended: runs.every((run) => run?.ended === true),
      specHash: begun[0]!.specHash,
    },
    positions,
    memory: [...memory.values()],
    counters: stores
      .map((store) => store.counters())
      .reduce((all, one) => summed(all, one) as Record<string, Json>, {}),
  }
}
