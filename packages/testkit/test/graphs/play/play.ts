/**
 * Plays a case: starts it, lets it die where the script says, starts it again until it has come to its end. On the way
 * happens what happens to a pipeline: readers take files away, more input comes, a person mends a record that stopped
 * it. `onPause` is shown what is there each time that nothing runs.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type MillraceError, type Plan, readStore, run, stateFolder, type Summary } from '@millrace/core'
import { ForgetfulDisk } from '../../../src/disk.ts'
import type { Case } from '../case.ts'
import { pipeline } from '../project/spec.ts'
import { mendInput, writeInput } from '../project/input.ts'
import { makeRoot } from '../project/root.ts'
import type { Random } from '../random.ts'
import { type Death, Life } from './life.ts'
import { type Outputs, outputsOf, type Reader, type Taken } from './outputs.ts'
import { registryOfLife } from './registry.ts'

/** How far each split was saved: bytes of a file, records of a log. By source and the split's name. */
export type Saved = ReadonlyMap<string, number>

/** A moment in which nothing runs. */
export interface Pause {
  readonly why: 'killed' | 'stopped' | 'failed' | 'round' | 'done'
  readonly saved: Saved
  readonly outputs: Outputs
  /** What the run ended with, where it was not killed. */
  readonly error?: MillraceError
  readonly summary?: Summary
  readonly corrected: ReadonlySet<string>
}

export interface Script {
  /** How the first lives end. */
  readonly deaths: readonly (Death | undefined)[]
  readonly disturbed: boolean
  /** Decides what a power cut leaves of what was not synced. */
  readonly random: Random
  /** The records to be mended when the run stops, by `u`. */
  readonly toMend: ReadonlySet<string>
}

export interface Played {
  readonly pauses: readonly Pause[]
  /** Per life: how often each crash point was passed, and whether it died. */
  readonly lives: readonly { readonly passed: ReadonlyMap<string, number>; readonly died: boolean }[]
  readonly root: string
}

const mostLives = 12
/** A run of a few milliseconds that takes so long hangs. */
const patienceMs = 20_000

export class Hang extends Error {}

export async function play(graph: Case, plan: Plan, root: string, script: Script): Promise<Played> {
  makeRoot(root, graph)
  const home = join(root, '.millrace', 'local')
  const disk = new ForgetfulDisk()
  const taken: Taken = new Map()
  const reader: Reader = {
    files: (folder) => disk.files().filter((path) => path.startsWith(folder)),
    read: (path) => disk.read(path)!,
  }
  const pauses: Pause[] = []
  const lives: { passed: ReadonlyMap<string, number>; died: boolean }[] = []
  let round: 0 | 1 = 0
  let corrected: ReadonlySet<string> = new Set()
  const later = graph.sources.some(({ splits }) =>
    splits.some(({ records }) => records.some((record) => record.round === 1)),
  )
  writeInput(root, graph, 0)
  const moreInput = () => {
    if (round === 1 || !later) return false
    round = 1
    writeInput(root, graph, 1, corrected)
    return true
  }
  while (lives.length < mostLives) {
    const isFirst = lives.length === 0
    const life = new Life(graph, {
      death: script.deaths[lives.length],
      outages: script.disturbed && isFirst,
      pace: isFirst ? 0 : script.random.int(0, 4),
    })
    const ended = await oneLife(graph, plan, root, home, life, disk)
    lives.push({ passed: life.passed, died: life.dead })
    if (life.dead) disk.cutPower(() => script.random.chance(0.3))
    const why = life.dead
      ? 'killed'
      : ended.error
        ? script.toMend.size > 0 && corrected.size === 0
          ? 'stopped'
          : 'failed'
        : later && round === 0
          ? 'round'
          : 'done'
    const outputs = await outputsOf(root, graph, reader, taken)
    pauses.push({ why, saved: savedOf(home, graph), outputs, ...(life.dead ? {} : ended), corrected })
    if (why === 'failed' || why === 'done') break
    if (why === 'round') moreInput()
    if (why === 'killed') {
      if (graph.taken && script.disturbed) await takeFiles(root, graph, disk, taken)
      if (graph.runs === 'continue' && script.random.chance(0.5)) moreInput()
    }
    if (why === 'stopped') {
      corrected = script.toMend
      mendInput(root, graph, round, corrected)
    }
  }
  return { pauses, lives, root }
}

async function oneLife(
  graph: Case,
  plan: Plan,
  root: string,
  home: string,
  life: Life,
  disk: ForgetfulDisk,
): Promise<{ error?: MillraceError; summary?: Summary }> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Hang(`the run has not ended after ${patienceMs / 1000} s`)), patienceMs)
  })
  try {
    const running = life.live(() =>
      run(plan, registryOfLife(life, disk), {
        root,
        home,
        secrets: () => undefined,
        bounds: graph.bounds,
        retry: { attempts: 5, firstMs: 1, maxMs: 5 },
        ...(graph.runs === 'continue' ? { until: Promise.resolve() } : {}),
      }),
    )
    return { summary: await Promise.race([running, late]) }
  } catch (error) {
    if (error instanceof Hang) throw error
    return { error: error as MillraceError }
  } finally {
    clearTimeout(timer)
  }
}

/** How far each split was saved. */
export function savedOf(home: string, graph: Case): Saved {
  const saved = new Map<string, number>()
  const folder = stateFolder(home, pipeline)
  const store = existsSync(folder) ? readStore(folder) : undefined
  if (!store) return saved
  try {
    for (const { id } of graph.sources) {
      for (const [split, { position }] of store.positions(id)) {
        const { offset, next } = (position ?? {}) as { offset?: number; next?: number }
        // A file's split is its name and what tells its content.
        saved.set(`${id}/${split.replace(/#\w+$/, '')}`, offset ?? next ?? 0)
      }
    }
  } finally {
    store.close()
  }
  return saved
}

/** Readers take what was published, each file once. */
async function takeFiles(root: string, graph: Case, disk: ForgetfulDisk, taken: Taken): Promise<void> {
  for (const sink of graph.sinks) {
    if (sink.kind !== 'files') continue
    for (const path of disk.files()) {
      if (!path.startsWith(join(root, `out/${sink.id}/`)) || path.includes('/.')) continue
      taken.set(path, disk.read(path)!)
      await disk.remove(path)
      await disk.syncFolder(path.slice(0, path.lastIndexOf('/')))
    }
  }
}
