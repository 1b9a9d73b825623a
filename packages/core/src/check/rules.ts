/** Rules about the whole pipeline: error policies, run mode, parallelism, answers. */
import { suggest } from '../spec/suggest.ts'
import type { OnErrorWord } from '../spec/spec.ts'
import type { Place } from '../spec/tree.ts'
import type { CheckedSink, CheckedSource, CheckedStep, Flow, Lineages, Placed } from './checked.ts'
import type { Checking } from './context.ts'
import { partitionedBy } from './partition.ts'

/** `whole` if every input ends, unless the spec says otherwise. */
export function checkRuns(
  streams: readonly CheckedSource[],
  steps: readonly CheckedStep[],
  ctx: Checking,
): 'whole' | 'continue' {
  const endless = streams.find((source) => source.capabilities && !source.capabilities.bounded)
  const { runs } = ctx.spec
  if (runs?.mode === 'whole' && endless)
    ctx.report(
      'runs_whole_unbounded',
      runs.place,
      'runs',
      `the input of \`${endless.id}\` never ends, so neither would the run`,
    )
  const mode = runs?.mode ?? (endless ? 'continue' : 'whole')
  if (mode === 'whole') return mode
  for (const { spec, definition, options } of steps) {
    const needsEnd = definition?.needsEnd
    if (options === undefined || !(typeof needsEnd === 'function' ? needsEnd(options as never) : needsEnd)) continue
    const why = runs ? 'the pipeline resumes where it stopped' : `\`${endless!.id}\` never ends`
    ctx.report(
      'needs_end',
      spec.verb.keyPlace,
      spec.path,
      `\`${spec.verb.key}\` emits its results at the end of the input, but ${why}`,
    )
  }
  return mode
}

/** Workers share splits: each source must have splits, and the memory of a key must stay with its split. */
export function checkParallelism(
  streams: readonly CheckedSource[],
  placed: readonly Placed[],
  lineages: Lineages,
  ctx: Checking,
): void {
  const { workers, place } = ctx.spec.parallelism
  if (workers === 1) return
  const undivided = streams
    .filter(({ capabilities }) => capabilities && !capabilities.shares)
    .map((source) => `\`${source.id}\``)
  if (undivided.length > 0)
    ctx.report(
      'parallel_source',
      place,
      'parallelism',
      `${undivided.join(', ')} cannot be shared by ${workers} workers`,
    )
  const inOnePlace = placed
    .filter((each) => each.step.definition?.stateful && !partitionedBy(each, streams, lineages))
    .map(({ step }) => `\`${step.id}\``)
  if (inOnePlace.length > 0)
    ctx.report(
      'parallel_state',
      place,
      'parallelism',
      `${inOnePlace.join(', ')} cannot keep memory on ${workers} workers`,
      {
        hint: 'declare how the stream is partitioned (`partitioned_by` of the source), by fields that the step groups by',
      },
    )
}

/**
 * Error policies: a dead letter that is referred to must exist, one that exists should be used, and only a source that
 * answers can refuse records.
 */
export function checkErrorPolicies(
  sources: readonly CheckedSource[],
  steps: readonly CheckedStep[],
  ctx: Checking,
): void {
  const { spec, report } = ctx
  let isUsed = false
  const look = (word: OnErrorWord | undefined, place: Place | undefined, path: string, refuses: boolean) => {
    if (word === 'dead_letter') {
      isUsed = true
      if (!spec.deadLetter)
        report(
          'dead_letter_missing',
          place!,
          path,
          'bad records go to the dead letter, but the spec has no `dead_letter`',
        )
    }
    if (word === 'refuse' && !refuses)
      report('refuse_unsupported', place!, path, 'there is no sender to refuse the record to')
  }
  look(spec.onError?.data, spec.onError?.place, 'on_error', false)
  for (const { spec: source, capabilities } of sources)
    if (source)
      look(
        source.onError,
        source.onErrorPlace,
        `${source.path}.on_error`,
        !capabilities || capabilities.refuses === true,
      )
  for (const { spec: step } of steps) look(step.onError, step.onErrorPlace, `${step.path}.on_error`, false)
  if (spec.deadLetter && !isUsed)
    report('dead_letter_unused', spec.deadLetter.place, 'dead_letter', 'no record ever goes to the dead letter')
}

/**
 * Sources that answer: the step whose rows they return must exist, and no answer may have to wait for a file to be
 * closed.
 */
export function checkAnswers(
  streams: readonly CheckedSource[],
  sinks: readonly CheckedSink[],
  flow: Flow,
  ctx: Checking,
): void {
  for (const { id, spec, capabilities } of streams) {
    if (!spec || !capabilities) continue
    if (!capabilities.answers) {
      const [key] = spec.answerKeys
      if (key)
        ctx.report(
          'answer_unsupported',
          key.keyPlace,
          `${spec.path}.${key.key}`,
          `the source \`${id}\` does not answer its senders`,
        )
      continue
    }
    const { answer } = spec
    const nodes = [id, ...flow.steps.map(({ step }) => step.id), ...flow.owners.keys()]
    if (answer && !nodes.includes(answer.name))
      ctx.report('unknown_reference', answer.place, answer.path, `no step has the id \`${answer.name}\``, {
        hint: suggest(answer.name, nodes),
      })
    for (const sink of sinks) {
      if (!sink.capabilities?.checkpointsOnRoll || !isBelow(sink.id, id, flow)) continue
      ctx.report(
        'answers_held',
        sink.spec.place,
        sink.spec.path,
        `senders to \`${id}\` would wait until a file of \`${sink.id}\` is closed`,
      )
    }
  }
}

/** Whether `sink` and `source` are in the same connected part of the graph: they then share checkpoints. */
function isBelow(sink: string, source: string, flow: Flow): boolean {
  const edges: (readonly [string, string])[] = []
  const nodeOf = (name: string) => flow.owners.get(name) ?? name
  for (const { step, from } of flow.steps) for (const name of from) edges.push([nodeOf(name), step.id])
  for (const [id, { from }] of flow.sinks) for (const name of from) edges.push([nodeOf(name), id])
  const reached = new Set([source])
  for (let size = 0; size !== reached.size; ) {
    size = reached.size
    for (const [a, b] of edges) {
      if (reached.has(a)) reached.add(b)
      else if (reached.has(b)) reached.add(a)
    }
  }
  return reached.has(sink)
}
