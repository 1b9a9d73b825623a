/**
 * Dead letters that go through the pipeline again. They are a source of the component, beside its own or alone, and take
 * the same way: the same counters, queues, memory and epoch, so that what they become is saved with everything else, and a
 * kill in the middle doubles nothing that a kill of a run does not.
 *
 * A letter enters at decoding, under its own id. The steps before the node it stopped at (its target) are passed by
 * themselves: steps with memory with an empty one, since theirs has seen the record, and nothing of it reaches any other
 * branch, since they had it. Of several records made of one, only the letter itself goes on. From its target on it is a
 * record like any other. It moves no lane, and is judged by its own split's lane as it stands.
 *
 * A letter that fails before or at its target stays open. One that fails behind it is replayed, and what failed is a
 * letter of its own.
 */
import { DataError } from '../errors/index.ts'
import type { Failure, LetterKey } from '../connector/dead-letter.ts'
import type { Transform } from '../connector/index.ts'
import type { Batch, Row } from '../record/index.ts'
import { Records } from '../record/index.ts'
import type { LetterState, Save, Store } from '../store/index.ts'
import type { BadRecords, OnFail } from './bad-records.ts'
import { stepCounters, sinkCounters } from './counters.ts'
import { buildGraph, type Graph } from './graph.ts'
import { type Letter, letterKey, markLetter } from './letters.ts'
import type { Component, SinkNode, SourceNode, StepNode } from './nodes.ts'
import type { Queue, QueuedRecords } from './queue.ts'

/** What became of a letter in a replay. */
export interface ReplayOutcome {
  readonly key: LetterKey
  /** `skipped`: it was replayed or dismissed before. */
  readonly outcome: 'replayed' | 'failed' | 'skipped'
  /** Where and why it failed again. */
  readonly node?: string
  readonly code?: string
  readonly message?: string
}

export interface Replays {
  /** Hands letters over. What became of each is told when their epoch is saved. */
  handOver(letters: readonly Letter[], told: (outcomes: readonly ReplayOutcome[]) => void): void
  /** A letter that is being replayed failed, at its target or behind. */
  failed(failure: Failure): void
  /** A letter is written, in the epoch being filled or in the one being written. */
  buried(key: LetterKey, isBeingWritten: boolean): void
  /** For a barrier: the letters of the epoch being filled, as far as they are known. */
  close(): Save['letters']
  /** When all of the barrier's epoch is written: what became of its letters. */
  settle(letters: Save['letters']): Save['letters']
  /** The barrier's epoch is saved. */
  saved(): void
}

export interface ReplaysContext {
  readonly component: Component
  readonly store: Pick<Store, 'letterState' | 'hasLetters'>
  readonly graph: () => Graph
  readonly bad: () => BadRecords
  /** Where letters of a node go: to it, or where the spec has it no more, to what read it. */
  targets(node: string): readonly string[]
  /** Decodes a letter with the spec as it is. Throws `DataError`. */
  decode(letter: Letter): Row
  /** A new instance of a step, with an empty memory. */
  fresh(step: string): Transform
  /** The highest event time of a split's lane. */
  high(source: string, split: string): number
  touch(): void
}

interface Handed {
  readonly key: LetterKey
  readonly tell: (outcome: ReplayOutcome) => void
  outcome: ReplayOutcome
}

const textOf = ({ id, node }: LetterKey): string => `${node}\0${id}`

export function createReplays(ctx: ReplaysContext): Replays {
  const { store } = ctx
  const overlays = new Map<string, Overlay>()
  /** By epoch: of the one being filled, and of the one being written. */
  let filling = new Map<string, Handed>()
  let writing = new Map<string, Handed>()
  let reopened: LetterKey[] = []
  let reopenedInWriting: LetterKey[] = []

  const failedAgain = (key: LetterKey, node: string, code: string, message: string | undefined) => {
    const handed = filling.get(textOf(key)) ?? writing.get(textOf(key))
    if (handed) handed.outcome = { key, outcome: 'failed', node, code, ...(message ? { message } : {}) }
  }
  return {
    handOver(letters, told) {
      const outcomes: ReplayOutcome[] = []
      const done = (outcome: ReplayOutcome) => {
        outcomes.push(outcome)
        if (outcomes.length === letters.length) told(outcomes)
      }
      if (letters.length === 0) return told([])
      for (const letter of letters) {
        const key = letterKey(letter)
        if (store.letterState(key.id, key.node) !== 'open' || filling.has(textOf(key)) || writing.has(textOf(key))) {
          done({ key, outcome: 'skipped' })
          continue
        }
        filling.set(textOf(key), { key, tell: done, outcome: { key, outcome: 'replayed' } })
        ctx.touch()
        for (const target of ctx.targets(key.node)) {
          let overlay = overlays.get(target)
          if (!overlay) overlays.set(target, (overlay = createOverlay(target, ctx, failedAgain)))
          overlay(letter)
        }
      }
    },
    failed({ letter, node, code, message, id }) {
      // What fails behind the target, or is another of several records made of it, becomes a letter of its own.
      if (letter && letter.node === node && letter.id === id) failedAgain(letter, node, code, message)
    },
    buried(key, isBeingWritten) {
      if (!store.hasLetters() && filling.size + writing.size === 0) return
      ;(isBeingWritten ? reopenedInWriting : reopened).push(key)
    },
    close() {
      writing = filling
      filling = new Map()
      reopenedInWriting = reopened
      reopened = []
      return []
    },
    settle() {
      const states: (LetterKey & { state: LetterState })[] = reopenedInWriting.map((key) => ({ ...key, state: 'open' }))
      for (const { key, outcome } of writing.values())
        if (outcome.outcome === 'replayed') states.push({ ...key, state: 'replayed' })
      return states
    },
    saved() {
      for (const { tell, outcome } of writing.values()) tell(outcome)
      writing = new Map()
      reopenedInWriting = []
    },
  }
}

/** Takes a letter by the way to its target, and lets it in there. */
type Overlay = (letter: Letter) => void

function createOverlay(
  target: string,
  ctx: ReplaysContext,
  failedAgain: (key: LetterKey, node: string, code: string, message: string | undefined) => void,
): Overlay {
  const { component } = ctx
  const way = wayTo(target, component)
  let current: LetterKey = { id: '', node: target }
  let hasCome = false
  const onFail: OnFail = (node, policy, records, i, code, more) => {
    // Behind a target that a source does for us, what fails is a letter of its own.
    if (way.behind.has(node)) return ctx.bad().onFail(node, policy, records, i, code, more)
    if (node !== target || records.id(i) === current.id) {
      hasCome = true
      failedAgain(current, node, code, more?.message)
    }
    return true
  }
  const letIn = (input: string, records: Records) => {
    const named = way.named.includes(input) ? records.cameBy(input) : records
    const own = way.isOutput ? [...records.rows.keys()] : ownIn(named, current.id)
    if (own.length === 0) return
    hasCome = true
    const chosen = records.pick(own)
    way.count(chosen.length)
    if (way.isOutput) ctx.graph().handOver(way.output, chosen, 0)
    else ctx.graph().enter(target, chosen, 0, input)
  }
  const graph = buildGraph({
    steps: way.steps.map((node) => alone(node, ctx, way.counted.has(node.id))),
    sinks: way.inputs.map((input) => collector(input, letIn)),
    pipeline: component.pipeline,
    onFail,
  })
  return (letter) => {
    current = letterKey(letter)
    hasCome = false
    let row: Row
    try {
      row = ctx.decode(letter)
    } catch (error) {
      if ((error as Error).name !== 'DataError') throw error
      failedAgain(current, letter.source || target, (error as DataError).code, (error as Error).message)
      return
    }
    const records = recordsOf(letter, row, component.pipeline, ctx.high(letter.source, letter.split))
    // A result of a step has no record to decode: it enters right before its target.
    if (letter.source === '') letIn(way.inputs[0] ?? '', records)
    else graph.handOver(letter.source, records, 0)
    if (!hasCome)
      failedAgain(current, target, 'not_reached', `with this spec the record does not come to ${target} any more`)
  }
}

const ownIn = (records: Records, id: string): number[] => {
  const own: number[] = []
  for (let i = 0; i < records.length; i++) if (records.id(i) === id) own.push(i)
  return own
}

interface Way {
  /** The steps to be passed, in topological order; where a source does the target's work, those it does as well. */
  readonly steps: readonly StepNode[]
  /** Outputs by which the target is come to. */
  readonly inputs: readonly string[]
  readonly named: readonly string[]
  /** The target is a source, or a step that a source does: what comes out of all it does goes on from `output`. */
  readonly isOutput: boolean
  readonly output: string
  /** Steps behind the target that are passed here. */
  readonly behind: ReadonlySet<string>
  /** Steps that are passed here and count, since nobody else does it for them. */
  readonly counted: ReadonlySet<string>
  count(n: number): void
}

function wayTo(target: string, component: Component): Way {
  const source = component.sources.find((s) => s.id === target || s.pushed.includes(target))
  if (source) return wayThroughSource(target, source, component)
  const node = component.steps.find((s) => s.id === target)
  const sink = component.sinks.find((s) => s.id === target)
  const from = node?.plan.from ?? sink?.from ?? []
  return {
    steps: stepsBefore(from, component),
    inputs: from,
    named: node?.plan.namedFrom ?? sink?.namedFrom ?? [],
    isOutput: false,
    output: '',
    behind: new Set(),
    counted: new Set(),
    count: (n) => void ((node?.count ?? sink!.count).replayed += n),
  }
}

function wayThroughSource(target: string, source: SourceNode, component: Component): Way {
  const steps = source.pushed.map((id) => component.steps.find((s) => s.id === id)!)
  const at = source.pushed.indexOf(target)
  return {
    steps,
    inputs: [source.pushed.at(-1) ?? source.id],
    named: [],
    isOutput: true,
    output: source.pushed.at(-1) ?? source.id,
    behind: new Set(source.pushed.slice(at + 1)),
    counted: new Set(source.pushed.slice(Math.max(0, at))),
    count: (n) => {
      // Where steps are pushed down their own counters tell; else the source's output has grown.
      if (source.pushed.length === 0) source.count.replayed += n
    },
  }
}

/** The steps that lead to these outputs. */
function stepsBefore(outputs: readonly string[], component: Component): readonly StepNode[] {
  const { steps } = component
  const needed = new Set<string>()
  const climb = (name: string) => {
    const owner = steps.find((s) => s.id === name || s.plan.sides[name])
    if (!owner || needed.has(owner.id)) return
    needed.add(owner.id)
    owner.plan.from.forEach(climb)
  }
  outputs.forEach(climb)
  return steps.filter((s) => needed.has(s.id))
}

/** A step passed by itself: not pushed down, without memory of its own, uncounted unless nobody else counts it. */
function alone(node: StepNode, ctx: ReplaysContext, isCounted: boolean): StepNode {
  const { pushedInto: _, ...plan } = node.plan
  const transform = plan.stateful ? ctx.fresh(node.id) : node.transform
  return { ...node, plan, transform, count: isCounted ? node.count : stepCounters() }
}

/** Takes what an output gives, in the place of a sink. */
function collector(output: string, take: (output: string, records: Records) => void): SinkNode {
  const queue = { push: (item: QueuedRecords) => take(output, item.records) } as unknown as Queue
  return {
    id: `${output}\0`,
    package: '',
    retry: { forMs: 0, firstMs: 0, maxMs: 0 },
    from: [output],
    namedFrom: [],
    sink: { write: () => {} },
    capabilities: { label: 'effectively-once', how: '' },
    policy: 'drop',
    type: { fields: {}, open: true },
    queue,
    count: sinkCounters(),
  }
}

/** A letter as the record that it was. */
function recordsOf(letter: Letter, row: Row, pipeline: string, high: number): Records {
  const { key, arrived_at, event_time, context } = letter
  const bytes = Buffer.from(letter.bytes, 'base64')
  const own = ownId(letter, pipeline)
  const number = Number(letter.position)
  const position = Number.isSafeInteger(number) && String(number) === letter.position ? number : letter.position
  const batch: Batch = {
    split: letter.split,
    rows: [row],
    bytes: bytes.length,
    positionAt: () => position,
    idAt: () => own,
    ...(letter.form === 'raw' ? { rawAt: () => bytes } : {}),
    ...(context === null ? {} : { context: JSON.parse(context) as never }),
    ...(key === null ? {} : { keys: [key] }),
    ...(arrived_at === null ? {} : { arrivals: Float64Array.of(arrived_at) }),
    ...(event_time === null ? {} : { times: Float64Array.of(event_time) }),
  }
  markLetter(batch, letterKey(letter))
  const from = [{ source: letter.source, batch, ...(Number.isFinite(high) ? { high } : {}) }]
  return new Records({ rows: [row], from, pipeline })
}

/** The id without what happened to the record on its way in this pipeline. */
function ownId({ id, path }: Letter, pipeline: string): string {
  if (!path) return id
  const inherited = `#${pipeline}/${path.slice(1)}`
  return id.slice(0, -(id.endsWith(inherited) ? inherited : path).length)
}
