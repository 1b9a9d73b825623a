/**
 * The plan as things that run: nodes with their connector or step, and one function per output that hands records to all who read it.
 * Handing on is synchronous and depth first, so records keep their order on every path; a sink's end of it is a queue.
 */
import type { Now, Output, Sink, SinkCapabilities, Source, SourceCapabilities, Transform } from '../connector.ts'
import { crashPoint } from '../crash.ts'
import type { PlanStep } from '../plan.ts'
import { Records, type Result, type Row } from '../record.ts'
import type { SinkCounters, SourceCounters, StepCounters } from './counters.ts'
import type { Policy } from './failures.ts'
import type { Queue } from './queue.ts'

export interface SourceNode {
  readonly id: string
  readonly source: Source
  readonly capabilities: SourceCapabilities
  readonly policy: Policy
  /** Steps it has taken over, in order. */
  readonly pushed: readonly string[]
  /** For sources that answer: whose rows are shown, and whether good items of a request pass beside bad ones. */
  readonly answer?: { readonly from?: string | undefined; readonly partial: boolean }
  readonly count: SourceCounters
}
export interface StepNode {
  readonly id: string
  readonly plan: PlanStep
  readonly transform: Transform
  readonly policy: Policy
  readonly count: StepCounters
}
export interface SinkNode {
  readonly id: string
  readonly from: readonly string[]
  readonly sink: Sink
  readonly capabilities: SinkCapabilities
  readonly policy: Policy
  readonly queue: Queue
  readonly count: SinkCounters
}

/** Told of each failed record: the node, its policy, the records and the index in them. True: it was refused to its sender. */
export type OnFail = (
  node: string,
  policy: Policy,
  records: Records,
  i: number,
  code: string,
  more?: { readonly field?: string; readonly message?: string },
) => boolean

export interface Graph {
  /** Hands records to all who read the output `name`. `bytes`: their share of what was read, for the look-ahead. */
  deliver(name: string, records: Records, bytes: number): void
  /** Time has come to `watermark`: lets steps give their results. False: there are more, call again when there is room. */
  advance(now: Now): boolean
  /** Runs `body`, which delivers; what comes to a step with memory or to a sink waits until it is through, and then only what `admit` lets in goes on. */
  gated(admit: (records: Records) => Records, body: () => void): void
}

/** Who reads an output. `gate`: it has memory or is a sink, with the counters of what is not let in. */
interface Reader {
  readonly take: (records: Records, bytes: number) => void
  readonly gate?: { gated: number }
}

export function buildGraph(
  steps: readonly StepNode[],
  sinks: readonly SinkNode[],
  pipeline: string,
  onFail: OnFail,
  /** Shown everything that any output gives, for preview. */
  tap?: (name: string, records: Records) => void,
): Graph {
  const readers = new Map<string, Reader[]>()
  const read = (names: readonly string[], reader: Reader) => {
    for (const name of names) {
      const of = readers.get(name)
      if (of) of.push(reader)
      else readers.set(name, [reader])
    }
  }
  let waiting: { reader: Reader; records: Records; bytes: number }[] | undefined
  const deliver = (name: string, records: Records, bytes: number) => {
    if (records.length === 0) return
    tap?.(name, records)
    for (const reader of readers.get(name) ?? []) {
      if (waiting && reader.gate) waiting.push({ reader, records, bytes })
      else reader.take(records, bytes)
    }
  }
  for (const node of steps) {
    if (!node.plan.pushedInto)
      read(node.plan.from, {
        take: applyOf(node, pipeline, deliver, onFail),
        ...(node.plan.stateful ? { gate: node.count } : {}),
      })
  }
  for (const node of sinks) {
    const take = (records: Records, bytes: number) => {
      node.count.in += records.length
      node.queue.push({ records, bytes })
    }
    read(node.from, { take, gate: node.count })
  }
  return {
    deliver,
    gated(admit, body) {
      const held: typeof waiting = (waiting = [])
      body()
      waiting = undefined
      for (const { reader, records, bytes } of held) {
        const admitted = admit(records)
        reader.gate!.gated += records.length - admitted.length
        if (admitted.length > 0) reader.take(admitted, bytes)
      }
    },
    advance(now) {
      for (const node of steps)
        if (node.transform.advance && !advanceOne(node, now, pipeline, deliver, onFail)) return false
      return true
    },
  }
}

/** One step over one set of records: counts, failures, named outputs. */
function applyOf(
  node: StepNode,
  pipeline: string,
  deliver: Graph['deliver'],
  onFail: OnFail,
): (records: Records, bytes: number) => void {
  const { id, plan, transform, count, policy } = node
  return (input, bytes) => {
    const sides = new Map<string, { rows: Row[]; origins: number[] }>()
    const results = resultsOf(node, pipeline, onFail)
    let failed = 0
    const applied = transform.apply(
      input,
      {
        fail(i, code, more) {
          failed++
          if (onFail(id, policy, input, i, code, more)) count.refused++
        },
        side(name, row, i) {
          let side = sides.get(name)
          if (!side) sides.set(name, (side = { rows: [], origins: [] }))
          side.rows.push(row)
          side.origins.push(i)
        },
        result: results.add,
        failResult: results.fail,
      },
      plan.from[0]!,
    )
    crashPoint('after_transform')
    const out = input.derive(applied.rows, applied.origins, plan.multiplies ? id : undefined)
    let passed = plan.multiplies && applied.origins ? distinct(applied.origins) : applied.rows.length
    count.multiplied += applied.rows.length - passed
    const named: [string, Records][] = []
    for (const [name, side] of Object.entries(applied.sides ?? {}))
      named.push([name, input.derive(side.rows, side.origins)])
    for (const [name, side] of sides) named.push([name, input.derive(side.rows, Int32Array.from(side.origins))])
    for (const [name, records] of named) {
      passed += records.length
      count.sides[name] = (count.sides[name] ?? 0) + records.length
    }
    const held = applied.held ?? 0
    count.in += input.length
    count.out += out.length
    count.failed += failed
    count.held += held
    count.filtered += input.length - failed - passed - held
    deliver(id, out, bytes)
    for (const [name, records] of named) deliver(name, records, bytes)
    deliverResults(node, results, deliver)
  }
}

function advanceOne(node: StepNode, now: Now, pipeline: string, deliver: Graph['deliver'], onFail: OnFail): boolean {
  const results = resultsOf(node, pipeline, onFail)
  const nobody = () => {
    throw new Error(`${node.id}: advance has no input record to fail or to hand on`)
  }
  const done = node.transform.advance!(now, {
    fail: nobody,
    side: nobody,
    result: results.add,
    failResult: results.fail,
  })
  deliverResults(node, results, deliver)
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

function deliverResults(node: StepNode, results: Results, deliver: Graph['deliver']): void {
  const records = results.take()
  if (!records) return
  node.count.results += records.length
  node.count.out += records.length
  deliver(node.id, records, records.length * 100)
}

/** How many different values an ascending array holds. */
function distinct(ascending: Int32Array): number {
  let n = 0
  for (let i = 0; i < ascending.length; i++) if (i === 0 || ascending[i] !== ascending[i - 1]) n++
  return n
}
