/** The promise of a pipeline: the weakest of its sources and sinks. Steps keep every record's identity; the dead letter counts in none. */
import type { CheckedSink, CheckedSource, Delivery, DeliveryLabel } from './checked.ts'
import type { Checking } from './context.ts'

const order: readonly DeliveryLabel[] = ['at-most-once', 'at-least-once', 'effectively-once']

interface Link {
  readonly label: DeliveryLabel
  readonly why: string
}

export function checkDelivery(
  streams: readonly CheckedSource[],
  sinks: readonly CheckedSink[],
  ctx: Checking,
): Delivery {
  // Sinks first: among equals, how results are written says more than how they are read.
  const links: Link[] = sinks.flatMap(({ id, capabilities }) =>
    capabilities ? [{ label: capabilities.label, why: `sink \`${id}\`: ${capabilities.how}` }] : [],
  )
  for (const source of streams) {
    if (!source.capabilities) continue
    links.push(sourceLink(source))
    if (links.at(-1)!.label === 'at-most-once') {
      ctx.report(
        'source_not_replayable',
        source.spec!.place,
        source.spec!.path,
        `\`${source.id}\` cannot be read twice: what was read and not yet saved is lost when the process dies`,
      )
    }
  }
  const weakest = links.reduce<Link | undefined>(
    (worst, link) => (worst && order.indexOf(worst.label) <= order.indexOf(link.label) ? worst : link),
    undefined,
  )
  const found: Delivery = { label: weakest?.label ?? 'effectively-once', weakest: weakest?.why ?? '' }
  const { delivery } = ctx.spec
  if (!delivery) return found
  if (delivery.demanded === 'exactly_once') {
    ctx.report(
      'exactly_once',
      delivery.place,
      'delivery',
      'exactly once cannot be promised between two systems that do not commit together',
    )
    return found
  }
  const required: DeliveryLabel = delivery.demanded === 'effectively_once' ? 'effectively-once' : 'at-least-once'
  if (weakest && order.indexOf(weakest.label) < order.indexOf(required)) {
    ctx.report(
      'delivery_too_weak',
      delivery.place,
      'delivery',
      `the pipeline is ${weakest.label}. The weakest link is ${weakest.why}`,
      {
        expected: required,
        got: weakest.label,
        hint:
          weakest.label === 'at-most-once'
            ? 'read from a file or a stream'
            : 'use a sink that takes records by key, or ask for delivery: at_least_once',
      },
    )
  }
  return { ...found, required }
}

function sourceLink({ id, capabilities }: CheckedSource): Link {
  if (capabilities!.replayable)
    return { label: 'effectively-once', why: `source \`${id}\`: the same records come again under the same ids` }
  if (capabilities!.answers)
    return {
      label: 'at-least-once',
      why: `source \`${id}\`: a sender that repeats a request without an idempotency key makes new records`,
    }
  return { label: 'at-most-once', why: `source \`${id}\`: it cannot be read twice` }
}
