/** Writes the spec of a case as YAML, one node per line. */
import type { Case, EventTime, Field, SetValue, Shape, Sink, Source, Step, Test } from '../case.ts'
import { sourceShape, timeFormat, type Window } from '../case.ts'
import { outputOf, shapesOf } from '../shape.ts'

type Yaml = Record<string, unknown>

const type = ({ type, optional }: Field): string => `${type}${optional ? '?' : ''}`
const schema = (shape: Shape) => ({
  fields: Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, type(field)])),
})
const condition = (test: Test): string =>
  'mod' in test ? `${test.field} % ${test.mod} == ${test.is}` : `${test.field} >= ${test.atLeast}`

function setValue(value: SetValue): unknown {
  if ('constant' in value) return { value: value.constant }
  if ('plus' in value) return `q + ${value.plus}`
  if ('ratio' in value) return `100 / (q - ${value.ratio})`
  if ('whole' in value) return 'int(c)'
  return `coalesce(k, "${value.or}")`
}

/** An outage is over at the second try. */
const soon = { retry: { backoff: '1ms', max_wait: '5ms' } }

/** The folder of all input. */
export const inputFolder = 'in'
export const sideFile = 'side.csv'
const sideSchema = { fields: { k: 'string', label: 'string' } }

function sourceOf(source: Source, whole: boolean): Yaml {
  const { kind, onError, afterRead, fields } = source
  const place = placeOf(source)
  const config =
    kind === 'log'
      ? { stream: place, path: inputFolder, poll: '3ms', ...(whole ? { stop: 'end' } : {}) }
      : { path: `${inputFolder}/${place}/`, ...(afterRead ? { after_read: afterRead } : {}) }
  return {
    type: kind === 'jsonl' ? 'files' : kind,
    config,
    schema: schema(fields ?? sourceShape),
    ...(source.eventTime ? { event_time: eventTimeOf(source.eventTime) } : {}),
    ...(onError ? { on_error: { data: onError } } : {}),
    ...soon,
  }
}

const ms = (n: number): string => `${n}ms`

const eventTimeOf = ({ outOfOrder, maxSkew }: EventTime): Yaml => ({
  field: 'w',
  formats: [timeFormat],
  max_out_of_order: outOfOrder === null ? 'unbounded' : ms(outOfOrder),
  ...(maxSkew === undefined ? {} : { max_skew: ms(maxSkew) }),
})

const windowOf = ({ length, lateness, late }: Window): Yaml => ({
  ...Object.fromEntries(Object.entries(length).map(([name, value]) => [name, ms(value as number)])),
  ...(lateness === 0 ? {} : { allowed_lateness: ms(lateness) }),
  late: late ?? 'drop',
})

function verbOf(step: Step, input: Shape): Yaml {
  switch (step.verb) {
    case 'where':
      return { where: condition(step.test) }
    case 'set':
      return { set: { [step.field]: setValue(step.value) } }
    case 'select':
      return { select: step.fields.map(([to, from]) => (to === from ? to : { [to]: from })) }
    case 'drop':
      return { drop: step.fields }
    case 'route':
      return {
        route: {
          ...Object.fromEntries(step.branches.map(({ name, test }) => [name, condition(test)])),
          ...(step.rest === undefined ? {} : { else: step.rest }),
        },
      }
    case 'split':
      return { set: { tags: 'split(t, "|")' } }
    case 'explode':
      return { explode: { field: 'tags', index: 'item' } }
    case 'aggregate':
      return {
        aggregate: {
          by: step.by,
          outputs: step.outputs,
          max_groups: step.cap,
          ...(step.window ? { window: windowOf(step.window) } : {}),
          ...(step.emit ? { emit: step.emit } : {}),
        },
      }
    case 'dedupe':
      return { dedupe: { by: step.by, last: step.last, ...(step.nulls ? { nulls: step.nulls } : {}) } }
    case 'join': {
      const side = step.side === 'source' ? { source: 'names' } : { file: sideFile, schema: sideSchema }
      return { join: { ...side, on: 'k', type: step.how, fields: [{ [step.field]: 'label' }] } }
    }
    case 'call':
      return {
        call: {
          function: `./steps.ts#${step.name}`,
          output: schema(outputOf(step, input)!),
          ...(step.name === 'twice' ? { returns: 'rows' } : {}),
        },
      }
    case 'parse_dates':
      return { parse_dates: { d: { formats: ['yyyy-MM-dd', 'dd.MM.yyyy'], to: step.to } } }
    case 'cast':
      return { cast: { c: 'integer' } }
  }
}

export const storeFile = 'out/store.db'
export const logFolder = 'out/log'

/** The name of the folder, stream, collection or table. */
export const placeOf = ({ id, place }: Sink | Source): string => place ?? id

const sinkOf = (sink: Sink): Yaml => ({ ...placedSink(sink), ...soon })

function placedSink(sink: Sink): Yaml {
  const { from } = sink
  const id = placeOf(sink)
  switch (sink.kind) {
    case 'id':
      return { from, type: 'sqlite', config: { path: storeFile, collection: id } }
    case 'key': {
      const set = { write: 'set', attribute: { name: 'u', value: ['n', 'q'] } }
      const write = sink.write === 'set' ? set : sink.write === 'insert' ? { write: 'insert' } : {}
      return { from, type: 'sqlite', config: { path: storeFile, collection: id, key: sink.key, ...write } }
    }
    case 'table':
      return { from, type: 'sqlite', config: { path: storeFile, table: id } }
    case 'files': {
      const { format, roll } = sink
      const place = roll === undefined ? `out/${id}/all.${format}` : `out/${id}/`
      return { from, type: 'files', config: { path: place, format, ...(roll ? { roll: { records: roll } } : {}) } }
    }
    case 'log':
      return {
        from,
        type: 'log',
        config: { path: logFolder, stream: id, partitions: sink.partitions, ...(sink.key ? { key: sink.key } : {}) },
      }
  }
}

/** The name of every pipeline. */
export const pipeline = 'graph'
export const lettersFolder = 'out/letters/'
export const lettersCollection = 'letters'

export function specOf(graph: Case): string {
  const shapes = shapesOf(graph)!
  const whole = graph.runs === 'whole'
  const line = (value: unknown) => JSON.stringify(value)
  const needsNames = graph.steps.some((step) => step.verb === 'join' && step.side === 'source')
  const letters =
    graph.deadLetter === 'sqlite'
      ? { type: 'sqlite', config: { path: storeFile, collection: lettersCollection } }
      : { type: 'files', config: { path: lettersFolder, format: 'jsonl' } }
  return [
    'version: 1',
    `name: ${pipeline}`,
    ...(graph.description === undefined ? [] : [`description: ${graph.description}`]),
    ...(graph.comment === undefined ? [] : [`# ${graph.comment}`]),
    `runs: ${graph.runs}`,
    'sources:',
    ...graph.sources.map((source) => `  ${source.id}: ${line(sourceOf(source, whole))}`),
    ...(needsNames ? [`  names: ${line({ type: 'csv', config: { path: sideFile }, schema: sideSchema })}`] : []),
    ...(graph.steps.length > 0 ? ['steps:'] : []),
    ...graph.steps.map((step) => {
      const policy = step.onError ? { on_error: { data: step.onError } } : {}
      return `  - ${line({ id: step.id, from: step.from, ...verbOf(step, shapes.get(`into ${step.id}`)!), ...policy })}`
    }),
    'sinks:',
    ...graph.sinks.map((sink) => `  ${sink.id}: ${line(sinkOf(sink))}`),
    `on_error: { data: ${graph.onError} }`,
    ...(graph.deadLetter ? [`dead_letter: ${line(letters)}`] : []),
    '',
  ].join('\n')
}
