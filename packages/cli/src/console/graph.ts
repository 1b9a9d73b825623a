/** The graph of a pipeline as the console draws it: its nodes, and the edges that records take. */
import type { Graph, GraphEdge, GraphNode } from '@millrace/console/wire'
import { hide, type Plan, type PlanNode, type RecordType, recordText } from '@millrace/core'

/** The graph of a plan. Side inputs lead to the steps that read them. */
export function graphOf(plan: Plan): Graph {
  const nodes: GraphNode[] = []
  const edges: GraphEdge[] = []
  const of = ({ id, type, description }: PlanNode, kind: GraphNode['kind'], record: RecordType | undefined) => ({
    id,
    kind,
    type,
    description,
    record: record && hide(recordText(record)),
  })
  const connect = (from: readonly string[], to: string) => {
    for (const each of from) {
      const [node, output] = partsOf(each, plan)
      edges.push({ from: node, output, to })
    }
  }
  for (const source of plan.sources) nodes.push(of(source, 'source', source.output))
  for (const step of plan.steps) {
    nodes.push({ ...of(step, 'step', step.output), pushedInto: step.pushedInto })
    connect([...step.from, ...Object.values(step.sideInputs)], step.id)
  }
  for (const sink of plan.sinks) {
    nodes.push({ ...of(sink, 'sink', sink.input), promise: `${sink.capabilities.label}: ${sink.capabilities.how}` })
    connect(sink.from, sink.id)
  }
  if (plan.deadLetter) {
    nodes.push(of(plan.deadLetter, 'dead_letter', undefined))
    for (const { id, onError } of [...plan.sources, ...plan.steps])
      if (onError === 'dead_letter') edges.push({ from: id, to: plan.deadLetter.id, isFailure: true })
  }
  return { nodes, edges }
}

/** What a name stands for: a node, or a named output of a step. */
function partsOf(name: string, plan: Plan): readonly [node: string, output: string | undefined] {
  const step = plan.steps.find(({ sideOutputs }) => Object.hasOwn(sideOutputs, name))
  return step ? [step.id, name] : [name, undefined]
}
