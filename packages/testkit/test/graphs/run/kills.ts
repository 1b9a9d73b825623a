/**
 * Cases by the real command, which is killed by SIGKILL. By number: three of five are killed in a run, one in a replay
 * of dead letters, and one while its state is rescaled.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { rescaleCrashPoints } from '@millrace/core'
import type { Case } from '../case.ts'
import { generate } from '../generate/index.ts'
import { type Fault, judge } from '../judge/index.ts'
import { predict, stopsOf } from '../model/index.ts'
import { writeInput } from '../project/input.ts'
import { makeRoot, planOf } from '../project/root.ts'
import { acceptedCase, randomOf, type Result, toCorrectOf, verdictOf } from './case.ts'
import { type Command, commandRunner } from './command.ts'
import { inProcess } from './in-process.ts'
import { outputsOf } from './outputs.ts'
import type { RunEnd } from './runner.ts'
import { hasLaterInput, type Observation, reported, savedOf } from './scenario.ts'

/** How much more often to draw points between two writes that a test of the usual places misses. */
const weights: Readonly<Record<string, number>> = {
  mid_begin: 4,
  before_mark_done: 6,
  before_end: 4,
  after_end: 4,
  side_remembered: 20,
  after_duty: 20,
  file_marked: 4,
  file_renamed: 4,
}

/** Runs the case of a number and kills it twice at the same point, which is drawn from those that it passes. */
export async function killNumber(root: string, seed: number, number: number, pipe: string): Promise<Result> {
  const { graph, plan, refused } = await acceptedCase(root, seed, number)
  const random = randomOf(graph)
  const quiet = { kills: [], disturbed: false, random, toCorrect: toCorrectOf(graph) }
  const folder = join(root, 'undisturbed')
  const { trace } = await verdictOf(graph, folder, inProcess(graph, plan, folder, random), 'undisturbed', quiet)
  const passed = [...(trace?.starts[0]!.passed.keys() ?? [])].sort()
  const point = random.pick(passed.flatMap((name) => Array.from({ length: weights[name] ?? 1 }, () => name)))
  const kill = { point, time: 1 }
  const killed = join(root, 'killed')
  const scenario = { ...quiet, kills: [kill, kill], disturbed: true }
  const verdict = await verdictOf(graph, killed, commandRunner(graph, killed, pipe), 'killed', scenario)
  return { graph, refused, verdicts: [verdict], crash: { ...kill, hit: verdict.trace?.starts[0]!.killed ?? false } }
}

/**
 * Runs the first round of a case, moves its state to two instances, runs the second round with both of them at the same
 * time, moves the state back to one, and runs to the end. Both moves are killed and repeated.
 */
export async function rescaleNumber(root: string, seed: number, number: number, pipe: string): Promise<Result> {
  const graph = await divisibleCase(root, seed, number)
  const random = randomOf(graph)
  const folder = join(root, 'rescaled')
  const command = commandRunner(graph, folder, pipe)
  makeRoot(folder, graph)
  writeInput(folder, graph, 0)
  const observations: Observation[] = []
  const starts: RunEnd[] = []
  const faults: Fault[] = []
  const observe = async (why: Observation['why'], end: RunEnd) => {
    const saved = savedOf(join(folder, '.millrace', 'local'), graph)
    const outputs = await outputsOf(folder, graph, command.reader, new Map())
    observations.push({ ...reported(end), why, saved, outputs, corrected: new Set(), missingInputs: [] })
  }
  const kills = [2, 1].map((to) => ({ to, kill: { point: random.pick(rescaleCrashPoints), time: 1 } }))
  const move = async ({ to, kill }: (typeof kills)[number]) => {
    const { killed, faults: wrong } = await killedMove(command, folder, to, kill)
    starts.push({ killed, passed: new Map() })
    faults.push(...wrong)
  }
  const start = () => command.start({ outage: false, shift: 0 })

  const first = await start()
  await observe(first.error ? 'failed' : 'round', first)
  await move(kills[0]!)
  writeInput(folder, graph, 1)
  for (const { error } of await Promise.all(['0/2', '1/2'].map((each) => command.startInstance(each))))
    if (error) faults.push({ kind: 'failed', at: 'instance', text: `${error.code}: ${error.message}` })
  await move(kills[1]!)
  const last = await start()
  await observe(last.error ? 'failed' : 'done', last)
  const trace = { observations, starts }
  return {
    graph,
    refused: [],
    verdicts: [
      {
        how: 'killed',
        kills: kills.map(({ kill }) => kill),
        trace,
        faults: [...faults, ...judge(graph, trace, new Set())],
      },
    ],
    crash: { ...kills[0]!.kill, hit: starts[0]!.killed },
  }
}

/** Kills a move at a point, expects starts to be refused if it has begun to take effect, and repeats it. */
async function killedMove(
  command: Command,
  folder: string,
  to: number,
  kill: { readonly point: string; readonly time: number },
): Promise<{ killed: boolean; faults: Fault[] }> {
  const faults: Fault[] = []
  const wrong = (text: string) => faults.push({ kind: 'failed', at: `rescale at ${kill.point}, to ${to}`, text })
  const { killed, error } = await command.rescale(to, kill)
  if (!killed) wrong(error ? `${error.code}: ${error.message}` : 'it was not killed')
  if (existsSync(join(folder, '.millrace', 'local', 'graph.rescale')))
    for (const instance of ['0/1', '0/2']) {
      const started = await command.startInstance(instance)
      if (started.error?.code !== 'other_scale') wrong(`${instance} started in between: ${started.error?.code}`)
    }
  const again = await command.rescale(to)
  if (again.error) wrong(`repeated: ${again.error.code}: ${again.error.message}`)
  return { killed, faults }
}

/** A case that may run as several instances: it reads on, from logs, and no step has memory. */
async function divisibleCase(root: string, seed: number, number: number): Promise<Case> {
  for (let attempt = 0; ; attempt++) {
    const graph = { ...generate(seed, number, attempt), runs: 'continue' as const }
    const isFit =
      graph.sources.every(({ kind }) => kind === 'log') &&
      hasLaterInput(graph) &&
      graph.steps.every(({ verb }) => verb !== 'aggregate' && verb !== 'dedupe' && verb !== 'join') &&
      stopsOf(graph, predict(graph)).length === 0
    if (isFit && (await planOf(join(root, 'check'), graph)).plan) return graph
  }
}
