/**
 * Runs a case from its first start to its end, with everything that happens to a pipeline on the way: it is killed and
 * started again, readers move published files away, more input arrives, and an operator corrects records that stopped
 * it. After each start the outputs and the saved positions are recorded for the judge.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readStore, stateFolder } from '@millrace/core'
import type { Case } from '../case.ts'
import { correctInput, writeInput } from '../project/input.ts'
import { makeRoot } from '../project/root.ts'
import { pipeline, placeOf } from '../project/spec.ts'
import type { Random } from '../random.ts'
import { type MovedFiles, type Outputs, outputsOf } from './outputs.ts'
import type { Kill } from './process.ts'
import type { RunEnd, Runner } from './runner.ts'

/** How far each split is saved: bytes of a file or records of a partition, by `source/split`. */
export type Saved = ReadonlyMap<string, number>

/** What there is after a start has ended. */
export interface Observation extends Pick<RunEnd, 'error' | 'summary'> {
  /**
   * `stopped`: by bad data, as expected; `round`: it has ended, and more input will arrive; `done`: all input is
   * read.
   */
  readonly why: 'killed' | 'stopped' | 'failed' | 'round' | 'done'
  readonly saved: Saved
  readonly outputs: Outputs
  /** Input records that were corrected before this start, by `u`. */
  readonly corrected: ReadonlySet<string>
  /** Input files that no longer exist. */
  readonly missingInputs: readonly string[]
}

export interface Scenario {
  /** Kills of the first starts. */
  readonly kills: readonly Kill[]
  /** Whether the outage of the case happens and its published files are moved away. */
  readonly disturbed: boolean
  readonly random: Random
  /** Input records to correct when bad data stops the run, by `u`. */
  readonly toCorrect: ReadonlySet<string>
}

export interface Trace {
  readonly observations: readonly Observation[]
  readonly starts: readonly Pick<RunEnd, 'killed' | 'passed'>[]
}

const maxStarts = 12

/** Runs the case in a new project at `root`. */
export async function runScenario(graph: Case, root: string, runner: Runner, scenario: Scenario): Promise<Trace> {
  const { random, toCorrect, disturbed } = scenario
  makeRoot(root, graph)
  writeInput(root, graph, 0)
  const home = join(root, '.millrace', 'local')
  const moved: MovedFiles = new Map()
  const observations: Observation[] = []
  const starts: RunEnd[] = []
  let corrected: ReadonlySet<string> = new Set()
  let round: 0 | 1 = 0
  let isMore = hasLaterInput(graph)
  const moreInput = () => {
    if (isMore) writeInput(root, graph, (round = 1), corrected)
    isMore = false
  }
  while (starts.length < maxStarts) {
    const isFirst = starts.length === 0
    const end = await runner.start({
      kill: scenario.kills[starts.length],
      outage: disturbed && isFirst,
      shift: isFirst ? 0 : random.int(0, 4),
    })
    starts.push(end)
    const isOver = graph.runs === 'whole' && scenario.kills[starts.length - 1]?.point === 'after_end'
    const why = whyOf(end, isOver, toCorrect.size > 0 && corrected.size === 0, isMore)
    observations.push({
      ...reported(end),
      why,
      saved: savedOf(home, graph),
      outputs: await outputsOf(root, graph, runner.reader, moved),
      corrected,
      missingInputs: missingInputsOf(root, graph, round),
    })
    if (why === 'failed' || why === 'done') break
    if (why === 'killed' && graph.filesMoved && disturbed) await moveFiles(root, graph, runner, moved)
    if (why === 'round' || (why === 'killed' && random.chance(0.5))) moreInput()
    if (why === 'stopped') correctInput(root, graph, round, (corrected = toCorrect))
  }
  return { observations, starts }
}

export const hasLaterInput = ({ sources }: Case): boolean =>
  sources.some(({ splits }) => splits.some(({ records }) => records.some(({ round }) => round === 1)))

/** The error and the summary of a start, if any. */
export const reported = ({ error, summary }: RunEnd): Pick<RunEnd, 'error' | 'summary'> => ({
  ...(error ? { error } : {}),
  ...(summary ? { summary } : {}),
})

/** `isOver`: it was killed when the run had ended, but not yet its process. */
function whyOf({ killed, error }: RunEnd, isOver: boolean, mayStop: boolean, isMore: boolean): Observation['why'] {
  if (killed && !isOver) return 'killed'
  if (error) return mayStop ? 'stopped' : 'failed'
  return isMore ? 'round' : 'done'
}

const missingInputsOf = (root: string, { sources }: Case, round: 0 | 1): string[] =>
  sources
    .filter(({ kind }) => kind !== 'log')
    .flatMap(({ splits }) => splits.filter(({ records }) => records.some((record) => record.round <= round)))
    .map(({ name }) => name)
    .filter((name) => !existsSync(join(root, name)))

/** Reads the saved positions from the state folder. */
export function savedOf(home: string, graph: Case): Saved {
  const saved = new Map<string, number>()
  const folder = stateFolder(home, pipeline)
  const store = existsSync(folder) ? readStore(folder) : undefined
  if (!store) return saved
  try {
    for (const { id } of graph.sources) {
      for (const { split, position } of store.positions(id)) {
        const { offset, next } = (position ?? {}) as { offset?: number; next?: number }
        // The split of a file is its name and a hash of its content.
        saved.set(`${id}/${split.replace(/#\w+$/, '')}`, offset ?? next ?? 0)
      }
    }
  } finally {
    store.close()
  }
  return saved
}

/** Moves all published files away, as their readers may do at any time. */
async function moveFiles(root: string, graph: Case, { reader, remove }: Runner, moved: MovedFiles): Promise<void> {
  for (const sink of graph.sinks) {
    if (sink.kind !== 'files') continue
    for (const path of reader.files(join(root, `out/${placeOf(sink)}/`))) {
      if (path.includes('/.')) continue
      moved.set(path, reader.read(path))
      await remove(path)
    }
  }
}
