/**
 * Tries dead letters: takes each through the pipeline as a replay would, with the current spec, and writes nothing.
 * Steps have empty memory, and sinks get nothing, so what only they can refuse is not found.
 */
import { systemClock } from '../clock.ts'
import { MillraceError } from '../errors/index.ts'
import { renamedSinks } from '../edits/index.ts'
import type { Plan } from '../plan/index.ts'
import { goneAfter, heirsOf, type Signature, signatureOf } from '../plan/signature.ts'
import type { Registry } from '../registry/index.ts'
import { instanceFolders } from './rescale.ts'
import { readStore, stateFolder } from '../store/index.ts'
import type { BadRecords, OnFail } from './bad-records.ts'
import { buildGraph } from './graph.ts'
import { type Letter, letterKey } from './letters.ts'
import type { Component } from './nodes.ts'
import { Queue } from './queue.ts'
import { decodingFor } from './replay-input.ts'
import { createReplayGraph, type ReplayGraph } from './replay-graph.ts'
import { asRunError } from './retry.ts'
import { loadSideInputs } from './side-inputs.ts'
import { instantiate, type Workspace } from './wiring.ts'

/** How a letter fared. */
export interface LetterTrial {
  readonly id: string
  readonly step: string
  /** It gets through all steps. */
  readonly passes: boolean
  /** Where and why it fails. */
  readonly at?: string
  readonly code?: string
  readonly message?: string | undefined
}

/** What a trial works with. */
export interface TrialOptions extends Workspace {
  readonly stateDir?: string
  readonly signal: AbortSignal
}

/** Tries letters. Throws `no_state`, and what reading side inputs throws. */
export async function tryLetters(
  plan: Plan,
  registry: Registry,
  letters: readonly Letter[],
  options: TrialOptions,
): Promise<readonly LetterTrial[]> {
  const { stateDir = options.home, signal } = options
  const before = savedSignature(plan, stateDir)
  const now = signatureOf(plan, registry)
  const gone = goneAfter(before, now, renamedSinks(before.sinks, now.sinks))
  const { components, sideInputs } = instantiate(plan, registry, options)
  await loadSideInputs(
    components.flatMap(({ steps }) => steps),
    sideInputs,
    plan,
    signal,
    () => {},
    async (node, doing, body) => {
      try {
        return await body()
      } catch (error) {
        throw asRunError(error, node, doing)
      }
    },
    () => {},
    systemClock.now(),
  )
  const tries = components.map((component) => trialOf(component, plan, registry, options, gone))
  const all: LetterTrial[] = []
  for (const letter of letters) {
    const { id, node: step } = letterKey(letter)
    const targets = heirsOf(step, gone, (node) => tries.some((each) => each.has(node)))
    const own = tries.find((each) => Object.keys(targets).some((target) => each.has(target)))
    if (own) all.push(own.run(letter, targets))
    else all.push({ id, step, passes: false, at: step, code: 'not_reached', message: `the spec no longer has ${step}` })
    signal.throwIfAborted()
  }
  return all
}

function savedSignature(plan: Plan, stateDir: string): Signature {
  const store = readStore(instanceFolders(stateDir, plan.name)[0]?.folder ?? stateFolder(stateDir, plan.name))
  try {
    const run = store?.run()
    if (run) return run.signature as unknown as Signature
  } finally {
    store?.close()
  }
  throw new MillraceError('no_state', `${plan.name} has not run yet, so there is nothing to replay`, {
    hint: 'run it first',
    exitCode: 2,
  })
}

type TrialFault = Pick<LetterTrial, 'at' | 'code' | 'message'>

function trialOf(
  given: Component,
  plan: Plan,
  registry: Registry,
  workspace: Workspace,
  gone: ReturnType<typeof goneAfter>,
) {
  // What arrives at a sink goes nowhere.
  const nowhere = new Queue()
  nowhere.push = () => {}
  const component = { ...given, sinks: given.sinks.map((sink) => ({ ...sink, queue: nowhere })) }
  let fault: TrialFault | undefined
  const onFail: OnFail = (at, _policy, _records, _i, code, more) => {
    fault ??= { at, code, message: more?.message }
    return true
  }
  const { steps, sinks, pipeline } = component
  const graph = buildGraph({ steps, sinks, pipeline, onFail })
  const ctx = {
    component,
    graph: () => graph,
    bad: () => ({ onFail }) as BadRecords,
    gone,
    high: () => Number.NEGATIVE_INFINITY,
    ...decodingFor(component, plan, registry, workspace, gone),
  }
  const graphs = new Map<string, ReplayGraph>()
  return {
    has: (node: string) => [...component.sources, ...steps, ...sinks].some(({ id }) => id === node),
    run(letter: Letter, targets: Readonly<Record<string, readonly string[]>>): LetterTrial {
      fault = undefined
      const { id, node: step } = letterKey(letter)
      for (const [target, besides] of Object.entries(targets)) {
        let way = graphs.get(target)
        if (!way)
          graphs.set(
            target,
            (way = createReplayGraph(target, ctx, (_key, at, code, message) => void (fault ??= { at, code, message }))),
          )
        const enter = way(letter, besides)
        if (typeof enter === 'function') enter()
      }
      return fault ? { id, step, passes: false, ...(fault as TrialFault) } : { id, step, passes: true }
    },
  }
}
