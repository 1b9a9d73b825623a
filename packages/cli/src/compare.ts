/**
 * Compares one pipeline under two profiles by their plans: bindings, delivery, the order of records, what checkpoints
 * wait for, limits, and how each field is stored.
 */
import {
  type OptionSchema,
  type Plan,
  type PlanSink,
  type PlanSource,
  type Registry,
  type Type,
  typeText,
} from '@millrace/core'
import { configText } from './print/plan.ts'
import { bytes, span } from './print/table.ts'

/** The topics, in this order. */
export const topics = [
  'records',
  'connectors',
  'delivery',
  'ordering',
  'checkpoints',
  'limits',
  'options',
  'types',
] as const

/** One fact about both plans. */
export interface Aspect {
  readonly topic: (typeof topics)[number]
  /** The pipeline, a node, or a node's option or field: `delivery`, `source`, `documents.total`. */
  readonly of: string
  readonly values: readonly [string, string]
  readonly equal: boolean
}

/** The comparison of two plans. */
export interface Comparison {
  readonly pipeline: string
  readonly profiles: readonly [string, string]
  readonly aspects: readonly Aspect[]
}

/** A plan and the definitions it was made with. */
export interface Side {
  readonly plan: Plan
  readonly registry: Registry
}

type Telling = readonly [topic: Aspect['topic'], of: string, value: string]

/** Compares two plans of one spec. */
export function compare(a: Side, b: Side): Comparison {
  const [left, right] = [tell(a), tell(b)].map(
    (told) => new Map(told.map(([topic, of, value]) => [`${topic} ${of}`, { topic, of, value }])),
  )
  const aspects = [...new Map([...left!, ...right!])].map(([key, { topic, of }]): Aspect => {
    const values = [left!.get(key)?.value ?? '–', right!.get(key)?.value ?? '–'] as const
    return { topic, of, values, equal: values[0] === values[1] }
  })
  return {
    pipeline: a.plan.name,
    profiles: [a.plan.profile, b.plan.profile],
    aspects: aspects.sort((x, y) => topics.indexOf(x.topic) - topics.indexOf(y.topic)),
  }
}

/** Everything that a plan says about these topics. */
function tell({ plan, registry }: Side): Telling[] {
  const { delivery } = plan
  return [
    ['records', 'run', plan.runs === 'whole' ? 'from beginning to end' : 'resumes where the last run stopped'],
    [
      'records',
      'bad records',
      { stop: 'stop the run', dead_letter: 'to the dead letter', drop: 'dropped and counted' }[plan.onError],
    ],
    ...plan.steps.map((step): Telling => ['records', step.id, `${step.type}: ${configText(step.config)}`]),
    ['delivery', 'pipeline', `${delivery.label}; weakest: ${delivery.weakest}`],
    ...plan.sources.flatMap((source) => tellSource(source, registry)),
    ...[...plan.sinks, ...(plan.deadLetter ? [plan.deadLetter] : [])].flatMap((sink) => tellSink(sink, registry)),
  ]
}

function tellSource(source: PlanSource, registry: Registry): Telling[] {
  const { id, type, capabilities } = source
  const definition = registry.source(type)!
  return [
    ['records', id, fieldTypes(source)],
    ['connectors', id, type],
    ['delivery', id, capabilities.replayable ? 'read again from its positions after a crash' : 'cannot be read twice'],
    [
      'ordering',
      id,
      capabilities.lanes === 'split'
        ? 'in order within each split; each has its own watermark'
        : 'in order within each split; all share a watermark',
    ],
    ['records', `${id} ends`, capabilities.bounded ? 'at the end of its input' : 'never'],
    ...tellOptions(id, source.config, definition.options),
  ]
}

function tellSink(sink: PlanSink, registry: Registry): Telling[] {
  const { id, type, capabilities, input } = sink
  const definition = registry.sink(type)!
  const stored = (type: Type): string =>
    definition.mapping ? (definition.mapping(type) ?? 'not storable') : 'not specified by its connector'
  return [
    ['connectors', id, type],
    ['delivery', id, `${capabilities.label}: ${capabilities.how}`],
    ['ordering', id, 'records with the same key from one split are written in order'],
    ['checkpoints', id, capabilities.checkpointsOnRoll ? 'wait until its files are closed' : 'do not wait for files'],
    ...Object.entries(capabilities.limits ?? {}).map(([of, limit]): Telling => ['limits', `${id}, a ${of}`, limit]),
    ['checkpoints', `${id} updates`, capabilities.keyed ? 'replace existing records by key' : 'are added'],
    ...tellOptions(id, sink.config, definition.options),
    ...Object.entries(input.fields).map(
      ([name, field]): Telling => ['types', `${id}.${name}`, `${typeText(field.type)} as ${stored(field.type)}`],
    ),
  ]
}

const fieldTypes = ({ schema }: PlanSource): string =>
  Object.entries(schema.fields)
    .map(([name, field]) => `${name}: ${typeText(field.type)}`)
    .join(', ')

/** Options that order records rather than limit or name something. */
const ordering: readonly string[] = ['order', 'key', 'partitions', 'in_flight']

function tellOptions(id: string, config: PlanSource['config'], schema: OptionSchema): Telling[] {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return []
  return Object.entries(config).map(([name, value]): Telling => {
    const option = schema.properties?.[name]
    const topic = ordering.includes(name) ? 'ordering' : isLimit(option) ? 'limits' : 'options'
    if (option?.format === 'duration' && typeof value === 'number') return [topic, `${id}.${name}`, span(value)]
    if (option?.format === 'size' && typeof value === 'number') return [topic, `${id}.${name}`, bytes(value)]
    return [topic, `${id}.${name}`, configText(value, option)]
  })
}

const isLimit = (option: OptionSchema | undefined): boolean =>
  option?.format === 'duration' ||
  option?.format === 'size' ||
  option?.format === 'percent' ||
  option?.type === 'integer' ||
  option?.type === 'number'
