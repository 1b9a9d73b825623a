/**
 * The running graph. Records pass it in one synchronous hand-over: every node, in topological order, takes all records
 * of the hand-over that its inputs deliver. A node that reads several outputs gets their records in the order in which
 * they were read, not branch by branch, so the order of each key survives branches that join again (invariant 13). At a
 * sink, records go into its queue.
 *
 * Decision: docs/decisions/20261130-one-hand-over-in-order.md
 */
import type { Now, Output } from '../connector/index.ts'
import { crashPoint } from '../crash.ts'
import { Records, type Result, type Row } from '../record/index.ts'
import type { OnFail } from './bad-records.ts'
import { countCode } from './counters.ts'
import type { SinkNode, StepNode } from './nodes.ts'
import type { QueuedRecords } from './queue.ts'

export interface Graph {
  /**
   * Hands records to all readers of the output `name`, and runs the graph. `bytes`: their share of what was read, for
   * backpressure. `admit`: records that reach a stateful step or a sink wait until the steps before are done; then only
   * those that it returns continue.
   */
  handOver(name: string, records: Records, bytes: number, admit?: (records: Records) => Records): void
  /** Hands records to one node only, by one of its inputs, and runs the graph from there. */
  enter(node: string, records: Records, bytes: number, input: string): void
  /**
   * Advances time in one step, and runs the graph from there. False: it has more results, call again when there is
   * room.
   */
  advance(step: StepNode, now: Now): boolean
  /** Has the steps emit what they tell once an epoch, and runs the graph from there. */
  endEpoch(): void
}

export interface GraphContext {
  readonly steps: readonly StepNode[]
  readonly sinks: readonly SinkNode[]
  readonly pipeline: string
  readonly onFail: OnFail
  /** Gets the records of every output, for answers and preview. */
  readonly tap?: ((name: string, records: Records) => void) | undefined
  /** By sink: waits until the order that its records depend on is durable. */
  readonly ready?: (sink: string) => (() => QueuedRecords['ready']) | undefined
}

interface Arrived {
  readonly input: string
  readonly records: Records
  readonly bytes: number
}

/** A node, and the records that have reached it in this hand-over. */
interface GraphNode {
  readonly id: string
  arrived: Arrived[]
  /** A stateful step or a sink: records of a request wait here until the request is admitted. */
  readonly gate: { gated: number } | undefined
  /** It is such a node, or comes after one. */
  readonly isBehindGate: boolean
  take(arrived: readonly Arrived[]): void
}

export function buildGraph(ctx: GraphContext): Graph {
  const { steps, sinks, pipeline, tap } = ctx
  const readers = new Map<string, GraphNode[]>()
  const nodes: GraphNode[] = []
  const byId = new Map<string, GraphNode>()
  const behindGate = new Set<string>()
  const add = (node: GraphNode, from: readonly string[]) => {
    nodes.push(node)
    byId.set(node.id, node)
    for (const name of from) readers.set(name, [...(readers.get(name) ?? []), node])
  }
  const emit = (name: string, records: Records, bytes: number) => {
    if (records.length === 0) return
    tap?.(name, records)
    for (const node of readers.get(name) ?? []) node.arrived.push({ input: name, records, bytes })
  }
  const run = (which: (node: GraphNode) => boolean) => {
    for (const node of nodes) {
      if (node.arrived.length === 0 || !which(node)) continue
      const { arrived } = node
      node.arrived = []
      node.take(arrived)
    }
  }
  const runAll = () => run(() => true)

  for (const node of steps) {
    const { plan, id } = node
    if (plan.pushedInto) continue
    const isBehindGate = plan.stateful || plan.from.some((name) => behindGate.has(name))
    if (isBehindGate) for (const name of [id, ...Object.keys(plan.sideOutputs)]) behindGate.add(name)
    const apply = applyStep(node, pipeline, emit, ctx.onFail)
    const take = plan.inputs
      ? (arrived: readonly Arrived[]) => {
          for (const [output, input] of Object.entries(plan.inputs!))
            for (const each of arrived) if (each.input === output) apply(each.records, each.bytes, input)
        }
      : (arrived: readonly Arrived[]) => {
          const { records, bytes } = mergeInputs(arrived, plan.namedFrom)
          apply(records, bytes, arrived[0]!.input)
        }
    add({ id, arrived: [], gate: plan.stateful ? node.count : undefined, isBehindGate, take }, plan.from)
  }
  for (const node of sinks) {
    const ready = ctx.ready?.(node.id)
    const take = (arrived: readonly Arrived[]) => {
      const { records, bytes } = mergeInputs(arrived, node.namedFrom)
      node.count.in += records.length
      node.queue.push({ records, bytes, ready: ready?.() })
    }
    add({ id: node.id, arrived: [], gate: node.count, isBehindGate: true, take }, node.from)
  }

  return {
    handOver(name, records, bytes, admit) {
      emit(name, records, bytes)
      if (!admit) return runAll()
      run((node) => !node.isBehindGate)
      for (const node of nodes) {
        if (!node.gate || node.arrived.length === 0) continue
        node.arrived = node.arrived.flatMap((each) => {
          const admitted = admit(each.records)
          node.gate!.gated += each.records.length - admitted.length
          return admitted.length > 0 ? [{ ...each, records: admitted }] : []
        })
      }
      runAll()
    },
    enter(node, records, bytes, input) {
      if (records.length === 0) return
      byId.get(node)!.arrived.push({ input, records, bytes })
      runAll()
    },
    advance(node, now) {
      const done = advanceStep(node, now, pipeline, emit, ctx.onFail)
      runAll()
      return done
    },
    endEpoch() {
      for (const node of steps) {
        if (!node.transform.epochEnds) continue
        const results = resultsOf(node, pipeline, ctx.onFail)
        node.transform.epochEnds(resultsOnly(node, results))
        emitResults(node, results, emit)
        runAll()
      }
    },
  }
}

/**
 * Merges the records of several inputs in the order in which they were read. Names of inputs in `named` become part of
 * ids.
 */
function mergeInputs(arrived: readonly Arrived[], named: readonly string[]): { records: Records; bytes: number } {
  const sets = arrived.map(({ input, records }) => (named.includes(input) ? records.cameBy(input) : records))
  if (sets.length === 1) return { records: sets[0]!, bytes: arrived[0]!.bytes }
  return { records: Records.merge(sets), bytes: arrived.reduce((sum, { bytes }) => sum + bytes, 0) }
}

type Emit = (name: string, records: Records, bytes: number) => void

/** Applies one step to records: counts, failures, named outputs. */
function applyStep(
  node: StepNode,
  pipeline: string,
  emit: Emit,
  onFail: OnFail,
): (records: Records, bytes: number, input: string) => void {
  const { id, plan, transform, count, policy } = node
  return (records, bytes, input) => {
    const bySide = new Map<string, { rows: Row[]; origins: number[] }>()
    const results = resultsOf(node, pipeline, onFail)
    let failed = 0
    const out: Output = {
      fail(i, code, more) {
        failed++
        countCode(count, code)
        if (onFail(id, policy, records, i, code, more)) count.refused++
      },
      side(name, row, i) {
        let side = bySide.get(name)
        if (!side) bySide.set(name, (side = { rows: [], origins: [] }))
        side.rows.push(row)
        side.origins.push(i)
      },
      result: results.add,
      failResult: results.fail,
    }
    const applied = transform.apply(records, out, input)
    crashPoint('after_transform')
    const passedOn = records.derive(applied.rows, applied.origins, plan.multiplies ? id : undefined)
    let passed = plan.multiplies && applied.origins ? distinct(applied.origins) : applied.rows.length
    count.multiplied += applied.rows.length - passed
    const named: [string, Records][] = []
    for (const [name, side] of Object.entries(applied.sideOutputs ?? {}))
      named.push([name, records.derive(side.rows, side.origins, plan.multiplies ? name : undefined)])
    for (const [name, { rows, origins }] of bySide)
      named.push([name, records.derive(rows, Int32Array.from(origins), plan.multiplies ? name : undefined)])
    for (const [name, own] of named) {
      passed += own.length
      count.sideOutputs[name] = (count.sideOutputs[name] ?? 0) + own.length
    }
    const held = applied.held ?? 0
    count.in += records.length
    count.out += passedOn.length
    count.failed += failed
    count.held += held
    count.late += applied.late ?? 0
    count.filtered += records.length - failed - passed - held
    emit(id, passedOn, bytes)
    for (const [name, own] of named) emit(name, own, bytes)
    emitResults(node, results, emit)
  }
}

function advanceStep(node: StepNode, now: Now, pipeline: string, emit: Emit, onFail: OnFail): boolean {
  const results = resultsOf(node, pipeline, onFail)
  const done = node.transform.advance!(now, resultsOnly(node, results))
  emitResults(node, results, emit)
  return done
}

function resultsOnly({ id }: StepNode, results: Results): Output {
  const noInput = () => {
    throw new Error(`${id}: there is no input record to fail or pass on`)
  }
  return { fail: noInput, side: noInput, result: results.add, failResult: results.fail }
}

interface Results {
  readonly add: Output['result']
  readonly fail: Output['failResult']
  take(): Records | undefined
}

function resultsOf(node: StepNode, pipeline: string, onFail: OnFail): Results {
  let rows: Row[] | undefined
  let results: Result[] | undefined
  return {
    add(row, at) {
      ;(rows ??= []).push(row)
      ;(results ??= []).push({ step: node.id, ...at })
    },
    fail(row, at, code, more) {
      node.count.results++
      node.count.failed++
      countCode(node.count, code)
      onFail(node.id, node.policy, Records.ofResults([row], [{ step: node.id, ...at }], pipeline), 0, code, more)
    },
    take: () => rows && Records.ofResults(rows, results!, pipeline),
  }
}

function emitResults(node: StepNode, results: Results, emit: Emit): void {
  const records = results.take()
  if (!records) return
  node.count.results += records.length
  node.count.out += records.length
  emit(node.id, records, records.length * 100)
}

/** How many different values an ascending array holds. */
function distinct(ascending: Int32Array): number {
  let n = 0
  for (let i = 0; i < ascending.length; i++) if (i === 0 || ascending[i] !== ascending[i - 1]) n++
  return n
}
