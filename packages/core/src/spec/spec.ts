/**
 * A spec as its author meant it: sources, steps and sinks with ids, what they read, and the nodes of their configs.
 * Structure only; whether the connectors and fields exist is judged by check/.
 *
 * One file, in the order of the keys of a spec.
 */
import type { Fold } from '../date/index.ts'
import type { Json } from '../record/index.ts'
import { type RetryRule, retryRule } from './retry.ts'
import type { Report } from './finding.ts'
import { pathText } from './finding.ts'
import { readKeys } from './read.ts'
import { deadLetterShape, type Shape, sinkShape, sourceShape, specShape, stepShape } from './shape.ts'
import { entryOf, type MapEntry, type MapNode, type Place, type SpecNode } from './tree.ts'

/** A reference to an id. */
export interface Reference {
  readonly name: string
  readonly place: Place
  readonly path: string
}

/** A part of a spec, and its place. */
interface Part {
  readonly id: string
  /** Where the id, or what implies it, is written. */
  readonly place: Place
  readonly path: string
}

/** Properties that sources, sinks and the dead letter have in common. */
export interface SpecEndpoint extends Part {
  readonly node: SpecNode
  readonly type?: MapEntry
  readonly connection?: MapEntry
  readonly config?: MapEntry
  readonly retry?: RetryRule
  readonly description?: string
}

export interface SpecSource extends SpecEndpoint {
  readonly schema?: MapEntry
  readonly unknownFields: 'drop' | 'error' | 'keep'
  readonly eventTime?: { readonly entry: MapEntry; readonly value: SpecEventTime }
  readonly onError?: OnErrorWord
  readonly onErrorPlace?: Place
  readonly answer?: Reference
  readonly partial: boolean
  /** Entries that only a source that answers may have. */
  readonly answerKeys: readonly MapEntry[]
}

/** `event_time:` as written, durations in ms. */
export type SpecEventTime =
  | 'arrival'
  | {
      readonly field: string
      readonly formats?: readonly string[]
      readonly zone: string
      readonly fold: Fold
      readonly max_out_of_order: number | 'unbounded'
      readonly idle_after?: number
      readonly max_future?: number
      readonly max_skew?: number
    }

export type OnErrorWord = 'stop' | 'dead_letter' | 'drop' | 'refuse'

export interface SpecStep extends Part {
  /** The id is the verb's name, not chosen by the author. */
  readonly isUnnamed: boolean
  readonly verb: MapEntry
  /** The verb's config; if the step has a `window`, a map with that added. */
  readonly config: SpecNode
  readonly configPath: string
  readonly from?: readonly Reference[]
  readonly onError?: OnErrorWord
  readonly onErrorPlace?: Place
  readonly description?: string
}

export interface SpecSink extends SpecEndpoint {
  readonly from?: readonly Reference[]
}

export interface SpecDeadLetter extends SpecEndpoint {
  readonly stopAbove?: number
}

export interface Spec {
  readonly name: string
  readonly description?: string
  readonly delivery?: {
    readonly demanded: 'at_least_once' | 'effectively_once' | 'exactly_once'
    readonly place: Place
  }
  readonly connections?: MapEntry
  readonly sources: readonly SpecSource[]
  readonly steps: readonly SpecStep[]
  readonly sinks: readonly SpecSink[]
  readonly onError?: { readonly data: OnErrorWord; readonly place: Place }
  readonly deadLetter?: SpecDeadLetter
  readonly runs?: { readonly mode: 'whole' | 'continue'; readonly place: Place }
  readonly parallelism: { readonly workers: number; readonly place: Place }
  readonly schedule?: { readonly entry: MapEntry; readonly value: SpecSchedule }
}

/** `schedule:` as written, durations in ms. */
export interface SpecSchedule {
  readonly cron?: string
  readonly timezone: string
  readonly after?: readonly string[]
  readonly retries: number
  readonly backoff: number
  readonly overlap: 'skip' | 'wait'
  readonly catch_up: 'none' | 'latest' | 'all'
}

const idPattern = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/

/** Reads the structure. Always returns a spec, with everything that could be read. */
export function readSpec(tree: SpecNode, report: Report): Spec {
  const { keys, values } = readKeys(tree, specShape, '', report)
  const start: Place = { ...tree.place, end: tree.place.start }
  if (values['version'] !== undefined && values['version'] !== 1)
    report(
      'version_unsupported',
      keys.get('version')!.value.place,
      'version',
      `version ${String(values['version'])} is not supported`,
    )
  const name = String(values['name'] ?? '')
  if (keys.has('name') && values['name'] !== undefined && !idPattern.test(name))
    report('bad_name', keys.get('name')!.value.place, 'name', `\`${name}\` is not a valid name for a pipeline`)
  const onError = keys.get('on_error')
  const onErrorValue = (values['on_error'] as { data?: OnErrorWord } | undefined)?.data
  const delivery = values['delivery'] as NonNullable<Spec['delivery']>['demanded'] | undefined
  const runs = values['runs'] as 'whole' | 'continue' | undefined
  const deadLetter = keys.get('dead_letter')
  const connections = keys.get('connections')
  const sources = readSources(keys.get('source'), keys.get('sources'), start, report)
  const sinks = readSinks(keys.get('sinks'), start, report)
  const steps = readSteps(keys.get('steps'), [...sources, ...sinks], report)
  return {
    name,
    ...descriptionOf(values),
    ...(delivery ? { delivery: { demanded: delivery, place: keys.get('delivery')!.value.place } } : {}),
    ...(connections ? { connections } : {}),
    sources,
    steps,
    sinks,
    ...(onErrorValue ? { onError: { data: onErrorValue, place: onError!.value.place } } : {}),
    ...(deadLetter ? { deadLetter: readDeadLetter(deadLetter, report) } : {}),
    ...(runs ? { runs: { mode: runs, place: keys.get('runs')!.value.place } } : {}),
    parallelism: { workers: Number(values['parallelism'] ?? 1), place: keys.get('parallelism')?.value.place ?? start },
    ...(keys.has('schedule') && values['schedule'] !== undefined
      ? { schedule: { entry: keys.get('schedule')!, value: values['schedule'] as unknown as SpecSchedule } }
      : {}),
  }
}

const descriptionOf = ({ description }: Readonly<Record<string, Json>>) =>
  typeof description === 'string' ? { description } : {}

/** The named parts of a map; a list or a scalar instead is a finding. */
function namedParts(entry: MapEntry, report: Report): readonly MapEntry[] {
  const { value, key } = entry
  if (value.kind === 'map') {
    for (const part of value.entries) {
      if (!idPattern.test(part.key))
        report('bad_name', part.keyPlace, pathText(key, [part.key]), `\`${part.key}\` is not a valid id`)
    }
    return value.entries
  }
  report('wrong_type', value.place, key, `\`${key}\` must be a map of ids`, {
    expected: 'a map',
    hint: `${key}: { name: { type: ... } }`,
  })
  return []
}

function readSources(
  source: MapEntry | undefined,
  sources: MapEntry | undefined,
  start: Place,
  report: Report,
): readonly SpecSource[] {
  if (source && sources)
    report('duplicate_key', sources.keyPlace, 'sources', '`source` and `sources` are both given', {
      hint: 'put all of them under `sources`',
    })
  const found = [
    ...(source ? [readSource('source', source, 'source', report)] : []),
    ...(sources
      ? namedParts(sources, report).map((entry) =>
          readSource(entry.key, entry, pathText('sources', [entry.key]), report),
        )
      : []),
  ]
  const isEmptyMap = sources?.value.kind === 'map' && sources.value.entries.length === 0
  if ((!source && !sources) || (isEmptyMap && !source))
    report('no_source', sources?.keyPlace ?? start, 'source', 'the pipeline has no source', {
      hint: 'add `source: { type: csv, config: { path: in.csv } }`',
    })
  return found
}

function readEndpoint(id: string, entry: MapEntry, path: string, shape: Shape, report: Report) {
  const read = readKeys(entry.value, shape, path, report)
  const type = read.keys.get('type')
  const connection = read.keys.get('connection')
  const config = read.keys.get('config')
  if (entry.value.kind === 'map' && !type === !connection) {
    const message = type ? '`type` and `connection` are both given' : 'neither `type` nor `connection` is given'
    report('type_or_connection', type?.keyPlace ?? entry.keyPlace, path, message)
  }
  const endpoint: SpecEndpoint = {
    id,
    place: entry.keyPlace,
    path,
    node: entry.value,
    type,
    connection,
    config,
    retry: read.values['retry'] === undefined ? undefined : retryRule(read.values['retry']),
    ...descriptionOf(read.values),
  }
  return { read, endpoint }
}

function readSource(id: string, entry: MapEntry, path: string, report: Report): SpecSource {
  const { read, endpoint } = readEndpoint(id, entry, path, sourceShape, report)
  const { keys, values } = read
  const schema = keys.get('schema')
  const answer = keys.get('answer')
  const eventTime = keys.get('event_time')
  const onError = (values['on_error'] as { data?: OnErrorWord } | undefined)?.data
  return {
    ...endpoint,
    ...(schema ? { schema } : {}),
    unknownFields: (values['unknown_fields'] ?? 'drop') as SpecSource['unknownFields'],
    ...(eventTime && values['event_time'] !== undefined
      ? { eventTime: { entry: eventTime, value: values['event_time'] as unknown as SpecEventTime } }
      : {}),
    ...(onError ? { onError, onErrorPlace: keys.get('on_error')!.value.place } : {}),
    ...(answer && typeof values['answer'] === 'string'
      ? { answer: { name: values['answer'], place: answer.value.place, path: `${path}.answer` } }
      : {}),
    partial: values['partial'] === true,
    answerKeys: ['answer', 'partial'].flatMap((key) => keys.get(key) ?? []),
  }
}

function readSteps(steps: MapEntry | undefined, others: readonly Part[], report: Report): readonly SpecStep[] {
  if (!steps || (steps.value.kind === 'scalar' && steps.value.value === null)) return []
  if (steps.value.kind !== 'list') {
    report('wrong_type', steps.value.place, 'steps', '`steps` must be a list, in order', {
      expected: 'a list',
      hint: 'start each step with `- `',
    })
    return []
  }
  const taken = new Set(others.map((part) => part.id))
  for (const node of steps.value.items) {
    const id = entryOf(node, 'id')?.value
    if (id?.kind === 'scalar') taken.add(id.text)
  }
  return steps.value.items.flatMap((node, i) => readStep(node, `steps[${i}]`, taken, report) ?? [])
}

function readStep(node: SpecNode, path: string, taken: Set<string>, report: Report): SpecStep | undefined {
  const { keys, values, rest } = readKeys(node, stepShape, path, report, true)
  if (node.kind !== 'map') return undefined
  const window = rest.find((entry) => entry.key === 'window')
  const verbs = rest.filter((entry) => entry !== window)
  const [verb, second] = verbs
  if (!verb) {
    report('step_verbs', node.place, path, window ? 'the step has a `window` but no verb' : 'the step has no verb', {
      expected: 'one verb, such as `where` or `select`',
    })
    return undefined
  }
  if (second)
    report('step_verbs', second.keyPlace, path, `the step has two verbs, \`${verb.key}\` and \`${second.key}\``)
  if (window && verb.value.kind !== 'map')
    report('unknown_key', window.keyPlace, `${path}.window`, `\`${verb.key}\` does not support \`window\``, {
      hint: 'remove it',
    })
  const inner = window && entryOf(verb.value, 'window')
  if (inner)
    report('duplicate_key', inner.keyPlace, pathText(path, [verb.key, 'window']), '`window` is given twice', {
      hint: `remove it here, or beside \`${verb.key}\``,
    })
  const own = keys.get('id')
  const id = typeof values['id'] === 'string' ? values['id'] : undefined
  if (own && id !== undefined && !idPattern.test(id))
    report('bad_name', own.value.place, `${path}.id`, `\`${id}\` is not a valid id`)
  const onError = (values['on_error'] as { data?: OnErrorWord } | undefined)?.data
  const from = keys.get('from')
  return {
    id: id ?? freeId(verb.key, taken),
    isUnnamed: id === undefined,
    place: own?.value.place ?? verb.keyPlace,
    path,
    verb,
    config: window && !inner ? withWindow(verb.value, window) : verb.value,
    configPath: pathText(path, [verb.key]),
    from: from && references(from.value, `${path}.from`),
    ...(onError ? { onError, onErrorPlace: keys.get('on_error')!.value.place } : {}),
    ...descriptionOf(values),
  }
}

/** A step without an id is named by its verb: `where`, the next one `where-2`. */
function freeId(verb: string, taken: Set<string>): string {
  let id = verb
  for (let n = 2; taken.has(id); n++) id = `${verb}-${n}`
  taken.add(id)
  return id
}

const withWindow = (config: SpecNode, window: MapEntry): SpecNode =>
  config.kind === 'map' ? ({ ...config, entries: [...config.entries, window] } satisfies MapNode) : config

function references(node: SpecNode, path: string): readonly Reference[] {
  if (node.kind === 'list') return node.items.flatMap((item, i) => references(item, `${path}[${i}]`))
  return node.kind === 'scalar' && typeof node.value === 'string' && !node.broken
    ? [{ name: node.value, place: node.place, path }]
    : []
}

function readSinks(sinks: MapEntry | undefined, start: Place, report: Report): readonly SpecSink[] {
  const parts = sinks ? namedParts(sinks, report) : []
  if (parts.length === 0 && (!sinks || sinks.value.kind === 'map'))
    report('no_sink', sinks?.keyPlace ?? start, 'sinks', 'the pipeline has no sink')
  return parts.map((entry) => {
    const path = pathText('sinks', [entry.key])
    const { read, endpoint } = readEndpoint(entry.key, entry, path, sinkShape, report)
    const from = read.keys.get('from')
    return { ...endpoint, ...(from ? { from: references(from.value, `${path}.from`) } : {}) }
  })
}

function readDeadLetter(entry: MapEntry, report: Report): SpecDeadLetter {
  const { read, endpoint } = readEndpoint('dead_letter', entry, 'dead_letter', deadLetterShape, report)
  const stopAbove = read.values['stop_above']
  return { ...endpoint, ...(typeof stopAbove === 'number' ? { stopAbove } : {}) }
}
