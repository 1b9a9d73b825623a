/** The way of a letter to the node at which it goes on: the steps that are passed, and the inputs by which it comes. */
import type { Component, SourceNode, StepNode } from './nodes.ts'

export interface Way {
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

export function wayTo(target: string, component: Component): Way {
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
export function stepsBefore(outputs: readonly string[], component: Component): readonly StepNode[] {
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
