/**
 * The path of a replayed dead letter to the node where it continues: the steps it passes and the input it arrives by.
 */
import type { Component, SourceNode, StepNode } from './nodes.ts'

export interface ReplayPath {
  /** The steps to pass, in topological order; for a target inside a source, all steps pushed down into it. */
  readonly steps: readonly StepNode[]
  /** Outputs that lead to the target. */
  readonly inputs: readonly string[]
  readonly named: readonly string[]
  /** The target is a source or a step pushed down into one: the letter continues from `output`. */
  readonly isOutput: boolean
  readonly output: string
  /** Steps after the target that are passed here. */
  readonly downstream: ReadonlySet<string>
  /** Steps that count what passes here, since it is counted nowhere else. */
  readonly counted: ReadonlySet<string>
  count(n: number): void
}

export function replayPathTo(target: string, component: Component): ReplayPath {
  const source = component.sources.find((s) => s.id === target || s.pushed.includes(target))
  if (source) return pathThroughSource(target, source, component)
  const node = component.steps.find((s) => s.id === target)
  const sink = component.sinks.find((s) => s.id === target)
  const from = node?.plan.from ?? sink?.from ?? []
  return {
    steps: stepsBefore(from, component),
    inputs: from,
    named: node?.plan.namedFrom ?? sink?.namedFrom ?? [],
    isOutput: false,
    output: '',
    downstream: new Set(),
    counted: new Set(),
    count: (n) => void ((node?.count ?? sink!.count).replayed += n),
  }
}

function pathThroughSource(target: string, source: SourceNode, component: Component): ReplayPath {
  const steps = source.pushed.map((id) => component.steps.find((s) => s.id === id)!)
  const at = source.pushed.indexOf(target)
  return {
    steps,
    inputs: [source.pushed.at(-1) ?? source.id],
    named: [],
    isOutput: true,
    output: source.pushed.at(-1) ?? source.id,
    downstream: new Set(source.pushed.slice(at + 1)),
    counted: new Set(source.pushed.slice(Math.max(0, at))),
    count: (n) => {
      // Steps that are pushed down count for themselves; without any, the source's output has grown.
      if (source.pushed.length === 0) source.count.replayed += n
    },
  }
}

/** The steps that lead to these outputs. */
export function stepsBefore(outputs: readonly string[], component: Component): readonly StepNode[] {
  const { steps } = component
  const needed = new Set<string>()
  const visit = (name: string) => {
    const owner = steps.find((s) => s.id === name || s.plan.sideOutputs[name])
    if (!owner || needed.has(owner.id)) return
    needed.add(owner.id)
    owner.plan.from.forEach(visit)
  }
  outputs.forEach(visit)
  return steps.filter((s) => needed.has(s.id))
}
