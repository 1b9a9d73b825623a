/**
 * Plays a case: starts it, lets it die where the script says, starts it again until it has come to its end. On the way
 * happens what happens to a pipeline: readers take files away, more input comes, a person mends a record that stopped
 * it. What is there is looked at each time that nothing runs.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readStore, stateFolder } from '@millrace/core'
import type { Case } from '../case.ts'
import { mendInput, writeInput } from '../project/input.ts'
import { makeRoot } from '../project/root.ts'
import { pipeline, placeOf } from '../project/spec.ts'
import type { Random } from '../random.ts'
import type { Ended, Engine } from './engine.ts'
import type { Death } from './life.ts'
import { type Outputs, outputsOf, type Taken } from './outputs.ts'

/** How far each split was saved: bytes of a file, records of a log. By source and the split's name. */
export type Saved = ReadonlyMap<string, number>

/** A moment in which nothing runs. */
export interface Pause extends Pick<Ended, 'error' | 'summary'> {
  readonly why: 'killed' | 'stopped' | 'failed' | 'round' | 'done'
  readonly saved: Saved
  readonly outputs: Outputs
  /** Records that were mended by then, by `u`. */
  readonly corrected: ReadonlySet<string>
  /** Input files that are gone. */
  readonly gone: readonly string[]
}

export interface Script {
  /** How the first lives end. */
  readonly deaths: readonly Death[]
  /** With outages, and readers that take files away. */
  readonly disturbed: boolean
  readonly random: Random
  /** The records to be mended when the run stops, by `u`. */
  readonly toMend: ReadonlySet<string>
}

export interface Played {
  readonly pauses: readonly Pause[]
  readonly lives: readonly Pick<Ended, 'died' | 'passed'>[]
}

const mostLives = 12

/** Makes the project at `root` and plays the case there. */
export async function play(graph: Case, root: string, engine: Engine, script: Script): Promise<Played> {
  const { random, toMend } = script
  makeRoot(root, graph)
  writeInput(root, graph, 0)
  const home = join(root, '.millrace', 'local')
  const taken: Taken = new Map()
  const pauses: Pause[] = []
  const lives: Ended[] = []
  let corrected: ReadonlySet<string> = new Set()
  let round: 0 | 1 = 0
  let isMore = graph.sources.some(({ splits }) =>
    splits.some(({ records }) => records.some((each) => each.round === 1)),
  )
  const moreInput = () => {
    if (isMore) writeInput(root, graph, (round = 1), corrected)
    isMore = false
  }
  while (lives.length < mostLives) {
    const isFirst = lives.length === 0
    const ended = await engine.start({
      death: script.deaths[lives.length],
      disturbed: script.disturbed && isFirst,
      pace: isFirst ? 0 : random.int(0, 4),
    })
    lives.push(ended)
    const why = whyOf(ended, toMend.size > 0 && corrected.size === 0, isMore)
    const outputs = await outputsOf(root, graph, engine.reader, taken)
    const { error, summary } = ended
    const said = { ...(error ? { error } : {}), ...(summary ? { summary } : {}) }
    pauses.push({ why, saved: savedOf(home, graph), outputs, corrected, gone: goneOf(root, graph, round), ...said })
    if (why === 'failed' || why === 'done') break
    if (why === 'killed' && graph.taken && script.disturbed) await takeFiles(root, graph, engine, taken)
    if (why === 'round' || (why === 'killed' && random.chance(0.5))) moreInput()
    if (why === 'stopped') mendInput(root, graph, round, (corrected = toMend))
  }
  return { pauses, lives }
}

function whyOf({ died, error }: Ended, mayStop: boolean, isMore: boolean): Pause['why'] {
  if (died) return 'killed'
  if (error) return mayStop ? 'stopped' : 'failed'
  return isMore ? 'round' : 'done'
}

/** Input files that are not where they were put. */
export const goneOf = (root: string, { sources }: Case, round: 0 | 1): string[] =>
  sources
    .filter(({ kind }) => kind !== 'log')
    .flatMap(({ splits }) => splits.filter(({ records }) => records.some((record) => record.round <= round)))
    .map(({ name }) => name)
    .filter((name) => !existsSync(join(root, name)))

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
async function takeFiles(root: string, graph: Case, { reader, remove }: Engine, taken: Taken): Promise<void> {
  for (const sink of graph.sinks) {
    if (sink.kind !== 'files') continue
    for (const path of reader.files(join(root, `out/${placeOf(sink)}/`))) {
      if (path.includes('/.')) continue
      taken.set(path, reader.read(path))
      await remove(path)
    }
  }
}
