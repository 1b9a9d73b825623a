/**
 * Dead-letter replay for a command: bad records go through the pipeline again, with the current spec. If the pipeline
 * is running, its process replays them; otherwise this process does, and reads nothing else.
 */
import { readFileSync, rmSync } from 'node:fs'
import { systemClock } from '../clock.ts'
import { MillraceError } from '../errors/index.ts'
import type { Plan } from '../plan/index.ts'
import { renamedSinks } from '../edits/index.ts'
import { canonical, goneAfter, heirsOf, type Signature, signatureOf } from '../plan/signature.ts'
import type { Registry } from '../registry/index.ts'
import { instanceFolders } from './rescale.ts'
import { type LetterKey, openStore, readStore, stateFolder } from '../store/index.ts'
import type { RunOptions } from './options.ts'
import { runInstance } from './run.ts'
import type { Letter } from './letters.ts'
import { type LetterReply, type LetterRequest, leaveRequest } from './replay-input.ts'
import type { ReplayOutcome } from './replays.ts'

/** The outcome of a replay. */
export interface ReplaySummary {
  readonly letters: number
  /** Passed their target. */
  readonly replayed: number
  /** Had been replayed or dismissed already, or occur several times in the dead letter. */
  readonly skipped: number
  readonly failedAgain: readonly {
    readonly id: string
    readonly step: string
    readonly code: string
    readonly message?: string
  }[]
  /** The process that runs the pipeline replayed them. */
  readonly byRunning: boolean
  /** Edges that do not balance; empty: all do. A running pipeline reports its balance in its own summary. */
  readonly imbalances: readonly string[]
}

type ReplayOptions = Omit<RunOptions, 'letters' | 'until' | 'worker'>

/** Replays letters. Throws `no_state`, `replay_into_ended`, `state_changed`, or the error that stops a run. */
export async function replay(
  plan: Plan,
  registry: Registry,
  letters: readonly Letter[],
  options: ReplayOptions,
): Promise<ReplaySummary> {
  const folder = folderOf(plan, options)
  const saved = readStore(folder)
  try {
    if (!saved?.run())
      throw new MillraceError('no_state', `${plan.name} has not run yet, so there is nothing to replay`, {
        hint: 'run it first',
        exitCode: 2,
      })
    if (saved.run()!.ended && plan.runs === 'whole')
      refuseIntoEnded(plan, registry, letters, saved.run()!.signature as never)
    const isRunning = saved.holder() !== undefined
    if (isRunning)
      return replaySummary(
        letters,
        await requestFromRunning(folder, { specHash: plan.specHash, letters }, options.signal),
        true,
        [],
      )
    const done = await runInstance(plan, registry, { ...options, instance: instanceOf(plan, options), letters })
    return replaySummary(letters, done.replay!, false, done.imbalances)
  } finally {
    saved?.close()
  }
}

/** Marks letters as dismissed: they are no longer listed or replayed. */
export async function dismiss(
  plan: Plan,
  letters: readonly LetterKey[],
  options: Pick<RunOptions, 'home' | 'stateDir' | 'signal'>,
): Promise<void> {
  const folder = folderOf(plan, options)
  const saved = readStore(folder)
  const isRunning = saved?.holder() !== undefined
  saved?.close()
  if (isRunning) {
    await requestFromRunning(folder, { specHash: plan.specHash, dismiss: letters }, options.signal)
    return
  }
  const store = openStore(folder)
  try {
    store.setLetters(letters.map((key) => ({ ...key, state: 'dismissed' as const })))
  } finally {
    store.close()
  }
}

/** Letter states are kept by the first of several instances. */
const folderOf = (
  plan: Plan,
  { home, stateDir = home }: { readonly home: string; readonly stateDir?: string },
): string => instanceFolders(stateDir, plan.name)[0]?.folder ?? stateFolder(stateDir, plan.name)

const instanceOf = (plan: Plan, { home, stateDir = home }: ReplayOptions) => {
  const first = instanceFolders(stateDir, plan.name)[0]
  return { i: first?.i ?? 0, n: first?.n ?? 1 }
}

/** Sends the request to the process that runs the pipeline, and waits for its reply. */
async function requestFromRunning(
  folder: string,
  request: LetterRequest,
  signal = new AbortController().signal,
): Promise<readonly ReplayOutcome[]> {
  const name = `${process.pid}-${systemClock.now()}`
  const path = leaveRequest(folder, request, name)
  for (;;) {
    await systemClock.sleep(100, signal)
    const reply = replyAt(path)
    if (reply?.refused !== undefined)
      throw new MillraceError('other_spec_running', reply.refused, {
        hint: 'restart it with this spec, or replay with the spec that is running',
        exitCode: 2,
      })
    if (reply) return reply.outcomes
    if (signal.aborted)
      throw new MillraceError('stopped', 'the running pipeline has not reported the outcome of the letters yet', {
        hint: 'the request stays in its inbox and will be processed: check with `pipe dead-letter list`',
      })
  }
}

function replyAt(path: string): LetterReply | undefined {
  try {
    const reply = JSON.parse(readFileSync(path, 'utf8')) as LetterReply
    rmSync(path)
    return reply
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A run that has ended takes no record that would change its final results, and its sinks keep their targets. */
function refuseIntoEnded(plan: Plan, registry: Registry, letters: readonly Letter[], before: Signature): void {
  const now = signatureOf(plan, registry)
  const gone = goneAfter(before, now, renamedSinks(before.sinks, now.sinks))
  const has = (id: string) => [...plan.sources, ...plan.steps, ...plan.sinks].some((n) => n.id === id)
  for (const node of new Set(letters.map((letter) => letter.step))) {
    const targets = Object.keys(heirsOf(node, gone, has))
    const memory = plan.steps.find((s) => s.stateful && targets.some((id) => s.id === id || isBehind(s.id, id, plan)))
    if (!memory) continue
    throw new MillraceError(
      'replay_into_ended',
      `letters stopped at ${node}, the stateful step ${memory.id} comes after it, and the run has ended`,
      {
        place: node,
        hint: 'the results of an ended run are final: run the pipeline again with the fixed spec',
      },
    )
  }
  const moved = Object.keys(now.sinks).find((id) => {
    const old = before.sinks[id]
    return (
      old && canonical([old['type'], old['config']]) !== canonical([now.sinks[id]!['type'], now.sinks[id]!['config']])
    )
  })
  if (moved !== undefined)
    throw new MillraceError('state_changed', `sink ${moved} no longer writes where the run of these letters wrote`, {
      place: moved,
      hint: 'restore its options, or run the pipeline again',
      exitCode: 2,
    })
}

/** Whether the output of a node reaches a step. */
function isBehind(step: string, node: string, plan: Plan): boolean {
  const reached = new Set([node, ...Object.keys(plan.steps.find((s) => s.id === node)?.sideOutputs ?? {})])
  for (const { id, from, sideOutputs } of plan.steps) {
    if (!from.some((name) => reached.has(name))) continue
    for (const name of [id, ...Object.keys(sideOutputs)]) reached.add(name)
  }
  return step !== node && reached.has(step)
}

function replaySummary(
  letters: readonly Letter[],
  outcomes: readonly ReplayOutcome[],
  byRunning: boolean,
  imbalances: readonly string[],
): ReplaySummary {
  const count = (outcome: ReplayOutcome['outcome']) => outcomes.filter((o) => o.outcome === outcome).length
  return {
    letters: letters.length,
    replayed: count('replayed'),
    skipped: count('skipped'),
    failedAgain: outcomes.flatMap(({ key, outcome, node, code = '', message }) =>
      outcome === 'failed' ? [{ id: key.id, step: node ?? key.node, code, message }] : [],
    ),
    byRunning,
    imbalances,
  }
}
