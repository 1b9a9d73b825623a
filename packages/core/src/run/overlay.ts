/**
 * Takes single letters to their target, beside the graph at work: through steps of its own, with empty memories, of
 * which nothing is counted and nothing comes out but the letter itself. What it may enter is told before it does: a
 * letter that has several targets enters all of them or none.
 */
import type { Transform } from '../connector/index.ts'
import type { LetterKey } from '../connector/dead-letter.ts'
import type { DataError } from '../errors/index.ts'
import type { Gone } from '../plan/signature.ts'
import { type Batch, Records, type Row } from '../record/index.ts'
import type { BadRecords, OnFail } from './bad-records.ts'
import { sinkCounters, stepCounters } from './counters.ts'
import { buildGraph, type Graph } from './graph.ts'
import { stepsBefore, wayTo } from './letter-way.ts'
import { type Letter, letterKey, markLetter } from './letters.ts'
import type { Component, SinkNode, StepNode } from './nodes.ts'
import type { Queue, QueuedRecords } from './queue.ts'

export interface OverlayContext {
  readonly component: Component
  readonly graph: () => Graph
  readonly bad: () => BadRecords
  /** Nodes that the spec has no more. */
  readonly gone: Gone
  /** Decodes a letter with the spec as it is. Throws `DataError`. */
  decode(letter: Letter): Row
  /** A new instance of a step, with an empty memory. */
  fresh(step: string): Transform
  /** The highest event time of a split's lane. */
  high(source: string, split: string): number
}

/**
 * Takes a letter by the way to its target. `had`: it comes there only by an input (of `besides`) by which it came
 * before; undefined: it failed, or does not come there, and that was told.
 */
export type Overlay = (letter: Letter, besides: readonly string[]) => (() => void) | 'had' | undefined

/** What happened on the way of one letter. */
interface TakenLetters {
  readonly key: LetterKey
  /** Inputs of the target by which it has had the record already. */
  readonly besides: readonly string[]
  /** The input of its node that its id names: only what fails before that is its own failure. */
  readonly by: string | undefined
  readonly entries: (() => void)[]
  had: boolean
  /** Why it may not have come. */
  failure?: { readonly node: string; readonly code: string; readonly message?: string | undefined }
}

export function createOverlay(
  target: string,
  ctx: OverlayContext,
  failedAgain: (key: LetterKey, node: string, code: string, message: string | undefined) => void,
): Overlay {
  const { component } = ctx
  const way = wayTo(target, component)
  let taken: TakenLetters = { key: { id: '', node: target }, besides: [], by: undefined, entries: [], had: false }
  const onFail: OnFail = (node, policy, records, i, code, more) => {
    // Behind a target that a source does for us, what fails is a letter of its own.
    if (way.behind.has(node)) return ctx.bad().onFail(node, policy, records, i, code, more)
    // Others that are made of the same record may fail, and it may fail on another way than its own.
    const id = records.id(i)
    const { key, by } = taken
    const isOwn = node === target ? id === key.id : key.id.startsWith(id) && (by === undefined || isBefore([by], node))
    if (isOwn) taken.failure ??= { node, code, message: more?.message }
    return true
  }
  const letIn = (input: string, records: Records) => {
    const idsAt = (names: readonly string[]) => (names.includes(input) ? records.cameBy(input) : records)
    const own = way.isOutput ? [...records.rows.keys()] : ownIn(idsAt(way.named), taken.key.id)
    // Where its node is gone, its id is the one with which it came to that node.
    const before = ctx.gone[taken.key.node]
    if (own.length === 0 && before) own.push(...ownIn(idsAt(before.named), taken.key.id))
    if (own.length > 0 && taken.besides.includes(input)) taken.had = true
    // The graph names the input where it enters.
    else if (own.length > 0) enterLater(input, records.pick(own))
  }
  const enterLater = (input: string, chosen: Records) => {
    taken.entries.push(() => {
      way.count(chosen.length)
      if (way.isOutput) ctx.graph().handOver(way.output, chosen, 0)
      else ctx.graph().enter(target, chosen, 0, input)
    })
  }
  const isBefore = (inputs: readonly string[], node: string) =>
    stepsBefore(inputs, component).some((step) => step.id === node)
  const build = () =>
    buildGraph({
      steps: way.steps.map((node) => alone(node, ctx, way.counted.has(node.id))),
      sinks: way.inputs.map((input) => collector(input, letIn)),
      pipeline: component.pipeline,
      onFail,
    })
  const built = build()
  // What a step with memory remembers of one letter says nothing about another.
  const graphOf = way.steps.some(({ plan }) => plan.stateful) ? build : () => built
  /** A result has no record to decode: it enters right before its node, or by what that node read. */
  const takeResult = (letter: Letter, row: Row) => {
    const isOwn = letter.step === target
    const { from, named } = isOwn ? { from: way.inputs, named: way.named } : (ctx.gone[letter.step] ?? nothing)
    const { input, path } = cameByIn(letter.path ?? '', from, named)
    if (isOwn) return enterLater(input, recordsOf(letter, row, component.pipeline, none, path))
    graphOf().handOver(input, recordsOf(letter, row, component.pipeline, none, path), 0)
  }
  return (letter, besides) => {
    const key = letterKey(letter)
    const { named } = letter.step === target ? way : (ctx.gone[letter.step] ?? nothing)
    taken = { key, besides, by: namedIn(letter.path ?? '', named), entries: [], had: false }
    const { entries } = taken
    try {
      const row = ctx.decode(letter)
      if (letter.source === '') takeResult(letter, row)
      else {
        const high = ctx.high(letter.source, letter.split)
        graphOf().handOver(letter.source, recordsOf(letter, row, component.pipeline, high), 0)
      }
    } catch (error) {
      if ((error as Error).name !== 'DataError') throw error
      const { code, message } = error as DataError
      taken.failure = { node: letter.source || target, code, message }
      entries.length = 0
    }
    if (entries.length > 0 && taken.failure?.node !== target)
      return () => {
        for (const enter of entries) enter()
      }
    if (taken.had && (!taken.failure || isBefore(besides, taken.failure.node))) return 'had'
    const { node, code, message } = taken.failure ?? {
      node: target,
      code: 'not_reached',
      message: `with this spec the record does not come to ${target} any more`,
    }
    failedAgain(key, node, code, message)
    return undefined
  }
}

/** By which input a result came to its node, and the path that it had before. `named`: the inputs that ids may name. */
function cameByIn(path: string, inputs: readonly string[], named: readonly string[]) {
  const by = namedIn(path, named)
  if (by !== undefined) return { input: by, path: path.slice(0, -by.length - 1) }
  return { input: inputs.find((input) => !named.includes(input)) ?? inputs[0] ?? '', path }
}

const nothing = { from: [], named: [] }

/** The last input that a path names. */
const namedIn = (path: string, named: readonly string[]) => named.find((input) => path.endsWith(`#${input}`))

/** A result has no lane, and so no event time before it. */
const none = Number.NEGATIVE_INFINITY

const ownIn = (records: Records, id: string): number[] => {
  const own: number[] = []
  for (let i = 0; i < records.length; i++) if (records.id(i) === id) own.push(i)
  return own
}

/** A step passed by itself: not pushed down, without memory of its own, uncounted unless nobody else counts it. */
function alone(node: StepNode, ctx: OverlayContext, isCounted: boolean): StepNode {
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
function recordsOf(letter: Letter, row: Row, pipeline: string, high: number, path = ''): Records {
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
  return new Records({ rows: [row], from, pipeline, ...(path ? { paths: [path] } : {}) })
}

/** The id without what happened to the record on its way in this pipeline. */
function ownId({ id, path }: Letter, pipeline: string): string {
  if (!path) return id
  const inherited = `#${pipeline}/${path.slice(1)}`
  return id.slice(0, -(id.endsWith(inherited) ? inherited : path).length)
}
