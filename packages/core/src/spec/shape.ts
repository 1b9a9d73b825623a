/**
 * The keys of a spec, as options: the reader, the JSON Schema for editors and the documentation are derived from them.
 * A `part` is read by its own rules.
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
  'The input: the id of a source, a step or a named output; a list merges several. Default: the previous step.',
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
  description: option.optional(option.text('A one-sentence description.')),
  delivery: option.optional(
    option.oneOf(
      ['at_least_once', 'effectively_once', 'exactly_once'],
      'The required delivery guarantee; the check fails if it cannot be met.',
    ),
  ),
  vars: option.optional(
    part('Values that differ from run to run, each with `type` and `default`; `--set name=value` sets them.'),
  ),
  connections: option.optional(part('Connections of this spec alone: a kind that the profile binds, or a binding.')),
  source: option.optional(part('The only source; its id is `source`.')),
  sources: option.optional(part('Several sources, by id.')),
  steps: option.optional(part('The steps, in order.')),
  sinks: option.optional(part('The sinks, by id.')),
  on_error: option.optional(option.object(onErrorShape, 'What to do with bad records.')),
  dead_letter: option.optional(part('Where to keep bad records.')),
  runs: option.optional(
    option.oneOf(
      ['whole', 'continue'],
      'Read everything each time, or continue where the last run stopped. Default: whole if every input ends.',
    ),
  ),
  schedule: option.optional(
    option.object(
      {
        cron: option.optional(
          option.text(
            'When to run: minute, hour, day of the month, month, day of the week; or `@daily` and the like.',
            {
              example: '30 2 * * *',
            },
          ),
        ),
        timezone: option.text('The time zone of `cron`.', { default: 'UTC', example: 'Europe/Berlin' }),
        after: option.optional(
          option.list(
            option.text('The name of a pipeline.', { minLength: 1 }),
            'Run when each of these pipelines has ended a run since, instead of by the clock.',
            { min: 1, example: ['sales'] },
          ),
        ),
        retries: option.integer('How often a run that fails is tried again.', { default: 0, min: 0, max: 100 }),
        backoff: option.duration('The wait before the first of these attempts; it doubles each time, up to an hour.', {
          default: '1m',
        }),
        overlap: option.oneOf(
          ['skip', 'wait'],
          'What to do when the run before has not ended: leave this one out, or start it then.',
          { default: 'skip' },
        ),
        catch_up: option.oneOf(
          ['none', 'latest', 'all'],
          'Which of the runs to make up that were due while nobody served the project.',
          { default: 'none' },
        ),
      },
      'When `pipe serve` runs the pipeline.',
    ),
  ),
  parallelism: option.integer('Workers that share the splits of the sources.', { default: 1, min: 1, max: 64 }),
}

/** `retry:` of a connection, source, sink or dead letter. */
export const retrySchema = option.object(
  {
    for: option.anyOf(
      [option.oneOf(['forever'], 'Until it works or the run is stopped.'), option.duration('For this long.')],
      'How long to retry a system that is unreachable or temporarily refuses requests.',
      { default: '30m', example: '2h' },
    ),
    backoff: option.duration('The wait before the second attempt; it doubles each time.', { default: '100ms' }),
    max_wait: option.duration('The longest wait between two attempts.', { default: '15s' }),
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
  description: option.optional(option.text('A description.')),
}

/** `event_time:` of a source. */
export const eventTimeSchema = option.anyOf(
  [
    option.oneOf(['arrival'], 'When the record arrived (processing time); no record is late.'),
    option.object({
      field: option.text('The field with the time: a timestamp, a date, or text in one of `formats`.', {
        example: 'InvoiceDate',
      }),
      formats: option.optional(
        option.list(option.text('A date format.'), 'The formats of a text field, tried in order.', {
          example: ['M/d/yyyy H:mm'],
          min: 1,
        }),
      ),
      zone: option.text('The time zone of texts without an offset, and of dates.', { default: 'UTC' }),
      fold: option.oneOf(['earlier', 'later', 'error'], 'Which instant a time means that a clock shows twice.', {
        default: 'error',
      }),
      max_out_of_order: option.anyOf(
        [
          option.oneOf(['unbounded'], 'No record is late; windows close at the end of the input.'),
          option.duration('At most so far behind the highest time of its lane, no record is late.'),
        ],
        'How far records may be out of order.',
        { default: '0s', example: '2h' },
      ),
      idle_after: option.optional(
        option.duration(
          'A lane that has had nothing for this long no longer holds back the watermark. Default: never.',
          {
            example: '1m',
          },
        ),
      ),
      max_future: option.optional(
        option.duration('A record further ahead of its arrival is bad. Default: no limit.', { example: '1h' }),
      ),
      max_skew: option.optional(
        option.duration('A lane is not read further ahead of the slowest one than this. Default: no limit.', {
          example: '1h',
        }),
      ),
    }),
  ],
  'When the event of a record happened; windows need it.',
)

/** A source. */
export const sourceShape: Shape = {
  ...endpoint,
  schema: option.optional(option.record('The fields of its records: a file, or inline `fields:`.')),
  unknown_fields: option.oneOf(['drop', 'error', 'keep'], 'What to do with fields that are not in the schema.', {
    default: 'drop',
  }),
  event_time: option.optional(eventTimeSchema),
  on_error: option.optional(option.object(onErrorShape, 'What to do with its bad records.')),
  answer: option.optional(option.text('The id of the source or step whose row is returned to the sender.')),
  partial: option.optional(option.boolean('Accept the good records of a request that also has bad ones.')),
}

/** A sink. */
export const sinkShape: Shape = { ...endpoint, from: option.optional(names) }

/** `dead_letter:` of a spec. */
export const deadLetterShape: Shape = {
  ...endpoint,
  stop_above: option.optional(
    option.percent('The share of bad records, among the last 10,000 of a source, that stops the run.', {
      example: '5 %',
    }),
  ),
}

/** Keys of a step other than its verb. `window` is passed to the verb, which must have an option of that name. */
export const stepShape: Shape = {
  id: option.optional(option.text('Its name; by default the verb.')),
  from: option.optional(names),
  on_error: option.optional(option.object(onErrorShape, 'What to do with records that fail here.')),
  description: option.optional(option.text('A description.')),
}

/** One entry of `vars:`. */
export const varShape: Shape = {
  type: option.oneOf(
    ['string', 'integer', 'number', 'boolean', 'duration', 'size', 'percent'],
    'The type of its value.',
    { default: 'string' },
  ),
  default: option.optional(part('The value if none is set.')),
  description: option.optional(option.text('A description.')),
}

/** The kinds of connections. */
export const kinds = ['stream', 'documents', 'objects', 'warehouse', 'endpoint'] as const

/** A connection bound to a system. */
export const bindingShape: Shape = {
  type: option.text('The connector.', { example: 'sqlite' }),
  kind: option.optional(option.oneOf(kinds, 'The kind of the connection.')),
  config: option.optional(part('Connector options shared by every use of the connection.')),
  names: option.optional(
    option.map(option.text('The name in the system.'), 'Maps names in specs to names in the system.'),
  ),
  ...retry,
}

/** millrace.yaml. */
export const projectShape: Shape = {
  version: option.optional(option.integer('The version of this file: 1.')),
  name: option.optional(option.text('The name of the project, shown by `pipe plan`.')),
  connections: option.optional(
    option.map(
      option.anyOf(
        [option.oneOf(kinds, 'A kind of connection.'), part('Bound to a system, in every profile that does not.')],
        'A kind, or a system as in a profile.',
      ),
      'The connections of the project, with their kinds.',
    ),
  ),
  state: option.optional(
    option.text('The folder for the state of pipelines, relative to this file. Default: .millrace.'),
  ),
}

/** A profile. */
export const profileShape: Shape = {
  connections: option.optional(part('Each connection bound to a system.')),
  vars: option.optional(part('Values of vars.')),
}
