/** Runs a case and reports the result as plain data, to be sent between processes. */
import { featuresOf } from './features.ts'
import { runEdit } from './edits/case.ts'
import { predict, stopsOf } from './model/index.ts'
import { runReplayNumber, tallyOf } from './replays/case.ts'
import { runNumber } from './run/case.ts'
import { killNumber, rescaleNumber } from './run/kills.ts'
import type { Kill } from './run/process.ts'

/** Which case to run, and how. */
export interface CaseRequest {
  readonly seed: number
  readonly number: number
  /** Run it by this bundled command and kill that; see run/command.ts. */
  readonly pipe?: string
  /** Run the edit of this number instead; see edits/. */
  readonly edits?: boolean
  /** Run the replay of this number instead; see replays/. */
  readonly replays?: boolean
}

/** The result of a case. */
export interface CaseReport {
  readonly number: number
  readonly refused: readonly string[]
  readonly features: readonly string[]
  readonly crash?: Kill & { readonly hit: boolean }
  /** It was run by the real command. */
  readonly isCommand: boolean
  /** The crash point of each kill. */
  readonly killed: readonly string[]
  readonly faults: readonly { how: string; kind: string; at: string; text: string }[]
  /** Bad data stops the run. */
  readonly stopped: boolean
  readonly edit?: {
    readonly class: string
    readonly of: string
    readonly runs: string
    readonly outcome: string
  }
  /** Letters that were replayed under the edit. */
  readonly replay?: { readonly letters: number; readonly replayed: number }
}

export async function reportCase(
  root: string,
  { seed, number, pipe, edits, replays }: CaseRequest,
): Promise<CaseReport> {
  if (edits) return reportEdit(root, seed, number)
  const way =
    pipe === undefined ? 'in this process' : (['run', 'run', 'run', 'replay', 'rescale'] as const)[number % 5]!
  if (replays || way === 'replay') return reportReplay(root, seed, number, pipe)
  const { graph, refused, verdicts, crash } =
    way === 'in this process'
      ? await runNumber(root, seed, number)
      : await (way === 'run' ? killNumber : rescaleNumber)(root, seed, number, pipe!)
  const killed = verdicts.flatMap(({ trace, kills }) =>
    (trace?.starts ?? []).flatMap((start, i) => (start.killed ? [kills[i]!.point] : [])),
  )
  return {
    number,
    refused,
    isCommand: pipe !== undefined,
    features: featuresOf(graph),
    ...(crash ? { crash } : {}),
    killed,
    stopped: stopsOf(graph, predict(graph)).length > 0,
    faults: verdicts.flatMap((verdict) => verdict.faults.map((fault) => ({ ...fault, how: verdict.how }))),
  }
}

async function reportEdit(root: string, seed: number, number: number): Promise<CaseReport> {
  const result = await runEdit(root, seed, number)
  const { graph, edit, outcome, paused } = result
  return {
    number,
    refused: [],
    isCommand: false,
    features: [`edited after ${{ killed: 'a kill', stopped: 'a stop', round: 'a round of input' }[paused]}`],
    killed: [],
    stopped: paused === 'stopped',
    edit: { class: edit.class, of: edit.of, runs: graph.runs, outcome },
    faults: result.faults.map((fault) => ({ ...fault, how: outcome })),
  }
}

async function reportReplay(root: string, seed: number, number: number, pipe: string | undefined): Promise<CaseReport> {
  const result = await runReplayNumber(root, seed, number, pipe)
  const { graph, edit, outcome, kill, killed } = result
  const replay = tallyOf(result)
  const features = [
    graph.runs === 'whole' ? 'replayed after the end' : 'replayed between two rounds of input',
    ...(killed ? ['killed and repeated'] : []),
    ...(replay.replayed > 0 ? ['letters that pass'] : []),
    ...(replay.replayed < replay.letters ? ['letters that fail again'] : []),
  ]
  return {
    number,
    refused: [],
    isCommand: pipe !== undefined,
    features,
    killed: killed ? [`replay: ${kill.point}`] : [],
    stopped: false,
    edit: { class: edit.class, of: edit.of, runs: graph.runs, outcome },
    replay,
    faults: result.faults.map((fault) => ({ ...fault, how: outcome })),
  }
}
