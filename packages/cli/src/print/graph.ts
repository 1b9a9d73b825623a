/** A plan as a Mermaid flowchart, for READMEs and pages that render it: https://mermaid.js.org/syntax/flowchart.html */
import type { Plan } from '@millrace/core'

/** The graph, from sources on the left to sinks on the right. Named outputs are labels of arrows. */
export function mermaid(plan: Plan): string {
  const names = new Map<string, string>()
  const idOf = (id: string) => {
    if (!names.has(id)) names.set(id, `n${names.size}`)
    return names.get(id)!
  }
  const lines = ['flowchart LR']
  const box = (id: string, type: string, open: string, close: string) =>
    lines.push(`  ${idOf(id)}${open}"${escape(id === type ? id : `${id}<br><i>${type}</i>`)}"${close}`)
  for (const source of plan.sources) box(source.id, source.type, '[(', ')]')
  for (const step of plan.steps) box(step.id, step.type, '[', ']')
  for (const sink of plan.sinks) box(sink.id, sink.type, '[[', ']]')
  if (plan.deadLetter) box(plan.deadLetter.id, plan.deadLetter.type, '[[', ']]')

  const owner = new Map(
    plan.steps.flatMap((step) => Object.keys(step.sideOutputs).map((side) => [side, step.id] as const)),
  )
  const arrow = (from: string, to: string) => {
    const step = owner.get(from)
    lines.push(
      step === undefined ? `  ${idOf(from)} --> ${idOf(to)}` : `  ${idOf(step)} -- ${escape(from)} --> ${idOf(to)}`,
    )
  }
  for (const step of plan.steps) {
    for (const from of step.from) arrow(from, step.id)
    for (const [side, source] of Object.entries(step.sideInputs))
      lines.push(`  ${idOf(source)} -. ${escape(side)} .-> ${idOf(step.id)}`)
  }
  for (const sink of plan.sinks) for (const from of sink.from) arrow(from, sink.id)
  if (plan.deadLetter)
    for (const source of plan.sources)
      if (!source.side) lines.push(`  ${idOf(source.id)} -. bad .-> ${idOf(plan.deadLetter.id)}`)
  return `${lines.join('\n')}\n`
}

const escape = (text: string): string => text.replaceAll('"', '#quot;')
