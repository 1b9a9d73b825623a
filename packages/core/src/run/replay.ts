/**
 * Dead-letter replay, as a command asks for it: records that could not pass go through the pipeline again, with the spec
 * as it is now. Where the pipeline is running, the process that runs it does it; else this one, and nothing else is read.
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
import { type LetterReply, type LetterRequest, leaveRequest } from './replaying.ts'
import type { ReplayOutcome } from './replays.ts'

/** What became of the letters. */
export interface ReplaySummary {
  readonly letters: number
  /** Went through. */
  readonly replayed: number
  /** Replayed or dismissed before, or several times in the dead letter. */
  readonly skipped: number
  readonly failedAgain: readonly {
    readonly id: string
    readonly step: string
    readonly code: string
    readonly message?: string
  }[]
  /** Another process ran the pipeline, and replayed them. */
  readonly byRunning: boolean
  /** What does not add up; empty: every edge balances. That of a pipeline that is running is in its own summary. */
  readonly imbalances: readonly string[]
}

type ReplayOptions = Omit<RunOptions, 'letters' | 'until' | 'worker'>

/** Replays letters. Throws `no_state`, `replay_into_ended`, `state_changed`, or what stops a run. */
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
      throw new MillraceError('no_state', `${plan.name} has not run yet: there is nothing to replay into`, {
        hint: 'run it first',
        exitCode: 2,
      })
    if (saved.run()!.ended && plan.runs === 'whole')
      refuseIntoEnded(plan, registry, letters, saved.run()!.signature as never)
    const isHeld = saved.holder() !== undefined
    if (isHeld)
      return summed(letters, await ask(folder, { specHash: plan.specHash, letters }, options.signal), true, [])
    const done = await runInstance(plan, registry, { ...options, instance: instanceOf(plan, options), letters })
    return summed(letters, done.replay!, false, done.imbalances)
  } finally {
    saved?.close()
  }
}

/** Marks letters as dismissed: they are not listed and not replayed any more. */
export async function dismiss(
  plan: Plan,
  letters: readonly LetterKey[],
  options: Pick<RunOptions, 'home' | 'stateDir' | 'signal'>,
): Promise<void> {
  const folder = folderOf(plan, options)
  const saved = readStore(folder)
  const isHeld = saved?.holder() !== undefined
  saved?.close()
  if (isHeld) {
    await ask(folder, { specHash: plan.specHash, dismiss: letters }, options.signal)
    return
  }
  const store = openStore(folder)
  try {
    store.setLetters(letters.map((key) => ({ ...key, state: 'dismissed' as const })))
  } finally {
    store.close()
  }
}

/** What is known of letters is kept by the first of several instances. */
const folderOf = (
  plan: Plan,
  { home, stateDir = home }: { readonly home: string; readonly stateDir?: string },
): string => instanceFolders(stateDir, plan.name)[0]?.folder ?? stateFolder(stateDir, plan.name)

const instanceOf = (plan: Plan, { home, stateDir = home }: ReplayOptions) => {
  const first = instanceFolders(stateDir, plan.name)[0]
  return { i: first?.i ?? 0, n: first?.n ?? 1 }
}

/** Has the process that runs the pipeline do it. */
async function ask(
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
        hint: 'restart it with this spec, or replay with the one that runs',
        exitCode: 2,
      })
    if (reply) return reply.outcomes
    if (signal.aborted)
      throw new MillraceError('stopped', 'the running pipeline has not told yet what became of the letters', {
        hint: 'they are in its inbox, and replayed when it comes to them: `pipe dead-letter list` shows it',
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

/** A run that has ended takes no record any more that would change its results, and keeps its places. */
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
      `letters stopped at ${node}, and ${memory.id}, which has memory, comes after it: its run has ended`,
      {
        place: node,
        hint: 'its results are final: run the pipeline again with the fixed spec',
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
    throw new MillraceError('state_changed', `sink ${moved} writes elsewhere than in the run that the letters are of`, {
      place: moved,
      hint: 'put it back as it was, or run the pipeline again',
      exitCode: 2,
    })
}

/** Whether what a node gives comes to a step. */
function isBehind(step: string, node: string, plan: Plan): boolean {
  const reached = new Set([node, ...Object.keys(plan.steps.find((s) => s.id === node)?.sides ?? {})])
  for (const { id, from, sides } of plan.steps) {
    if (!from.some((name) => reached.has(name))) continue
    for (const name of [id, ...Object.keys(sides)]) reached.add(name)
  }
  return step !== node && reached.has(step)
}

function summed(
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
      outcome === 'failed' ? [{ id: key.id, step: node ?? key.node, code, ...(message ? { message } : {}) }] : [],
    ),
    byRunning,
    imbalances,
  }
}
