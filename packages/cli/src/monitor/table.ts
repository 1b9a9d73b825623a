/**
 * All metrics, as data: what Prometheus and OpenTelemetry get, the page docs/generated/metrics.md, and the check of the
 * dashboard's queries are made from this table. Names follow https://prometheus.io/docs/practices/naming/.
 */

/** What a metric is. */
export interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly Label[]
  /** As OpenTelemetry writes it: `s`, `By`, `{record}`; empty: none. */
  readonly unit: string
  readonly help: string
}

/** The labels, and what their values are. */
export const labels = {
  pipeline: 'The name of the pipeline. Absent on metrics of a process: the process of the command itself.',
  node: 'The id of a source, step or sink; `dead_letter` is a sink.',
  code: 'The code of an error: see [the list](errors.md).',
  outcome: '`succeeded`, `failed` or `skipped`.',
  version: 'The version of the command.',
} as const

/** The name of a label. */
export type Label = keyof typeof labels

const ofPipeline = ['pipeline'] as const
const ofNode = ['pipeline', 'node'] as const
const ofCode = ['pipeline', 'node', 'code'] as const

/** The metrics, by the name that the code uses. */
export const metrics = {
  read: counter('records_read', ofNode, '{record}', 'Records that a source has read, bad ones included.'),
  readBytes: counter('read_bytes', ofNode, 'By', 'Bytes that a source has read.'),
  written: counter('records_written', ofNode, '{record}', 'Records that a sink has taken.'),
  superseded: counter(
    'records_superseded',
    ofNode,
    '{record}',
    'Records among the written ones that changed nothing, since the store had newer ones (`guard`).',
  ),
  failed: counter('records_failed', ofCode, '{record}', 'Records that failed, at the node where they failed, by code.'),
  filtered: counter('records_filtered', ofNode, '{record}', 'Records that a step has filtered out.'),
  late: counter('records_late', ofNode, '{record}', 'Records that came too late for a window of the step.'),
  retries: counter(
    'retries',
    ofCode,
    '{retry}',
    'Calls to a source or sink that failed and were tried again, by code.',
  ),
  failing: gauge(
    'failing',
    ofNode,
    '',
    '1 while calls to this source or sink fail and are tried again, or it cannot answer; else 0.',
  ),
  lag: gauge(
    'lag_records',
    ofPipeline,
    '{record}',
    'Records that are available and not read yet, of sources that say it.',
  ),
  lagSeconds: gauge(
    'lag_seconds',
    ofPipeline,
    's',
    'The age of the last record read while there are more; 0: none are.',
  ),
  waitingRequests: gauge('waiting_requests', ofNode, '{request}', 'Requests that wait for the answer of a source.'),
  rememberedKeys: gauge(
    'remembered_keys',
    ofNode,
    '{key}',
    'Idempotency keys under which a repeated request would get the first answer.',
  ),
  watermark: gauge('watermark_timestamp_seconds', ofNode, 's', 'The watermark of a step, as seconds since 1970.'),
  windows: gauge('open_windows', ofNode, '{window}', 'Windows of a step that have not fired.'),
  epoch: histogram(
    'epoch_duration_seconds',
    ofPipeline,
    'How long an epoch takes to be written, saved, published and committed.',
  ),
  save: histogram('save_duration_seconds', ofPipeline, 'How long the transaction that saves an epoch takes.'),
  lastSave: gauge(
    'last_save_timestamp_seconds',
    ofPipeline,
    's',
    'When an epoch was last saved, as seconds since 1970.',
  ),
  up: gauge('up', ofPipeline, '', '1 while the pipeline reads, 0 while it starts or does not run.'),
  runs: counter(
    'runs',
    ['pipeline', 'outcome'],
    '{run}',
    'Runs of a served pipeline that have ended, or were left out.',
  ),
  refused: gauge('edit_refused', ofPipeline, '', '1 while an edit of the spec is not in effect, since it was refused.'),
  memory: gauge('resident_memory_bytes', ofPipeline, 'By', 'Memory of the process.'),
  heap: gauge(
    'heap_used_bytes',
    ofPipeline,
    'By',
    "Memory of the process' JavaScript objects, without those of workers.",
  ),
  loopMean: gauge(
    'event_loop_delay_mean_seconds',
    ofPipeline,
    's',
    'Mean delay of the event loop since it was last measured.',
  ),
  loopMax: gauge(
    'event_loop_delay_max_seconds',
    ofPipeline,
    's',
    'Longest delay of the event loop since it was last measured.',
  ),
  build: gauge('build_info', ['version'], '', 'Always 1.'),
} as const satisfies Readonly<Record<string, Metric>>

/** The name of a metric in code. */
export type MetricKey = keyof typeof metrics

/** The buckets of histograms, in seconds. */
export const buckets: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]

function counter(name: string, own: readonly Label[], unit: string, help: string): Metric {
  return { name: `millrace_${name}_total`, type: 'counter', labels: own, unit, help }
}

function gauge(name: string, own: readonly Label[], unit: string, help: string): Metric {
  return { name: `millrace_${name}`, type: 'gauge', labels: own, unit, help }
}

function histogram(name: string, own: readonly Label[], help: string): Metric {
  return { name: `millrace_${name}`, type: 'histogram', labels: own, unit: 's', help }
}
