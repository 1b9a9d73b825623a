/** Prints a plan: sources, steps and sinks, in the order of the flow, and the delivery guarantee. */
import {
  durationText,
  fieldText,
  type Json,
  type OptionSchema,
  parseDuration,
  parseSize,
  type Plan,
  type PlanEventTime,
  type PlanNode,
  type PlanSink,
  type RecordType,
  type RetryRule,
  defaultRetry,
  type Registry,
  sizeText,
} from '@millrace/core'

/** The plan as text. `registry` has the defaults of options, which are left out. */
export function planText(plan: Plan, registry: Registry): string {
  const lines = [
    `${plan.name}${plan.project === undefined ? '' : ` · project ${plan.project}`} · profile ${plan.profile} · ${plan.runs === 'whole' ? 'runs from beginning to end' : 'resumes where the last run stopped'}`,
  ]
  if (plan.description) lines.push(plan.description)
  lines.push('')
  const show = (
    does: string,
    node: PlanNode,
    how: readonly string[],
    options: OptionSchema | undefined,
    gives: string,
  ) => {
    lines.push(
      `${does.padEnd(6)} ${node.id === node.type ? node.id : `${node.id} (${node.type})`}${how.length ? `  ${how.join('; ')}` : ''}`,
    )
    if (node.description) lines.push(`         ${node.description}`)
    const config = configText(node.config, options)
    if (config) lines.push(`         ${config}`)
    lines.push(`         ${gives}`)
  }
  for (const source of plan.sources)
    show(
      'read',
      source,
      source.side ? ['completely, as a side input'] : [],
      registry.source(source.type)?.options,
      [fieldsText(source.schema), ...(source.eventTime ? [eventTimeText(source.eventTime)] : [])].join('\n         '),
    )
  for (const step of plan.steps) {
    const how = [
      `from ${step.from.join(', ')}`,
      ...(step.pushedInto ? [`done by ${step.pushedInto} while reading`] : []),
      ...plan.sources.flatMap(({ id, push }) =>
        push?.where?.step === step.id ? [`${id} skips what it drops where it can`] : [],
      ),
      ...(step.stateful ? ['keeps state'] : []),
    ]
    const gives = [
      ...(step.output ? [fieldsText(step.output)] : []),
      ...Object.keys(step.sideOutputs).map((name) => `to ${name}`),
    ]
    show('do', step, how, registry.step(step.type)?.options, gives.join(', '))
  }
  for (const sink of plan.sinks)
    show('write', sink, [`from ${sink.from.join(', ')}`], registry.sink(sink.type)?.options, promise(sink))
  if (plan.deadLetter)
    show(
      'write',
      plan.deadLetter,
      ['bad records'],
      registry.sink(plan.deadLetter.type)?.options,
      promise(plan.deadLetter),
    )

  lines.push(
    '',
    `Delivery: ${plan.delivery.label}${plan.delivery.required ? ', as the spec requires' : ''}. Weakest: ${plan.delivery.weakest}`,
  )
  for (const bound of plan.delivery.within ?? []) lines.push(`  within: ${bound}`)
  lines.push(`Bad records: ${badRecords(plan)}`)
  lines.push(`Systems that do not answer: ${waiting(plan)}`)
  const heldBySinks = plan.sinks.filter((sink) => sink.capabilities.checkpointsOnRoll).map((sink) => sink.id)
  if (heldBySinks.length)
    lines.push(
      `Checkpoints wait until files of ${heldBySinks.join(', ')} are closed; a restart writes again what came after the last closed file.`,
    )
  return `${lines.join('\n')}\n`
}

function badRecords(plan: Plan): string {
  if (plan.onError === 'stop') return 'the first one stops the run.'
  if (plan.onError === 'drop') return 'dropped and counted.'
  const share = plan.deadLetter?.stopAbove
  return `to the dead letter${share === undefined ? '' : `; more than ${+(share * 100).toFixed(3)} % of the last 10,000 stop the run`}.`
}

/** How long systems are retried, as set in the spec or by default. */
function waiting(plan: Plan): string {
  const nodes = [...plan.sources.filter((s) => !s.side), ...plan.sinks, ...(plan.deadLetter ? [plan.deadLetter] : [])]
  const text = ({ forMs, maxMs }: RetryRule) =>
    `${forMs === null ? 'until they answer' : durationText(forMs)}, at intervals of up to ${durationText(maxMs)}`
  const own = nodes.flatMap(({ id, retry }) => (retry ? [`${id}: ${text(retry)}`] : []))
  const rest = own.length < nodes.length ? [`retried for ${text(defaultRetry)} (30s until the first answer)`] : []
  return `${[...rest, ...own].join('; ')}.`
}

/** When the events of a source happened. */
function eventTimeText(time: PlanEventTime): string {
  const { arrival, field, formats, zone, maxOutOfOrderMs, idleAfterMs, maxFutureMs, maxSkewMs } = time
  if (arrival) return 'event time: arrival'
  const limits = [
    maxOutOfOrderMs === null ? 'any disorder' : `${durationText(maxOutOfOrderMs)} out of order`,
    ...(idleAfterMs === undefined ? [] : [`idle after ${durationText(idleAfterMs)}`]),
    ...(maxFutureMs === undefined ? [] : [`at most ${durationText(maxFutureMs)} ahead of its arrival`]),
    ...(maxSkewMs === undefined ? [] : [`lanes at most ${durationText(maxSkewMs)} apart`]),
  ]
  const read = formats ? ` as ${formats.join(' or ')} in ${zone}` : ''
  return `event time: ${field}${read}; ${limits.join(', ')}`
}

const promise = (sink: PlanSink): string => `${sink.capabilities.label}: ${sink.capabilities.how}`

/** `{ order: integer, customer: string? }` */
export function fieldsText(record: RecordType): string {
  const fields = Object.entries(record.fields).map(([name, field]) => `${name}: ${fieldText(field)}`)
  return `{ ${[...fields, ...(record.open ? ['…'] : [])].join(', ')} }`
}

/** Config on one line, as in a spec; secrets as references. Options with their default value are left out. */
export function configText(config: Json, options?: OptionSchema): string {
  if (typeof config === 'string') return /^[\w./$ -]+$/.test(config) ? config : JSON.stringify(config)
  if (typeof config !== 'object' || config === null) return String(config)
  if (Array.isArray(config)) return `[${config.map((each) => configText(each as Json)).join(', ')}]`
  const map = config as Readonly<Record<string, Json>>
  if (typeof map['$secret'] === 'string') return `\${secret:${map['$secret']}}`
  if (Array.isArray(map['$secrets'])) {
    const parts = map['$secrets'] as readonly (string | { readonly $secret: string })[]
    return JSON.stringify(
      masked(parts.map((part) => (typeof part === 'string' ? part : `\${secret:${part.$secret}}`)).join('')),
    )
  }
  return Object.entries(map)
    .flatMap(([key, value]) => {
      const option = formOf(options?.properties?.[key], value)
      const text = isPlainMap(value)
        ? configText(value, option)
        : typeof value === 'number'
          ? numberText(value, option)
          : configText(value)
      if (isPlainMap(value)) return text || !option ? [`${key}: { ${text} }`] : []
      return option?.default === value || (option && text === numberText(defaultOf(option), option))
        ? []
        : [`${key}: ${text}`]
    })
    .join(', ')
}

/** The form of an option that a value has, if it has several: a number with a unit, or a map. */
function formOf(option: OptionSchema | undefined, value: Json): OptionSchema | undefined {
  const forms = option?.anyOf
  const form = isPlainMap(value)
    ? forms?.find(({ properties }) => properties)
    : typeof value === 'number'
      ? forms?.find(({ format }) => format === 'duration' || format === 'size')
      : undefined
  return form ? { ...form, default: option!.default } : option
}

/** A number in the unit of its option. */
function numberText(value: number, option: OptionSchema | undefined): string {
  if (option?.format === 'duration') return durationText(value)
  return option?.format === 'size' ? sizeText(value) : String(value)
}

/** A default that is written with a unit, as a number. */
const defaultOf = ({ format, default: text }: OptionSchema): number =>
  (typeof text !== 'string'
    ? undefined
    : format === 'duration'
      ? parseDuration(text)
      : format === 'size'
        ? parseSize(text)
        : undefined) ?? Number.NaN

const isPlainMap = (value: Json): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !('$secret' in value) &&
  !('$secrets' in value)

/** Masks a password in an address. */
const masked = (text: string): string => text.replaceAll(/(:\/\/[^\s:@/]*:)(?!\$\{)[^\s@/]+@/g, '$1***@')
