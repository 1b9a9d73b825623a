/**
 * One fix per finding: the spec of the corpus that shows the finding best, and what makes it right. The error pages
 * print both, and a test applies every fix.
 */

export interface Mend {
  /** A file of specs/, without its extension. */
  readonly spec: string
  /** Its lines by number, counted from 1; null: the line is removed. */
  readonly lines?: Readonly<Record<number, string | null>>
  /** Other files of the project, whole. */
  readonly files?: Readonly<Record<string, string>>
  readonly profile?: string
  readonly set?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

const source = 'source: { type: csv, config: { path: in.csv }, schema: schemas/sales.yaml }'

/** By code. */
export const mends: Readonly<Record<string, Mend>> = {
  yaml_syntax: { spec: 'yaml-syntax', lines: { 6: `  - where: "Country == 'France'"` } },
  yaml_documents: { spec: 'yaml-documents', lines: { 6: null, 7: null } },
  yaml_key: { spec: 'yaml-key-list', lines: { 6: '  a: { type: integer, default: 1 }', 7: null } },
  yaml_tag: { spec: 'yaml-tag-source', lines: { 6: '  config: { path: "!in.csv" }' } },
  yaml_alias: { spec: 'yaml-alias-sink', lines: { 7: '  file: { type: files, config: { path: "out/*.csv" } }' } },
  yaml_too_many_aliases: {
    spec: 'yaml-too-many-aliases',
    lines: {
      2: `version: 1\nname: corpus\n${source}\nsinks: { out: { type: console } }`,
      3: null,
      4: null,
      5: null,
      6: null,
      7: null,
    },
  },
  duplicate_key: { spec: 'duplicate-key-source', lines: { 6: '  config: { path: [in.csv, other.csv] }' } },
  reserved_key: { spec: 'reserved-key-proto', lines: { 6: '  proto: { type: console }' } },
  file_missing: { spec: 'file-missing-schema', lines: { 7: '  schema: schemas/sales.yaml' } },
  file_unreadable: { spec: 'file-unreadable-schema', lines: { 7: '  schema: schemas/sales.yaml' } },

  unknown_key: {
    spec: 'unknown-key-source-config',
    lines: { 6: '  config: { path: in.csv, delimiter: ";" }' },
  },
  missing_key: { spec: 'missing-key-sink', lines: { 7: '  docs: { type: sqlite, config: { collection: docs } }' } },
  wrong_type: {
    spec: 'wrong-type-aggregate',
    lines: { 6: '  - aggregate: { by: [Country], outputs: { pieces: "sum(Quantity)" } }' },
  },
  bad_value: { spec: 'bad-value-drop', lines: { 6: '  - drop: [Country]' } },
  bad_unit: {
    spec: 'bad-unit-dead-letter',
    lines: { 7: 'dead_letter: { type: sqlite, config: { collection: bad }, stop_above: "5 %" }' },
  },
  secret_not_allowed: {
    spec: 'secret-not-allowed-set',
    lines: { 7: '  - set: { token: { value: "${env:TOKEN_NAME:-none}" } }' },
  },
  bad_interpolation: {
    spec: 'bad-interpolation-sink',
    lines: { 6: '  docs: { type: sqlite, config: { collection: "$${var:" } }' },
  },
  env_missing: { spec: 'env-missing-profile', env: { MILLRACE_CORPUS_NOT_SET: 'data/log' } },
  var_unknown: { spec: 'var-unknown-set', set: { folder: 'x' } },
  var_missing: { spec: 'var-missing', set: { folder: 'data' } },
  secret_missing: { spec: 'secret-missing-source', env: { MILLRACE_SECRET_CORPUS_TOKEN: 'hush' } },

  version_unsupported: { spec: 'version-unsupported', lines: { 2: 'version: 1' } },
  bad_name: { spec: 'bad-name-step', lines: { 6: '  - { id: a_b, where: "Quantity > 0" }' } },
  duplicate_id: {
    spec: 'duplicate-id-output',
    lines: {
      6: '  - { id: positive, where: "Quantity > 0" }',
      8: 'sinks: { rest: { type: console }, big: { type: "null" } }',
    },
  },
  no_source: { spec: 'no-source', lines: { 4: `${source}\nsinks: { out: { type: console } }` } },
  no_sink: { spec: 'no-sink', lines: { 4: `${source}\nsinks: { out: { type: console } }` } },
  unknown_step: {
    spec: 'unknown-step',
    lines: {
      7: '  - where: "Quantity > 0"',
      9: null,
      10: '    aggregate: { by: [Country], outputs: { lines: "count()" } }',
    },
  },
  step_verbs: { spec: 'step-verbs', lines: { 7: null, 9: '  - drop: [Country]' } },
  connector_missing: { spec: 'connector-missing-sink', lines: { 6: '  out: { type: console }' } },
  connector_broken: { spec: 'connector-broken', lines: { 5: '  type: csv\n  config: { path: in.csv }' } },
  type_or_connection: {
    spec: 'type-or-connection-both',
    lines: { 4: 'source: { connection: events, config: { stream: orders }, schema: schemas/sales.yaml }' },
  },
  unknown_connection: {
    spec: 'unknown-connection',
    lines: { 6: '  out: { connection: store, config: { collection: docs } }' },
  },
  connection_unbound: {
    spec: 'connection-unbound',
    files: { 'profiles/far.yaml': 'connections:\n  store: { type: sqlite }\n' },
  },
  wrong_kind: {
    spec: 'wrong-kind',
    lines: { 7: '  out: { connection: store, config: { collection: docs } }' },
    files: { 'profiles/wrong-kind.yaml': 'connections:\n  store: { type: sqlite }\n' },
  },
  config_in_both: {
    spec: 'config-in-both',
    lines: { 7: '  out: { connection: store, config: {} }' },
  },
  profile_missing: { spec: 'profile-missing', profile: 'local' },
  definition_failed: { spec: 'definition-failed-source', lines: { 4: source } },

  unknown_reference: { spec: 'unknown-reference-sink', lines: { 6: '  out: { from: source, type: console }' } },
  from_needed: { spec: 'from-needed-sink', lines: { 7: 'sinks: { out: { from: [a, b], type: console } }' } },
  no_plain_output: {
    spec: 'no-plain-output-sink',
    lines: {
      7: 'sinks: { big: { type: console }, rest: { type: console }, out: { from: [big, rest], type: console } }',
    },
  },
  cycle: { spec: 'cycle', lines: { 6: '  - { id: a, from: source, where: "Quantity > 0" }' } },
  unread_output: {
    spec: 'unread-output',
    lines: { 7: 'sinks: { big: { type: console }, rest: { type: "null" } }' },
  },
  merge_types_differ: {
    spec: 'merge-types-differ-sink',
    lines: {
      6: '  - { id: a, from: source, drop: [Country] }\n  - { id: b, from: source, drop: [Country] }',
      7: 'sinks: { out: { from: [a, b], type: console } }',
    },
  },
  side_unbounded: {
    spec: 'side-unbounded',
    lines: {
      6: '  names: { type: log, config: { stream: names, stop: end }, schema: { fields: { Country: string, label: string } } }',
    },
  },
  side_source_read: {
    spec: 'side-source-read',
    lines: {
      6: '  names: { type: csv, config: { path: b.csv }, schema: { fields: { Country: string, label: string } } }\n  raw_names: { type: csv, config: { path: b.csv }, schema: { fields: { Country: string, label: string } } }',
      8: '  - join: { source: names, on: Country }\n    from: main',
      11: '  raw: { from: raw_names, type: console }',
    },
  },

  schema_missing: { spec: 'schema-missing', lines: { 4: source } },
  bad_schema: { spec: 'bad-schema-file', files: { 'schemas/list.yaml': 'fields:\n  Quantity: integer\n' } },
  bad_type: { spec: 'bad-type-cast', lines: { 6: '  - cast: { Quantity: bigint }' } },
  bad_field_name: { spec: 'bad-field-name-set', lines: { 6: '  - set: { pieces: "Quantity" }' } },
  schema_rule_ignored: {
    spec: 'schema-rule-ignored',
    lines: {
      7: '  schema: { fields: { id: string?, size: integer? } }\nsteps:\n  - where: "size == null || size >= 1"',
    },
  },
  type_not_held: {
    spec: 'type-not-held',
    lines: { 5: 'steps:\n  - drop: [tags]\nsinks:' },
  },
  unknown_field: {
    spec: 'unknown-field-where',
    lines: { 6: `  - where: "Quantity > 0 && Country == 'France'"` },
  },
  event_time_missing: {
    spec: 'event-time-missing',
    lines: {
      4: 'source:\n  type: csv\n  config: { path: in.csv }\n  schema: { fields: { id: string, at: timestamp, n: integer } }\n  event_time: { field: at }',
      6: '  - window: { tumbling: 1h, late: drop }',
    },
  },
  late_missing: { spec: 'late-missing', lines: { 10: '  - window: { tumbling: 1h, late: drop }' } },
  window_over_results: {
    spec: 'window-over-results',
    lines: {
      10: '  - id: hourly\n    window: { tumbling: 1h, late: drop }',
      12: '  - id: daily\n    from: source\n    window: { tumbling: day, late: drop }',
      13: '    aggregate: { by: [id], outputs: { most: "max(n)" } }',
      14: 'sinks: { hours: { from: hourly, type: console }, days: { from: daily, type: console } }',
    },
  },
  windows_never_close: {
    spec: 'windows-never-close',
    lines: { 8: '  event_time: { field: at, max_out_of_order: 2h }' },
  },
  lanes_never_idle: {
    spec: 'lanes-never-idle',
    lines: { 8: '  event_time: { field: at, max_out_of_order: 5m, idle_after: 1m }' },
  },
  step_behind_updates: {
    spec: 'step-behind-updates',
    lines: { 11: '    aggregate: { by: [id], outputs: { sum: "sum(n)" }, emit: on_close }' },
  },
  sink_behind_updates: {
    spec: 'sink-behind-updates',
    lines: { 13: '  out: { type: sqlite, config: { collection: sums, key: [id, window_start] } }' },
  },
  bad_date_format: {
    spec: 'bad-date-format',
    lines: { 6: '  - parse_dates: { InvoiceDate: { formats: ["M/d/yyyy H:mm"] } }' },
  },
  unknown_zone: {
    spec: 'unknown-zone',
    lines: { 6: '  - parse_dates: { InvoiceDate: { formats: ["M/d/yyyy H:mm"], zone: Europe/Berlin } }' },
  },
  expression_mangled: { spec: 'expression-mangled-aggregate', lines: { 8: '        lines: "count()" # of them' } },

  bad_expression: { spec: 'bad-expression-set', lines: { 6: '  - set: { total: "Quantity * 2" }' } },
  unknown_function: { spec: 'unknown-function', lines: { 6: '  - set: { name: "upper(Country)" }' } },
  wrong_arguments: { spec: 'wrong-arguments', lines: { 6: '  - set: { name: "Country.substring(0, 2)" }' } },
  maybe_null: { spec: 'maybe-null', lines: { 6: '  - where: "CustomerID != null && CustomerID > 17000"' } },
  not_repeatable: {
    spec: 'not-repeatable',
    lines: { 6: '  - set: { at: "InvoiceDate" }' },
  },
  not_aggregated: {
    spec: 'not-aggregated',
    lines: { 6: '  - aggregate: { by: [Country], outputs: { pieces: "sum(Quantity)" } }' },
  },
  duplicate_field: {
    spec: 'duplicate-field-aggregate',
    lines: { 6: '  - aggregate: { by: [Country], outputs: { lines: "count()" } }' },
  },
  bad_pattern: { spec: 'bad-pattern', lines: { 6: `  - where: "Country.matches('[(]')"` } },
  out_of_range: { spec: 'out-of-range', lines: { 6: `  - set: { big: "decimal('9999999999999999999', 38, 0)" }` } },
  bad_address: {
    spec: 'bad-address',
    lines: {
      4: 'source: { type: http, config: { path: /orders, address: "127.0.0.1:8080" }, schema: schemas/sales.yaml }',
    },
  },
  open_to_all: {
    spec: 'open-to-all',
    lines: {
      4: 'source: { type: http, config: { path: /orders, address: "127.0.0.1:8080" }, schema: schemas/sales.yaml }',
    },
  },
  missing_option: {
    spec: 'missing-option-sink',
    lines: { 6: '  out: { type: http, config: { url: "http://127.0.0.1:1/", order: per_key, key: Country } }' },
  },

  same_key: {
    spec: 'same-key-branches',
    lines: {
      15: '  ledger: { from: [debit, credit], type: sqlite, config: { path: a.db, collection: by-id, key: [id, side] } }',
    },
  },
  exactly_once: { spec: 'exactly-once', lines: { 4: 'delivery: at_least_once' } },
  delivery_too_weak: {
    spec: 'delivery-too-weak',
    lines: { 6: 'sinks: { out: { type: files, config: { path: out/ } } }' },
  },
  source_not_replayable: { spec: 'source-not-replayable', lines: { 4: source } },
  runs_whole_unbounded: { spec: 'runs-whole-unbounded', lines: { 4: 'runs: continue' } },
  needs_end: {
    spec: 'needs-end',
    lines: { 4: 'source: { type: log, config: { stream: orders, stop: end }, schema: schemas/sales.yaml }' },
  },
  schedule_start: { spec: 'schedule-start', lines: { 4: 'schedule: { cron: "@daily", retries: 1 }' } },
  bad_cron: { spec: 'bad-cron', lines: { 4: 'schedule: { cron: "1 2 * * *" }' } },
  unknown_pipeline: { spec: 'unknown-pipeline', lines: { 4: 'schedule: { cron: "@daily" }' } },
  after_circle: { spec: 'after-circle', lines: { 4: 'schedule: { cron: "@daily" }' } },
  scheduled_output: {
    spec: 'scheduled-output',
    lines: { 6: 'sinks: { out: { type: files, config: { path: out.jsonl, existing: replace } } }' },
  },
  after_endless: { spec: 'after-endless', lines: { 4: 'schedule: { cron: "@daily" }' } },
  parallel_source: { spec: 'parallel-source', lines: { 4: 'parallelism: 1' } },
  parallel_state: {
    spec: 'parallel-state',
    lines: {
      5: 'source: { type: log, config: { stream: sales, stop: end, partitioned_by: [InvoiceNo] }, schema: schemas/sales.yaml }',
    },
  },
  answers_held: {
    spec: 'answers-held',
    lines: { 6: '  lake: { type: files, config: { path: lake/, format: jsonl } }' },
  },
  dead_letter_missing: {
    spec: 'dead-letter-missing-source',
    lines: {
      9: 'sinks: { out: { type: console } }\ndead_letter: { type: files, config: { path: dead-letter/, format: jsonl } }',
    },
  },
  dead_letter_unused: {
    spec: 'dead-letter-unused',
    lines: { 6: 'on_error: { data: dead_letter }\ndead_letter: { type: sqlite, config: { collection: bad } }' },
  },
  refuse_unsupported: { spec: 'refuse-unsupported-source', lines: { 8: '  on_error: { data: drop }' } },
  answer_unsupported: { spec: 'answer-unsupported', lines: { 8: null } },
}
