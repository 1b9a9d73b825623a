/**
 * The delivery guarantee of a pipeline: the weakest of the paths from its sources to its sinks. The dead letter does
 * not count.
 *
 * On one path the guarantee is that of the sink, unless records may arrive twice. A source that repeats records as new
 * ones makes it at-least-once. A source that repeats them under the same id does so only where a step on the path
 * aggregates records, or where the sink appends every record; a deduplicating step before it (`dedupe`) restores the
 * guarantee within its bound, which the plan shows.
 */
import type { CheckedSink, CheckedSource, Delivery, DeliveryLabel, Flow, Lineages } from './checked.ts'
import type { Checking } from './context.ts'

const order: readonly DeliveryLabel[] = ['at-most-once', 'at-least-once', 'effectively-once']

interface Link {
  readonly label: DeliveryLabel
  readonly why: string
}

export function checkDelivery(
  streams: readonly CheckedSource[],
  sinks: readonly CheckedSink[],
  flow: Flow,
  lineages: Lineages,
  ctx: Checking,
): Delivery {
  for (const source of streams) {
    if (!source.capabilities || source.capabilities.replayable) continue
    const what = `\`${source.id}\` cannot be read twice: what was read and not yet saved is lost when the process dies`
    ctx.report('source_not_replayable', source.spec!.place, source.spec!.path, what)
  }
  // Sinks first: among equals, the way results are written matters more than the way they are read.
  const links: Link[] = sinks.flatMap(({ id, capabilities }) =>
    capabilities ? [{ label: capabilities.label, why: `sink \`${id}\`: ${capabilities.how}` }] : [],
  )
  const bounds = new Set<string>()
  for (const source of streams) links.push(...sourceLinks(source, sinks, flow, lineages, bounds))
  const weakest = links.reduce<Link | undefined>(
    (worst, link) => (worst && order.indexOf(worst.label) <= order.indexOf(link.label) ? worst : link),
    undefined,
  )
  const found: Delivery = {
    label: weakest?.label ?? 'effectively-once',
    weakest: weakest?.why ?? '',
    within: bounds.size > 0 ? [...bounds] : undefined,
  }
  return demanded(found, weakest, ctx)
}

/** What a source allows on each path to a sink. */
function sourceLinks(
  { id, capabilities }: CheckedSource,
  sinks: readonly CheckedSink[],
  flow: Flow,
  lineages: Lineages,
  bounds: Set<string>,
): Link[] {
  if (!capabilities) return []
  const { replayable, repeats } = capabilities
  if (!replayable) return [{ label: 'at-most-once', why: `source \`${id}\`: it cannot be read twice` }]
  if (!repeats)
    return [
      { label: 'effectively-once', why: `source \`${id}\`: it may deliver the same records again, under the same ids` },
    ]
  if (repeats.id === 'new') return [{ label: 'at-least-once', why: `source \`${id}\`: ${repeats.why}` }]
  const links: Link[] = []
  for (const sink of sinks) {
    for (const name of flow.sinks.get(sink.id)?.from ?? []) {
      for (const steps of waysFrom(id, name, flow, lineages)) {
        const end =
          sink.capabilities?.key === undefined ? `sink \`${sink.id}\` appends every record it gets` : undefined
        const adds = whatAdds(steps, end, flow, bounds)
        if (adds) links.push({ label: 'at-least-once', why: `source \`${id}\`: ${repeats.why}, and ${adds}` })
      }
    }
  }
  return links
}

/** The steps on each path from a source to an output, including paths through results. */
function waysFrom(source: string, output: string, flow: Flow, lineages: Lineages): readonly (readonly string[])[] {
  return lineages.of(output).flatMap(({ root, steps }) => {
    if (root === source) return [steps]
    const resultStep = flow.steps.find(({ step }) => step.id === root)
    if (!resultStep) return []
    const rest = steps.slice(steps.indexOf(root) + 1)
    return resultStep.from.flatMap((name) =>
      waysFrom(source, name, flow, lineages).map((before) => [...before, root, ...rest]),
    )
  })
}

/**
 * What counts a repeated record twice on this path; undefined: nothing does. Collects the bounds of deduplicating
 * steps.
 */
function whatAdds(
  steps: readonly string[],
  end: string | undefined,
  flow: Flow,
  bounds: Set<string>,
): string | undefined {
  for (const id of steps) {
    const step = flow.steps.find((each) => each.step.id === id)?.step
    if (!step?.definition || step.options === undefined) continue
    const bound = step.definition.removesRepeats?.(step.options as never)
    if (bound !== undefined) {
      bounds.add(`\`${id}\`: repeated records are recognised ${bound}`)
      return undefined
    }
    if (step.definition.counts) return `\`${id}\` counts it twice`
  }
  return end
}

function demanded(found: Delivery, weakest: Link | undefined, ctx: Checking): Delivery {
  const { delivery } = ctx.spec
  if (!delivery) return found
  if (delivery.demanded === 'exactly_once') {
    const what = 'exactly-once delivery is not possible between two systems that do not commit together'
    ctx.report('exactly_once', delivery.place, 'delivery', what)
    return found
  }
  const required: DeliveryLabel = delivery.demanded === 'effectively_once' ? 'effectively-once' : 'at-least-once'
  if (weakest && order.indexOf(weakest.label) < order.indexOf(required)) {
    const what = `the pipeline is ${weakest.label}. The weakest link is ${weakest.why}`
    ctx.report('delivery_too_weak', delivery.place, 'delivery', what, {
      expected: required,
      got: weakest.label,
      hint:
        weakest.label === 'at-most-once'
          ? 'read from a file or a stream'
          : 'write records by key, remove repeated ones with `dedupe`, or ask for delivery: at_least_once',
    })
  }
  return { ...found, required }
}
