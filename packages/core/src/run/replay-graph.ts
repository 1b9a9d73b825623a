/**
 * Takes single dead letters to their target in a separate graph, alongside that of the run. The steps of this graph
 * have empty memory and count nothing, and only the letter itself comes out. Where the letter may enter the graph of
 * the run is known before it does, so a letter with several targets enters all of them or none.
 */
import type { Transform } from '../connector/index.ts'
import type { LetterKey } from '../connector/dead-letter.ts'
import { DataError } from '../errors/index.ts'
import type { Gone } from '../plan/signature.ts'
import { type Batch, Records, type Row } from '../record/index.ts'
import type { BadRecords, OnFail } from './bad-records.ts'
import { sinkCounters, stepCounters } from './counters.ts'
import { buildGraph, type Graph } from './graph.ts'
import { stepsBefore, replayPathTo } from './replay-path.ts'
import { besideOf, type Letter, letterKey, markLetter } from './letters.ts'
import type { Component, SinkNode, StepNode } from './nodes.ts'
import type { Queue, QueuedRecords } from './queue.ts'

export interface ReplayGraphContext {
  readonly component: Component
  readonly graph: () => Graph
  readonly bad: () => BadRecords
  /** Nodes that the spec no longer has. */
  readonly gone: Gone
  /** Decodes a letter with the current spec. Throws `DataError`. */
  decode(letter: Letter): Row
  /** A new instance of a step, with an empty memory. */
  newTransform(step: string): Transform
  /** The highest event time of a split's lane. */
  high(source: string, split: string): number
}

/**
 * Takes a letter along the path to its target. Returns a function that enters it there; `seen`: it arrives only by an
 * input (of `seenBy`) through which the target has already received it; undefined: it failed or does not arrive, which
 * was reported.
 */
export type ReplayGraph = (letter: Letter, seenBy: readonly string[]) => (() => void) | 'seen' | undefined

/** The state of the letter on its path. */
interface LetterInFlight {
  readonly key: LetterKey
  /** Inputs through which the target has already received the record. */
  readonly seenBy: readonly string[]
  /** The input of its node that its id names: only a failure before that input is its own. */
  readonly cameBy: string | undefined
  readonly entries: (() => void)[]
  isSeen: boolean
  /** Why it may not have arrived. */
  failure?: { readonly node: string; readonly code: string; readonly message?: string | undefined }
}

export function createReplayGraph(
  target: string,
  ctx: ReplayGraphContext,
  failedAgain: (key: LetterKey, node: string, code: string, message: string | undefined) => void,
): ReplayGraph {
  const { component } = ctx
  const path = replayPathTo(target, component)
  let current: LetterInFlight = {
    key: { id: '', node: target },
    seenBy: [],
    cameBy: undefined,
    entries: [],
    isSeen: false,
  }
  const onFail: OnFail = (node, policy, records, i, code, more) => {
    // A failure after a target that is pushed down into a source becomes a letter of its own.
    if (path.downstream.has(node)) return ctx.bad().onFail(node, policy, records, i, code, more)
    // Other records made from the same one may fail, and this one may fail on a path that is not its own.
    const id = records.id(i)
    const { key, cameBy } = current
    const isOwn =
      node === target ? id === key.id : key.id.startsWith(id) && (cameBy === undefined || isBefore([cameBy], node))
    if (isOwn) current.failure ??= { node, code, message: more?.message }
    return true
  }
  const onArrival = (input: string, records: Records) => {
    const idsAt = (names: readonly string[]) => (names.includes(input) ? records.cameBy(input) : records)
    const own = path.isOutput ? [...records.rows.keys()] : indexesOf(idsAt(path.named), current.key.id)
    // If its node was removed, its id is the one with which it entered that node.
    const removed = ctx.gone[current.key.node]
    if (own.length === 0 && removed) own.push(...indexesOf(idsAt(removed.named), current.key.id))
    if (own.length > 0 && current.seenBy.includes(input)) current.isSeen = true
    // The graph of the run adds the input's name to the id when the letter enters.
    else if (own.length > 0) enterLater(input, records.pick(own))
  }
  const enterLater = (input: string, chosen: Records) => {
    current.entries.push(() => {
      path.count(chosen.length)
      if (path.isOutput) ctx.graph().handOver(path.output, chosen, 0)
      else ctx.graph().enter(target, chosen, 0, input)
    })
  }
  const isBefore = (inputs: readonly string[], node: string) =>
    stepsBefore(inputs, component).some((step) => step.id === node)
  const build = () =>
    buildGraph({
      steps: path.steps.map((node) => isolated(node, ctx, path.counted.has(node.id))),
      sinks: path.inputs.map((input) => collector(input, onArrival)),
      pipeline: component.pipeline,
      onFail,
    })
  const built = build()
  // A stateful step gets a new instance for each letter, so that letters do not affect each other.
  const graphOf = path.steps.some(({ plan }) => plan.stateful) ? build : () => built
  /**
   * A result has no record to decode: it enters directly before its node, or before the successors of a removed one.
   */
  const takeResult = (letter: Letter, row: Row) => {
    const isOwn = letter.step === target
    const { from, named } = isOwn ? { from: path.inputs, named: path.named } : (ctx.gone[letter.step] ?? noInputs)
    const { input, path: before } = cameByIn(letter.path ?? '', from, named)
    if (isOwn) return enterLater(input, recordsOf(letter, row, component.pipeline, noEventTime, before))
    graphOf().handOver(input, recordsOf(letter, row, component.pipeline, noEventTime, before), 0)
  }
  /** The letter with the event time that its record has now. */
  function timed(letter: Letter, row: Row, high: number): Letter {
    const source = component.sources.find(({ id }) => id === letter.source)
    if (source?.eventTime?.arrival)
      return { ...letter, event_time: Math.max(high, letter.event_time ?? letter.arrived_at ?? 0) }
    if (!source?.time) return letter
    return { ...letter, event_time: source.time.of(row, letter.arrived_at) }
  }
  return (letter, seenBy) => {
    const key = letterKey(letter)
    const { named } = letter.step === target ? path : (ctx.gone[letter.step] ?? noInputs)
    current = { key, seenBy, cameBy: namedIn(letter.path ?? '', named), entries: [], isSeen: false }
    const { entries } = current
    try {
      const row = ctx.decode(letter)
      if (letter.source === '') takeResult(letter, row)
      else {
        const high = ctx.high(letter.source, letter.split)
        graphOf().handOver(letter.source, recordsOf(timed(letter, row, high), row, component.pipeline, high), 0)
      }
    } catch (error) {
      if ((error as Error).name !== 'DataError') throw error
      const { code, message } = error as DataError
      current.failure = { node: letter.source || target, code, message }
      entries.length = 0
    }
    if (entries.length > 0 && current.failure?.node !== target)
      return () => {
        for (const enter of entries) enter()
      }
    if (current.isSeen && (!current.failure || isBefore(seenBy, current.failure.node))) return 'seen'
    const { node, code, message } = current.failure ?? {
      node: target,
      code: 'not_reached',
      message: `with this spec the record no longer reaches ${target}`,
    }
    failedAgain(key, node, code, message)
    return undefined
  }
}

/** The input by which a result came to its node, and its path before that. `named`: inputs whose names are in ids. */
function cameByIn(path: string, inputs: readonly string[], named: readonly string[]) {
  const by = namedIn(path, named)
  if (by !== undefined) return { input: by, path: path.slice(0, -by.length - 1) }
  return { input: inputs.find((input) => !named.includes(input)) ?? inputs[0] ?? '', path }
}

const noInputs = { from: [], named: [] }

/** The input at the end of a path. */
const namedIn = (path: string, named: readonly string[]) => named.find((input) => path.endsWith(`#${input}`))

/** A result has no lane, so no event time precedes it. */
const noEventTime = Number.NEGATIVE_INFINITY

const indexesOf = (records: Records, id: string): number[] => {
  const own: number[] = []
  for (let i = 0; i < records.length; i++) if (records.id(i) === id) own.push(i)
  return own
}

/** A step on its own: not pushed down, with empty memory, uncounted unless it is counted nowhere else. */
function isolated(node: StepNode, ctx: ReplayGraphContext, isCounted: boolean): StepNode {
  const { pushedInto: _, ...plan } = node.plan
  const transform = plan.stateful ? ctx.newTransform(node.id) : node.transform
  return { ...node, plan, transform, count: isCounted ? node.count : stepCounters() }
}

/** Collects the records of an output, instead of a sink. */
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

/** The letter as the record that it was. */
function recordsOf(letter: Letter, row: Row, pipeline: string, high: number, path = ''): Records {
  const { arrived_at, event_time, context } = letter
  const { key, headers, tombstone } = besideOf(letter)
  const bytes = Buffer.from(letter.bytes, 'base64')
  const own = originalId(letter, pipeline)
  const number = Number(letter.position)
  const position = Number.isSafeInteger(number) && String(number) === letter.position ? number : letter.position
  const batch: Batch = {
    split: letter.split,
    rows: [row],
    bytes: bytes.length,
    positionAt: () => position,
    idAt: () => own,
    rawAt: letter.form === 'row' ? undefined : () => bytes,
    context: context === null ? undefined : (JSON.parse(context) as never),
    keys: key === undefined ? undefined : [key],
    headersAt: headers && (() => headers),
    tombstoneAt: tombstone ? () => true : undefined,
    arrivals: arrived_at === null ? undefined : Float64Array.of(arrived_at),
    times: event_time === null ? undefined : Float64Array.of(event_time),
  }
  markLetter(batch, letterKey(letter))
  const from = [{ source: letter.source, batch, high: Number.isFinite(high) ? high : undefined }]
  return new Records({ rows: [row], from, pipeline, paths: path ? [path] : undefined })
}

/** The id without the path that the record took in this pipeline. */
function originalId({ id, path }: Letter, pipeline: string): string {
  if (!path) return id
  const inherited = `#${pipeline}/${path.slice(1)}`
  return id.slice(0, -(id.endsWith(inherited) ? inherited : path).length)
}
