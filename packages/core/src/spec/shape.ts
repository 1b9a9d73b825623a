/**
 * The keys of a spec, as options: the reader, the JSON Schema for editors and the documentation come from them. A
 * `part` is read by its own rules.
 */
import { type OptionSchema, option } from '../connector/options.ts'

/** A value with a shape of its own, read elsewhere. */
const part = option.any

/** Keys of a map, with the schema of each. */
export type Shape = Readonly<Record<string, OptionSchema>>

const names = option.anyOf(
  [
    option.text('One id.', { minLength: 1 }),
    option.list(option.text('An id.', { minLength: 1 }), 'Several ids: merged.', { min: 1 }),
  ],
  'What it reads: the id of a source, a step or a named output; a list merges. Default: the step before.',
)

/** `on_error:` of a spec, source or step. */
export const onErrorShape: Shape = {
  data: option.oneOf(
    ['stop', 'dead_letter', 'drop', 'refuse'],
    'What to do with a bad record: stop the run, keep it in the dead letter, drop and count it, or refuse it to its sender.',
  ),
}

/** A spec file. */
export const specShape: Shape = {
  version: option.integer('The version of the spec language: 1.', { example: 1 }),
  name: option.text('The name of the pipeline: letters, digits, `_` and `-`.', { example: 'store-invoices' }),
  description: option.optional(option.text('What it is for, in a sentence.')),
  delivery: option.optional(
    option.oneOf(
      ['at_least_once', 'effectively_once', 'exactly_once'],
      'The required delivery guarantee; the check fails where it cannot be kept.',
    ),
  ),
  vars: option.optional(
    part('Values that differ from run to run, each with `type` and `default`; `--set name=value` sets them.'),
  ),
  connections: option.optional(part('Connections of this spec alone: a kind that the profile binds, or a binding.')),
  source: option.optional(part('The only source; its id is `source`.')),
  sources: option.optional(part('Several sources by id.')),
  steps: option.optional(part('The steps, in order.')),
  sinks: option.optional(part('Where results go, by id.')),
  on_error: option.optional(option.object(onErrorShape, 'What to do with bad records.')),
  dead_letter: option.optional(part('Where bad records are kept.')),
  runs: option.optional(
    option.oneOf(
      ['whole', 'continue'],
      'Read everything each time, or continue where the last run stopped. Default: whole where every input ends.',
    ),
  ),
  parallelism: option.integer('Workers that share the splits of the sources.', { default: 1, min: 1, max: 64 }),
}

/** `retry:` of a connection, source, sink or dead letter. */
export const retrySchema = option.object(
  {
    for: option.anyOf(
      [option.oneOf(['forever'], 'Until it works or the run is stopped.'), option.duration('For so long.')],
      'How long to retry a system that is unreachable or temporarily refuses.',
      { default: '30m', example: '2h' },
    ),
    backoff: option.duration('The wait before the second try; it doubles each time.', { default: '100ms' }),
    max_wait: option.duration('The longest wait between two tries.', { default: '15s' }),
  },
  'How to retry a system that does not answer. Refused logins and missing names are not retried.',
)

const retry: Shape = { retry: option.optional(retrySchema) }

const endpoint: Shape = {
  ...retry,
  // A part, since YAML reads `type: null` as no value, and `null` is a sink.
  type: option.optional(part('The connector.')),
  connection: option.optional(option.text('A connection that the profile binds to a system.')),
  config: option.optional(part("The connector's options.")),
  description: option.optional(option.text('What it is for.')),
}

/** A source. */
export const sourceShape: Shape = {
  ...endpoint,
  schema: option.optional(option.record('The fields of its records: a file, or inline `fields:`.')),
  unknown_fields: option.oneOf(['drop', 'error', 'keep'], 'What to do with fields that the schema does not name.', {
    default: 'drop',
  }),
  on_error: option.optional(option.object(onErrorShape, 'What to do with its bad records.')),
  answer: option.optional(option.text('The id of the source or step whose record is sent back to the sender.')),
  partial: option.optional(option.boolean('Accept the good items of a request that has bad ones.')),
}

/** A sink. */
export const sinkShape: Shape = { ...endpoint, from: option.optional(names) }

/** `dead_letter:` of a spec. */
export const deadLetterShape: Shape = {
  ...endpoint,
  stop_above: option.optional(
    option.percent('The share of bad records that ends the run, among the last 10,000 of a source.', {
      example: '5 %',
    }),
  ),
}

/** Keys of a step beside its verb. `window` is passed to the verb, which must have an option of that name. */
export const stepShape: Shape = {
  id: option.optional(option.text('Its name; by default the verb.')),
  from: option.optional(names),
  on_error: option.optional(option.object(onErrorShape, 'What to do with records that fail here.')),
  description: option.optional(option.text('What it is for.')),
}

/** One entry of `vars:`. */
export const varShape: Shape = {
  type: option.oneOf(
    ['string', 'integer', 'number', 'boolean', 'duration', 'size', 'percent'],
    'The type of its value.',
    { default: 'string' },
  ),
  default: option.optional(part('Its value where none is set.')),
  description: option.optional(option.text('What it is for.')),
}

/** The kinds of connections. */
export const kinds = ['stream', 'documents', 'objects', 'warehouse', 'endpoint'] as const

/** A connection bound to a system. */
export const bindingShape: Shape = {
  type: option.text('The connector.', { example: 'sqlite' }),
  kind: option.optional(option.oneOf(kinds, 'What kind of connection it is.')),
  config: option.optional(part('Options of the connector that every use of the connection shares.')),
  names: option.optional(option.map(option.text('The name in the system.'), 'Names in specs to names in the system.')),
  ...retry,
}

/** millrace.yaml. */
export const projectShape: Shape = {
  version: option.optional(option.integer('The version of this file: 1.')),
  name: option.optional(option.text('The name of the project, shown by `pipe plan`.')),
  connections: option.optional(
    option.map(option.oneOf(kinds, 'A kind of connection.'), 'The connections of the project, with their kinds.'),
  ),
  state: option.optional(option.text('The folder for what pipelines save, relative to this file. Default: .millrace.')),
}

/** A profile. */
export const profileShape: Shape = {
  connections: option.optional(part('Each connection bound to a system.')),
  vars: option.optional(part('Values of vars.')),
}
