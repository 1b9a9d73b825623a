/**
 * The graph at work. Records are handed over in one go: every node, in topological order, takes all that its inputs give it
 * of the hand-over. Where a node reads several outputs, their records come to it in the order in which they were read, not
 * branch after branch: so the order of a key holds over branches that meet again (invariant 13). All of it is synchronous;
 * a sink's end of it is a queue.
 *
 * Decision: docs/decisions/20261130-one-hand-over-in-order.md
 */
import type { Now, Output } from '../connector/index.ts'
import { crashPoint } from '../crash.ts'
import { Records, type Result, type Row } from '../record/index.ts'
import type { OnFail } from './bad-records.ts'
import type { SinkNode, StepNode } from './nodes.ts'
import type { QueuedRecords } from './queue.ts'

export interface Graph {
  /**
   * Hands records to all who read the output `name`, and runs the graph. `bytes`: their share of what was read, for the
   * look-ahead. `admit`: what comes to a step with memory or to a sink waits until the steps before are through; then only
   * what it lets in goes on.
   */
  handOver(name: string, records: Records, bytes: number, admit?: (records: Records) => Records): void
  /** Hands records to one node only, by one of its inputs, and runs what follows it. */
  enter(node: string, records: Records, bytes: number, input: string): void
  /** Tells one step the time, and runs what follows it. False: there is more, call again when there is room. */
  advance(step: StepNode, now: Now): boolean
}

export interface GraphContext {
  readonly steps: readonly StepNode[]
  readonly sinks: readonly SinkNode[]
  readonly pipeline: string
  readonly onFail: OnFail
  /** Shown everything that any output gives, for answers and preview. */
  readonly tap?: ((name: string, records: Records) => void) | undefined
  /** By sink: when the order that its records depend on is durable. */
  readonly ready?: (sink: string) => (() => QueuedRecords['ready']) | undefined
}

interface Arrived {
  readonly input: string
  readonly records: Records
  readonly bytes: number
}

/** A node and what has come to it in this hand-over. */
interface Stop {
  readonly id: string
  arrived: Arrived[]
  /** It has memory or is a sink: what a request brings comes here only when all of it may. */
  readonly gate: { gated: number } | undefined
  /** It is such a node or stands behind one. */
  readonly isBehindGate: boolean
  take(arrived: readonly Arrived[]): void
}

export function buildGraph(ctx: GraphContext): Graph {
  const { steps, sinks, pipeline, tap } = ctx
  const readers = new Map<string, Stop[]>()
  const stops: Stop[] = []
  const byId = new Map<string, Stop>()
  const behindGate = new Set<string>()
  const add = (stop: Stop, from: readonly string[]) => {
    stops.push(stop)
    byId.set(stop.id, stop)
    for (const name of from) readers.set(name, [...(readers.get(name) ?? []), stop])
  }
  const emit = (name: string, records: Records, bytes: number) => {
    if (records.length === 0) return
    tap?.(name, records)
    for (const stop of readers.get(name) ?? []) stop.arrived.push({ input: name, records, bytes })
  }
  const run = (which: (stop: Stop) => boolean) => {
    for (const stop of stops) {
      if (stop.arrived.length === 0 || !which(stop)) continue
      const { arrived } = stop
      stop.arrived = []
      stop.take(arrived)
    }
  }
  const runAll = () => run(() => true)

  for (const node of steps) {
    const { plan, id } = node
    if (plan.pushedInto) continue
    const isBehindGate = plan.stateful || plan.from.some((name) => behindGate.has(name))
    if (isBehindGate) for (const name of [id, ...Object.keys(plan.sides)]) behindGate.add(name)
    const apply = applyOf(node, pipeline, emit, ctx.onFail)
    const take = plan.inputs
      ? (arrived: readonly Arrived[]) => {
          for (const [output, input] of Object.entries(plan.inputs!))
            for (const each of arrived) if (each.input === output) apply(each.records, each.bytes, input)
        }
      : (arrived: readonly Arrived[]) => {
          const { records, bytes } = together(arrived, plan.namedFrom)
          apply(records, bytes, arrived[0]!.input)
        }
    add({ id, arrived: [], gate: plan.stateful ? node.count : undefined, isBehindGate, take }, plan.from)
  }
  for (const node of sinks) {
    const ready = ctx.ready?.(node.id)
    const take = (arrived: readonly Arrived[]) => {
      const { records, bytes } = together(arrived, node.namedFrom)
      node.count.in += records.length
      node.queue.push({ records, bytes, ...(ready ? { ready: ready() } : {}) })
    }
    add({ id: node.id, arrived: [], gate: node.count, isBehindGate: true, take }, node.from)
  }

  return {
    handOver(name, records, bytes, admit) {
      emit(name, records, bytes)
      if (!admit) return runAll()
      run((stop) => !stop.isBehindGate)
      for (const stop of stops) {
        if (!stop.gate || stop.arrived.length === 0) continue
        stop.arrived = stop.arrived.flatMap((each) => {
          const admitted = admit(each.records)
          stop.gate!.gated += each.records.length - admitted.length
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
      const done = advanceOne(node, now, pipeline, emit, ctx.onFail)
      runAll()
      return done
    },
  }
}

/** What came by several inputs as one, in the order in which it was read; names of inputs in `named` become part of ids. */
function together(arrived: readonly Arrived[], named: readonly string[]): { records: Records; bytes: number } {
  const sets = arrived.map(({ input, records }) => (named.includes(input) ? records.cameBy(input) : records))
  if (sets.length === 1) return { records: sets[0]!, bytes: arrived[0]!.bytes }
  return { records: Records.merge(sets), bytes: arrived.reduce((sum, { bytes }) => sum + bytes, 0) }
}

type Emit = (name: string, records: Records, bytes: number) => void

/** One step over one set of records: counts, failures, named outputs. */
function applyOf(
  node: StepNode,
  pipeline: string,
  emit: Emit,
  onFail: OnFail,
): (records: Records, bytes: number, input: string) => void {
  const { id, plan, transform, count, policy } = node
  return (records, bytes, input) => {
    const sides = new Map<string, { rows: Row[]; origins: number[] }>()
    const results = resultsOf(node, pipeline, onFail)
    let failed = 0
    const out: Output = {
      fail(i, code, more) {
        failed++
        if (onFail(id, policy, records, i, code, more)) count.refused++
      },
      side(name, row, i) {
        let side = sides.get(name)
        if (!side) sides.set(name, (side = { rows: [], origins: [] }))
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
    for (const [name, side] of Object.entries(applied.sides ?? {}))
      named.push([name, records.derive(side.rows, side.origins, plan.multiplies ? name : undefined)])
    for (const [name, { rows, origins }] of sides)
      named.push([name, records.derive(rows, Int32Array.from(origins), plan.multiplies ? name : undefined)])
    for (const [name, own] of named) {
      passed += own.length
      count.sides[name] = (count.sides[name] ?? 0) + own.length
    }
    const held = applied.held ?? 0
    count.in += records.length
    count.out += passedOn.length
    count.failed += failed
    count.held += held
    count.filtered += records.length - failed - passed - held
    emit(id, passedOn, bytes)
    for (const [name, own] of named) emit(name, own, bytes)
    emitResults(node, results, emit)
  }
}

function advanceOne(node: StepNode, now: Now, pipeline: string, emit: Emit, onFail: OnFail): boolean {
  const results = resultsOf(node, pipeline, onFail)
  const nobody = () => {
    throw new Error(`${node.id}: advance has no input record to fail or to hand on`)
  }
  const out: Output = { fail: nobody, side: nobody, result: results.add, failResult: results.fail }
  const done = node.transform.advance!(now, out)
  emitResults(node, results, emit)
  return done
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
