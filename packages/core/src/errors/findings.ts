/**
 * Findings that core reports: problems of a project's files and of their content.
 *
 * One file: a catalogue is looked up, not read.
 */
import type { CatalogueEntry } from './entry.ts'
import { pageFindings } from './page-findings.ts'

/** Files that cannot be read. */
export const fileFindings = {
  yaml_too_large: {
    title: 'file too large',
    explanation: 'A spec, profile or schema is at most 256 KiB.',
    hint: 'split it into several pipelines',
  },
  yaml_too_deep: {
    title: 'nested too deep',
    explanation: 'YAML is read to a depth of 64 levels.',
    hint: 'look for brackets that are never closed',
  },
  yaml_too_many_aliases: {
    title: 'too many aliases',
    explanation: 'Aliases repeat what they refer to; a few lines can expand into millions of values.',
    hint: 'write the values out',
  },
  yaml_syntax: {
    title: 'not YAML',
    explanation: 'The file cannot be read as YAML 1.2, so nothing in it was checked further.',
  },
  yaml_documents: {
    title: 'several documents',
    explanation: 'A file holds one YAML document.',
    hint: 'put each pipeline into its own file',
  },
  yaml_key: {
    title: 'key is not text',
    explanation: 'Every key of a map is plain text.',
    hint: 'a value that starts with `{` or `?` needs quotes',
  },
  yaml_tag: {
    title: 'a tag',
    explanation: 'YAML reads a word after `!` as a tag, which is not part of the value.',
    hint: 'put the value in quotes',
  },
  yaml_alias: {
    title: 'alias without a target',
    explanation: 'YAML reads a word after `*` as an alias of a value marked with `&` before it.',
    hint: 'put the value in quotes, or mark a value with `&`',
  },
  duplicate_key: {
    title: 'key given twice',
    explanation: 'A key may occur only once in a map; either could be meant.',
    hint: 'remove one of them',
  },
  reserved_key: {
    title: 'reserved key',
    explanation: 'The key is used internally.',
    hint: 'choose another name',
  },
  not_utf8: {
    title: 'not UTF-8',
    explanation: 'Specs, profiles and schemas are UTF-8 text.',
    hint: 'save the file as UTF-8',
  },
  file_missing: {
    title: 'file not found',
    explanation: 'A file that the spec names does not exist. Paths are relative to the project folder.',
  },
  file_unreadable: {
    title: 'file cannot be read',
    explanation: 'A file that the spec names exists, but could not be read.',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Keys and values, vars, environment and secrets. */
export const valueFindings = {
  unknown_key: {
    title: 'unknown key',
    explanation: 'This key is not known here; it is probably misspelt or in the wrong place.',
  },
  missing_key: { title: 'missing key', explanation: 'A key without a default is required.' },
  wrong_type: { title: 'wrong type', explanation: 'The value does not have the type of its option.' },
  bad_value: {
    title: 'value not allowed',
    explanation: 'The value has the right type but is not one of those allowed.',
  },
  bad_unit: {
    title: 'unit missing or unknown',
    explanation: 'Durations, sizes and percentages are written with their unit: `10m`, `128MiB`, `5 %`.',
  },
  secret_not_allowed: {
    title: 'secret in a plain option',
    explanation: 'The value of this option may be printed, so it cannot contain a secret.',
    hint: 'use an option that takes secrets, or `${env:NAME}` if the value is not secret',
  },
  bad_interpolation: {
    title: 'interpolation cannot be read',
    explanation:
      'An interpolation is `${env:NAME}`, `${env:NAME:-default}`, `${var:name}` or `${secret:name}`; `$${` is a literal `${`.',
  },
  env_missing: {
    title: 'environment variable not set',
    explanation: 'The spec reads an environment variable that is not set, without a default.',
  },
  var_unknown: {
    title: 'unknown var',
    explanation: 'A var is declared under `vars:` of the spec before it is used or set.',
  },
  var_missing: {
    title: 'var without a value',
    explanation: 'The var has no default, and neither the profile nor `--set` gives it a value.',
  },
  secret_missing: {
    title: 'secret without a value',
    explanation:
      'A secret is the environment variable MILLRACE_SECRET_NAME or a file of that name in the folder given by `--secrets-dir`.',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Names, connectors and connections. */
export const nameFindings = {
  version_unsupported: {
    title: 'version not supported',
    explanation: 'This release reads specs of version 1.',
    hint: 'write `version: 1`',
  },
  bad_name: {
    title: 'name not allowed',
    explanation: 'Names are part of ids and paths: letters, digits, `_` and `-`, starting with a letter or digit.',
  },
  duplicate_id: {
    title: 'id used twice',
    explanation: 'Sources, steps, named outputs and sinks share one set of ids.',
    hint: 'rename one of them',
  },
  no_source: { title: 'no source', explanation: 'A pipeline reads from `source:` or from several under `sources:`.' },
  no_sink: {
    title: 'no sink',
    explanation: 'A pipeline needs a sink; without one its records would vanish.',
    hint: 'add `sinks: { out: { type: console } }`',
  },
  unknown_step: { title: 'unknown step', explanation: 'No step of this name is built in or installed.' },
  step_verbs: {
    title: 'a step has one verb',
    explanation: 'A step is one verb with its config, besides `id`, `from` and `on_error`.',
    hint: 'make each verb a step of its own',
  },
  connector_missing: { title: 'connector not installed', explanation: 'No installed package provides this connector.' },
  connector_broken: {
    title: 'connector cannot be loaded',
    explanation: 'The package is installed, but importing it failed.',
  },
  type_or_connection: {
    title: '`type` or `connection`',
    explanation: 'A source or sink names either the type of its connector or a connection that the profile binds.',
  },
  unknown_connection: {
    title: 'unknown connection',
    explanation: 'Connections are declared with their kind in millrace.yaml, or in the spec.',
  },
  connection_unbound: {
    title: 'connection not bound',
    explanation: 'The profile binds each connection that a spec uses to a system.',
  },
  wrong_kind: {
    title: 'wrong kind of connection',
    explanation: 'The connector does not support connections of this kind.',
  },
  config_in_both: {
    title: 'set in spec and profile',
    explanation: 'A config key may be set in one place only; either could be meant.',
    hint: 'remove one of them',
  },
  profile_missing: {
    title: 'profile not found',
    explanation: 'A profile is a file in the folder profiles/; only `local` exists without one.',
  },
  definition_failed: {
    title: 'connector failed while being checked',
    explanation: 'The code of a connector or step threw an error. This is a bug in that package, not in the spec.',
    hint: 'report it to the authors of the package',
  },
} as const satisfies Record<string, CatalogueEntry>

/** What reads what. */
export const flowFindings = {
  unknown_reference: { title: 'unknown id', explanation: '`from` names a source, a step or a named output of a step.' },
  from_needed: {
    title: '`from` needed',
    explanation: 'With several sources, a step with no step before it must name the source it reads.',
  },
  no_plain_output: {
    title: 'only named outputs',
    explanation: 'This step has named outputs only; name one of them.',
  },
  cycle: { title: 'cycle', explanation: 'A step cannot read its own output, directly or through other steps.' },
  unread_output: {
    title: 'output that nothing reads',
    explanation: 'Records sent there would vanish.',
    hint: 'read it with a sink (`type: null` drops on purpose)',
  },
  merge_types_differ: {
    title: 'merged streams differ',
    explanation: 'Streams that are merged by a list in `from` must have the same fields with the same types.',
    hint: 'convert them to the same fields with `select`, `cast` or `default` before merging',
  },
  side_unbounded: {
    title: 'side input without an end',
    explanation: 'A side input is read completely before the first record, so it has to end.',
  },
  side_source_read: {
    title: 'side input used as a stream',
    explanation: 'A source that is the side input of a join cannot be read as a stream as well.',
    hint: 'declare it a second time under another id',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Schemas, fields and dates. */
export const typeFindings = {
  schema_missing: {
    title: 'source without a schema',
    explanation: 'The check follows types from the source to the sinks, so it needs the fields of the source.',
  },
  bad_schema: {
    title: 'schema cannot be read',
    explanation: 'A schema is `fields:` with names and types, or a JSON Schema of an object.',
  },
  bad_type: {
    title: 'unknown type',
    explanation:
      'Types are string, boolean, integer, bigint, number, decimal(p,s), date, timestamp, bytes, json, list<type>, and maps with `fields:`; `?` makes one optional.',
  },
  bad_field_name: {
    title: 'field name not allowed',
    explanation: 'Any text can name a field, except the empty text and `__proto__`.',
  },
  schema_rule_ignored: {
    title: 'JSON Schema rule not checked',
    explanation: 'Types and required fields of a JSON Schema are used; other rules are not.',
    severity: 'warning',
  },
  type_not_held: {
    title: 'type that the sink cannot store',
    explanation: 'The target system cannot store values of this type.',
  },
  unknown_field: { title: 'unknown field', explanation: 'The records have no field of this name at this point.' },
  event_time_missing: {
    title: 'no event time',
    explanation: 'A window needs to know when the event of a record happened, and this source does not say it.',
    hint: 'add `event_time: { field: NAME }` to the source, or `event_time: arrival` for the time of arrival',
  },
  late_missing: {
    title: 'no place for late records',
    explanation: 'A record whose window has closed goes to the output that `late` names.',
    hint: 'late: late_records, with a sink of that name; or `late: drop`, which counts them',
  },
  window_over_results: {
    title: 'window over results',
    explanation: 'The results of an aggregation cannot be put into windows again.',
    hint: 'compute both from the records, with a step for each',
  },
  windows_never_close: {
    title: 'windows would never close',
    explanation: 'With `max_out_of_order: unbounded` windows close at the end of the input, and this input has none.',
    hint: 'set a bound, such as `max_out_of_order: 2h`; or read a stream to the end that it has now, with `stop: end`',
  },
  lanes_never_idle: {
    severity: 'warning',
    title: 'a silent partition holds windows back',
    explanation: 'Each partition has a watermark of its own, and windows wait for the slowest of them.',
    hint: 'set `idle_after`, such as `idle_after: 1m`',
  },
  step_behind_updates: {
    title: 'step behind updates',
    explanation:
      'A result that is emitted again replaces the one before, so only steps that give exactly one record for each may follow.',
    hint: 'emit each result once: with a window by `emit: on_close`, without one by leaving out `emit`',
  },
  sink_behind_updates: {
    title: 'sink behind updates',
    explanation: 'A result that is emitted again must replace the one before, which takes a sink with a fitting key.',
  },
  bad_date_format: {
    title: 'date format cannot be read',
    explanation: 'Formats use the letters of Java date formats: `M/d/yyyy H:mm`.',
  },
  unknown_zone: {
    title: 'unknown time zone',
    explanation: 'Zones are those of the IANA database: `Europe/Berlin`, or `UTC`.',
  },
  expression_mangled: {
    title: 'expression changed by YAML',
    explanation: 'YAML read the text as something else: a tag, an alias, a comment or a map.',
    hint: 'quote the expression',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Delivery, and how the pipeline runs. */
export const promiseFindings = {
  same_key: {
    title: 'different records under one key',
    explanation:
      'A keyed sink would get several records with the same key, from branches that merge or from a step that makes several records from one. They would replace each other.',
    hint: 'add a field to `key` that distinguishes them, or remove `key`',
  },
  exactly_once: {
    title: 'exactly-once is not possible',
    explanation:
      'The systems at both ends and the state of the pipeline cannot commit in one step. `effectively_once` is the strongest guarantee: nothing is lost, and a repeated record replaces itself.',
    hint: 'delivery: effectively_once',
  },
  delivery_too_weak: {
    title: 'delivery cannot be met',
    explanation: 'The guarantee of a pipeline is that of its weakest part.',
  },
  source_not_replayable: {
    title: 'source cannot be read twice',
    explanation: 'If the process dies, records that were read but not saved are lost.',
    severity: 'warning',
  },
  runs_whole_unbounded: {
    title: 'a whole run needs an end',
    explanation: '`runs: whole` reads from beginning to end, but the input of this source never ends.',
    hint: 'runs: continue',
  },
  needs_end: {
    title: 'a result needs an end',
    explanation: 'The step emits one result per group when the input ends, and this run never ends.',
    hint: 'a `window`, `emit: on_change`, or `runs: whole` with sources that end',
  },
  parallel_source: {
    title: 'a source that cannot be shared',
    explanation:
      'Workers share the splits of a source, such as the partitions of a stream. This source has no splits to share.',
    hint: 'parallelism: 1',
  },
  parallel_state: {
    title: 'state on several workers',
    explanation:
      'All records of a key must reach the same worker, so a step with memory cannot run on several workers.',
    hint: 'parallelism: 1',
  },
  schedule_start: {
    title: 'when to run is not clear',
    explanation: 'A schedule has either `cron`, or `after` with the pipelines that it follows.',
    hint: 'write one of the two',
  },
  bad_cron: {
    title: 'not a cron expression',
    explanation:
      'A cron expression has five fields: minute, hour, day of the month, month and day of the week; `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` are short for the usual ones.',
    hint: 'for example "30 2 * * *", every day at half past two',
  },
  unknown_pipeline: {
    title: 'no such pipeline',
    explanation: '`after` names pipelines of the same project.',
  },
  after_circle: {
    title: 'pipelines wait for each other',
    explanation: 'Each of these pipelines runs after another one of them, so none would ever run.',
    hint: 'give one of them a `cron`',
  },
  scheduled_output: {
    title: 'the second run finds the results of the first',
    explanation:
      'A pipeline that reads its input from beginning to end begins anew with each run of its schedule, and its sink stops when results of an earlier run are there.',
    hint: '`existing: replace` replaces them, `existing: keep` adds to them',
    severity: 'warning',
  },
  after_endless: {
    title: 'what it follows never ends',
    explanation:
      'A pipeline runs after another one has ended a run. One that reads an endless input, and has no schedule of its own, stays up and never ends a run.',
    hint: 'give this pipeline a `cron`, or the other one a schedule, on which it reads what there is',
  },
  answers_held: {
    title: 'answers would wait for a file',
    explanation: 'The sink can resume only where a file ends, so senders would wait for their answers until then.',
    hint: 'split the pipeline: http -> stream, and another one stream -> the rest',
  },
  dead_letter_missing: {
    title: 'no dead letter',
    explanation: '`on_error: { data: dead_letter }` needs a `dead_letter` sink.',
    hint: 'add `dead_letter: { type: files, config: { path: dead-letter/ } }`',
  },
  dead_letter_unused: {
    title: 'dead letter never used',
    explanation: 'Bad records stop the run, since no `on_error` is set to `dead_letter`.',
    hint: 'on_error: { data: dead_letter }',
    severity: 'warning',
  },
  refuse_unsupported: {
    title: 'no sender to refuse to',
    explanation: 'Only a source that answers its sender can refuse a record.',
    hint: 'stop, dead_letter or drop',
  },
  answer_unsupported: {
    title: 'a source that does not answer',
    explanation: '`answer` and `partial` are for sources that answer their sender.',
  },
} as const satisfies Record<string, CatalogueEntry>

/** By code. */
export const findingEntries = {
  ...fileFindings,
  ...valueFindings,
  ...nameFindings,
  ...flowFindings,
  ...typeFindings,
  ...promiseFindings,
  ...pageFindings,
} as const satisfies Record<string, CatalogueEntry>
